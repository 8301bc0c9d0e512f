"""Requests with several faults at once, of which the first in the order of faults is told."""

from collections.abc import Callable
from random import Random
from typing import Any

from tests.fleet.shadow import refused
from tests.fleet.shadow.flat import SECTIONS
from tests.fleet.shadow.reference import Reference

Fault = Callable[[Random, dict[str, Any], Reference], None]


def too_large(rng: Random, asked: dict[str, Any], known: Reference) -> None:
    _section(rng, asked)["fill"] = "x" * known.document_bytes


def another_version(rng: Random, asked: dict[str, Any], known: Reference) -> None:
    asked["version"] = known.number + rng.choice((2, 7, 2**64))


def null_in_array(rng: Random, asked: dict[str, Any], known: Reference) -> None:
    _section(rng, asked)["nulls"] = [77, None]


def unknown_node(rng: Random, asked: dict[str, Any], known: Reference) -> None:
    """Before or behind the others; some have a null in an array, and many levels."""
    odd = {rng.choice(("delta", "x")): rng.choice((77, None, {"a": [None]}, _nested(known.depth + 1)))}
    asked["state"] = rng.choice((odd | asked["state"], asked["state"] | odd))


def too_deep(rng: Random, asked: dict[str, Any], known: Reference) -> None:
    _section(rng, asked)["deep"] = _nested(known.depth)


def wrong_token(rng: Random, asked: dict[str, Any], known: Reference) -> None:
    asked["clientToken"] = rng.choice((refused.long_token, refused.token_no_text))(rng)


def wrong_version(rng: Random, asked: dict[str, Any], known: Reference) -> None:
    asked["version"] = rng.choice((-1, -known.number - 1, True, False, str(known.number), float(known.number), [], {}))


def section_no_object(rng: Random, asked: dict[str, Any], known: Reference) -> None:
    for name in rng.choice((SECTIONS[:1], SECTIONS[1:], SECTIONS, SECTIONS[::-1])):
        asked["state"].pop(name)
        asked["state"][name] = rng.choice((77, [], [None], False, ""))


def state_no_object(rng: Random, asked: dict[str, Any], known: Reference) -> None:
    asked["state"] = rng.choice((77, [], [None], False, ""))


def state_missing(rng: Random, asked: dict[str, Any], known: Reference) -> None:
    del asked["state"]


# From the last that is told to the first: none undoes one before it that would be told in its place.
_WITHIN: tuple[Fault, ...] = (too_large, another_version, null_in_array, unknown_node, too_deep, wrong_token, wrong_version)
_FAULTS: tuple[Fault, ...] = (*_WITHIN, section_no_object, state_no_object, state_missing)


def request(rng: Random, known: Reference, many: int) -> dict[str, Any]:
    """With so many of the faults; half of the requests with a token, which is right if that is not one of the faults."""
    asked: dict[str, Any] = {"state": {name: {"a": 77} for name in SECTIONS}}
    if rng.random() < 0.5:
        asked["clientToken"] = "t-7"
    faults = _WITHIN if rng.random() < 0.6 else _FAULTS
    for number in sorted(rng.sample(range(len(faults)), many)):
        faults[number](rng, asked, known)
    return asked


def _section(rng: Random, asked: dict[str, Any]) -> Any:
    return asked["state"][rng.choice(SECTIONS)]


def _nested(levels: int) -> Any:
    value: Any = 77
    for _ in range(levels):
        value = {"a": value}
    return value
