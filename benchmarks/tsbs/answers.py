"""Whether two answers are the same: the same rows in any order, floats but for the order in which they were added."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

_CLOSE = 1e-9


def differences(found: Iterable[Sequence[Any]], expected: Iterable[Sequence[Any]]) -> str:
    """In words, the first row in which they differ; empty where they are the same."""
    ours, theirs = (sorted((tuple(row) for row in rows), key=_key) for rows in (found, expected))
    if len(ours) != len(theirs):
        return f"{len(ours)} rows, expected are {len(theirs)}"
    unlike = next(((a, b) for a, b in zip(ours, theirs, strict=True) if not _same(a, b)), None)
    return f"found {unlike[0]}, expected {unlike[1]}" if unlike else ""


def _same(one: Sequence[Any], other: Sequence[Any]) -> bool:
    return len(one) == len(other) and all(_alike(a, b) for a, b in zip(one, other, strict=True))


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=_CLOSE)
    return bool(one == other)


def _key(row: Sequence[Any]) -> tuple[Any, ...]:
    """Words first: what is computed does not decide on the order."""
    return tuple(str(value) for value in row if not isinstance(value, float)), tuple(value for value in row if isinstance(value, float))
