"""What a device still has to do: the desired state that its reported state differs from."""

from typing import Any

from fleet.shadow.merge import Section


def difference(desired: Section, reported: Section, metadata: Section) -> tuple[Section, Section]:
    """Keys of `desired` that are missing in `reported` or differ, with the path to them, and their part of the desired `metadata`.

    Empty where nothing is to be done. Arrays are whole. An empty object asks for nothing, so it is never in it.
    """
    wanted: Section = {}
    stamps: Section = {}
    for key, value in desired.items():
        there = reported.get(key)
        if isinstance(value, dict):
            inner, inner_stamps = difference(value, there if isinstance(there, dict) else {}, metadata[key])
            if inner:
                wanted[key], stamps[key] = inner, inner_stamps
        elif not is_same(value, there):
            wanted[key], stamps[key] = value, metadata[key]
    return wanted, stamps


def is_same(one: Any, other: Any) -> bool:
    """Equal as JSON: numbers by value (``1`` is ``1.0``), and never a boolean and a number, which Python holds equal."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(value, other[key]) for key, value in one.items())
    return bool(one == other)
