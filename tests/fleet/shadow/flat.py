"""A shadow's document as a flat map from path to leaf: what the reference model is built of.

A path begins with its section, ``("desired", "motor", "speed")``. A leaf is a plain value or a whole array; an object that has no
keys is kept as a leaf with the value `HOLLOW`, for nothing else would tell of it.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Any

DESIRED, REPORTED = SECTIONS = ("desired", "reported")

Path = tuple[str, ...]


class Mark(Enum):
    HOLLOW = "an object without keys"
    GONE = "what the request takes away"


HOLLOW, GONE = Mark.HOLLOW, Mark.GONE


@dataclass(frozen=True)
class Leaf:
    """`at`: the second at which it was last given."""

    value: Any
    at: int


Flat = dict[Path, Leaf]


def edits(asked: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """What the request's `asked` at `path` does, leaf by leaf: a value to put, an object to be there, or what is to go."""
    if isinstance(asked, dict) and asked:
        for key, value in asked.items():
            yield from edits(value, (*path, key))
    else:
        yield path, GONE if asked is None else HOLLOW if asked == {} else asked


def put(flat: Flat, path: Path, leaf: Leaf) -> None:
    cut(flat, path)
    for length in range(1, len(path)):
        flat.pop(path[:length], None)
    flat[path] = leaf


def cut(flat: Flat, path: Path) -> None:
    for known in [known for known in flat if known[: len(path)] == path]:
        del flat[known]


def make_object(flat: Flat, path: Path, now: int) -> None:
    """An object stands at `path`: the one that is there, or one without keys; a section without keys is none, though."""
    if path[1:] and not any(known[: len(path)] == path and known != path for known in flat):
        put(flat, path, Leaf(HOLLOW, now))


def take_away(flat: Flat, path: Path, now: int) -> None:
    cut(flat, path)
    make_object(flat, path[:-1], now)


def tree(flat: Flat, shown: Callable[[Leaf], Any]) -> dict[str, Any]:
    """The nested document of what `shown` makes of each leaf."""
    root: dict[str, Any] = {}
    for path, leaf in flat.items():
        node = root
        for key in path[:-1]:
            node = node.setdefault(key, {})
        node[path[-1]] = {} if leaf.value is HOLLOW else shown(leaf)
    return root


def value_of(leaf: Leaf) -> Any:
    return leaf.value


def stamps_of(leaf: Leaf) -> Any:
    """Its metadata: a stamp, and for an array one for each plain value in it."""
    return stamped(leaf.value, leaf.at)


def stamped(value: Any, at: int) -> Any:
    """A stamp for each plain value, of which null is one too, where it stands in its objects and arrays."""
    if isinstance(value, list):
        return [stamped(element, at) for element in value]
    if isinstance(value, dict):
        return {key: stamped(member, at) for key, member in value.items()}
    return {"timestamp": at}


def sizes(flat: Flat) -> int:
    """Bytes of both sections, each written as compact JSON in UTF-8."""
    sections = tree(flat, value_of)
    return sum(len(compact(sections[name]).encode()) for name in SECTIONS if name in sections)


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def comparable(value: Any) -> Any:
    """Equal for equal values: numbers by value, whatever their spelling, and true and false are no numbers."""
    if isinstance(value, list):
        return ("array", tuple(comparable(element) for element in value))
    if isinstance(value, dict):
        return ("object", frozenset((key, comparable(member)) for key, member in value.items()))
    if isinstance(value, bool):
        return ("truth", value)
    return ("number", Fraction(value)) if isinstance(value, int | float) else ("text", value)
