"""Waits for a difference between desired and reported, so that an app without MQTT hears of one within a second."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

_LOOK_SECONDS = 0.5


async def delta_after(
    version: int,
    wait_seconds: float,
    read: Callable[[], Awaitable[bytes | None]],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> dict[str, Any] | None:
    """The first document above `version` that has a delta, as its ``update/delta`` message has it; None where none comes in time.

    `read` gives the shadow's document, or None where there is no shadow.
    """
    waited = 0.0
    while True:
        found = await read()
        if found is not None and (delta := _delta(json.loads(found), version)):
            return delta
        if waited >= wait_seconds:
            return None
        await sleep(_LOOK_SECONDS)
        waited += _LOOK_SECONDS


def _delta(document: dict[str, Any], version: int) -> dict[str, Any] | None:
    if document["version"] <= version or "delta" not in document["state"]:
        return None
    return {
        "version": document["version"],
        "timestamp": document["timestamp"],
        "state": document["state"]["delta"],
        "metadata": document["metadata"].get("delta", {}),
    }
