"""Random state documents of few keys and values, so that what is merged collides; and what is in them."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

from tests.fleet.shadow.flat import DESIRED, REPORTED, SECTIONS

_USUAL_KEYS = ("a", "b", "c", "timestamp")
_ODD_KEYS = ("é", "𝄞", "", "a.b", "desired", "version", "null", "0")
_USUAL = (0, 1, True, False, 1.0, 0.0, "1", "x", 2, "")
# The numbers that one double cannot tell from its neighbour; text of two, three and four bytes a character.
_ODD = (2**53 + 1, float(2**53), 10**30, -1, 0.5, -0.0, 123456789.125, "é", "漢字", "𝄞", "true", "null", '"\\', "\u0000\u2028")
# Of one number each: what it may be spelled like.
SPELLINGS = (("1", "1.0", "1e0", "10e-1", "100E-2"), ("0", "-0", "0.0", "-0.0", "0e5"), ("100", "1e2", "1.00E+2"), ("0.5", "5e-1", "0.50"))
NEIGHBOURS = (("9007199254740992", "9007199254740993", "9007199254740992.0"), ("1" + "0" * 30, "1" + "0" * 29 + "1"))
# From here on a float is written with an exponent, for which JSON has several spellings of several lengths.
_SHORT = 10**16
_LOOK_ALIKES = {"1": 1, "true": True, "null": "", "0": 0}


def state(rng: Random, deepest: int) -> dict[str, Any]:
    """Of one section or both, with nulls, empty objects and arrays at any level."""
    names = rng.choice(((DESIRED,), (REPORTED,), (DESIRED, REPORTED), (REPORTED, DESIRED)))
    return {name: members(rng, 1, deepest, nulls=True) for name in names}


def members(rng: Random, level: int, deepest: int, nulls: bool) -> dict[str, Any]:
    """The keys of an object that stands at `level`."""
    keys = {rng.choice(_USUAL_KEYS if rng.random() < 0.9 else _ODD_KEYS) for _ in range(rng.choice((0, 1, 1, 2, 2, 3)))}
    return {key: _value(rng, level + 1, deepest, nulls) for key in sorted(keys)}


def _value(rng: Random, level: int, deepest: int, nulls: bool) -> Any:
    """An object or an array at `level`, where there may be one; or what has no level of its own."""
    chance = rng.random()
    if level <= deepest and (chance < 0.47 or chance > 0.97):
        return {} if chance > 0.97 else members(rng, level, deepest, nulls) if chance < 0.35 else array(rng, level, deepest)
    return None if chance < 0.6 and nulls else plain(rng)


def array(rng: Random, level: int, deepest: int) -> list[Any]:
    """One at `level`, without a null; what is in it is a level lower."""
    return [_value(rng, level + 1, deepest, nulls=False) for _ in range(rng.choice((0, 1, 2, 3)))]


def plain(rng: Random) -> Any:
    return rng.choice(_USUAL if rng.random() < 0.8 else _ODD)


def look_alike(rng: Random, value: Any) -> Any:
    """Of the same structure, some plain values in it another that is easily taken for the first."""
    if isinstance(value, dict):
        return {key: look_alike(rng, member) for key, member in value.items()}
    if isinstance(value, list):
        return [look_alike(rng, element) for element in value]
    return _twin(value) if rng.random() < 0.5 else value


def _twin(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return bool(value) if value in (0, 1) else float(value) if abs(value) < _SHORT else value
    if isinstance(value, float):
        return int(value)
    return _LOOK_ALIKES.get(value, value)


def traits(value: Any, in_array: bool = False) -> Iterator[str]:
    """What of note there is in a document, at any level."""
    if isinstance(value, dict):
        yield from () if value else ("empty object in an array" if in_array else "empty object",)
        for key, member in value.items():
            yield from () if key.isascii() else ("key beyond ASCII",)
            yield from traits(member, in_array)
    elif isinstance(value, list):
        yield ("array in an array" if in_array else "array") if value else "empty array"
        for element in value:
            yield from ("object in an array",) if isinstance(element, dict) else ()
            yield from traits(element, True)
    else:
        yield _trait_of_plain(value)


def _trait_of_plain(value: Any) -> str:
    if isinstance(value, str):
        return "text" if value.isascii() else "text beyond ASCII"
    if isinstance(value, int) and abs(value) > 2**53:
        return "integer beyond a double"
    return {"NoneType": "null", "bool": "bool", "int": "integer", "float": "float"}[type(value).__name__]


TRAITS = frozenset(
    (
        *("null", "bool", "integer", "float", "integer beyond a double", "text", "text beyond ASCII", "key beyond ASCII"),
        *("empty object", "array", "empty array", "array in an array", "object in an array", "empty object in an array"),
    )
)


def written(rng: Random, document: Any) -> bytes:
    """As JSON in one of its spellings: compact or with spaces, UTF-8 or escaped."""
    separators = rng.choice(((",", ":"), (", ", ": "), (" ,\n", "\t: ")))
    return json.dumps(document, ensure_ascii=rng.random() < 0.3, separators=separators).encode()


def letter_bytes(letter: str) -> bytes:
    """As it stands in a text."""
    return json.dumps(letter, ensure_ascii=False)[1:-1].encode()


def bytes_of(sections: dict[str, Any]) -> int:
    return sum(len(json.dumps(sections[name], ensure_ascii=False, separators=(",", ":")).encode()) for name in SECTIONS if name in sections)
