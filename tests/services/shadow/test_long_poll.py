"""Waiting for a delta."""

import asyncio
import json
from typing import Any

from services.shadow.long_poll import delta_after


def _document(version: int, delta: dict[str, Any] | None) -> bytes:
    state: dict[str, Any] = {"desired": {"rpm": 900}} | ({"delta": delta} if delta else {})
    metadata = {"delta": {"rpm": {"timestamp": 7}}} if delta else {}
    return json.dumps({"state": state, "metadata": metadata, "version": version, "timestamp": 9}).encode()


def _waited(answers: list[bytes | None], version: int, seconds: float) -> tuple[dict[str, Any] | None, float]:
    """What was found in the shadow's successive documents, and how long it was waited for; the last one stays."""
    slept = 0.0

    async def sleep(duration: float) -> None:
        nonlocal slept
        slept += duration

    async def read() -> bytes | None:
        return answers.pop(0) if len(answers) > 1 else answers[0]

    return asyncio.run(delta_after(version, seconds, read, sleep)), slept


def test_a_difference_that_is_there_is_told_at_once() -> None:
    found, slept = _waited([_document(4, {"rpm": 900})], 3, 20)
    assert (found, slept) == ({"version": 4, "timestamp": 9, "state": {"rpm": 900}, "metadata": {"rpm": {"timestamp": 7}}}, 0.0)


def test_one_that_comes_later_is_waited_for() -> None:
    found, slept = _waited([None, _document(1, None), _document(2, {"rpm": 900})], 0, 20)
    assert found is not None
    assert (found["version"], slept) == (2, 1.0)


def test_a_known_version_is_not_told_again_and_the_wait_ends() -> None:
    assert _waited([_document(4, {"rpm": 900})], 4, 3) == (None, 3.0)


def test_without_a_wait_it_looks_once() -> None:
    assert _waited([_document(4, None)], 0, 0) == (None, 0.0)
