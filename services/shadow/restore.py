"""What must be sent so that a section of a shadow becomes what it was: an update only merges, so what came since is removed by null."""

from typing import Any


def restoring(current: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """The update that makes `wanted` of `current`; empty where they are equal.

    An array is one value. A key that holds an object now and a plain value then, or the other way, is replaced whole.
    """
    change: dict[str, Any] = dict.fromkeys(current.keys() - wanted.keys())
    for key, value in wanted.items():
        if key in current and _same(current[key], value):
            continue
        if isinstance(value, dict) and isinstance(current.get(key), dict):
            change[key] = restoring(current[key], value)
        else:
            change[key] = value
    return change


def _same(left: Any, right: Any) -> bool:
    # In Python true is 1 and 1 is 1.0; here each is what it was written as.
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(_same(a, b) for a, b in zip(left, right, strict=True))
    return type(left) is type(right) and bool(left == right)
