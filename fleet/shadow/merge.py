"""The merge of what a request gives into one section of a shadow, with the moment at which each leaf was touched."""

from typing import Any

Section = dict[str, Any]


def merge(
    section: Section | None, metadata: Section | None, patch: Section | None, stamp: Section
) -> tuple[Section | None, Section | None]:
    """`section` and its `metadata` after `patch`, both None where nothing is left of the section.

    Objects are merged key by key; a null removes its key; anything else, arrays too, takes the place of what was there and is
    stamped even where it is equal. An object that loses its last key stays, empty, as it does on AWS; a section does not.
    """
    if patch is None:
        return None, None
    merged, stamps = _merged(section or {}, metadata or {}, patch, stamp)
    return (merged, stamps) if merged else (None, None)


def _merged(old: Section, old_stamps: Section, patch: Section, stamp: Section) -> tuple[Section, Section]:
    new, stamps = dict(old), dict(old_stamps)
    for key, value in patch.items():
        if value is None:
            new.pop(key, None)
            stamps.pop(key, None)
        elif isinstance(value, dict):
            was = old.get(key)
            inner, inner_stamps = (was, old_stamps[key]) if isinstance(was, dict) else ({}, {})
            new[key], stamps[key] = _merged(inner, inner_stamps, value, stamp)
        else:
            new[key], stamps[key] = value, stamped(value, stamp)
    return new, stamps


def stamped(value: Any, stamp: Section) -> Any:
    """`value` with `stamp` in the place of each leaf. An array gives an array; a null, which only a request has, is a leaf."""
    if isinstance(value, dict):
        return {key: stamped(member, stamp) for key, member in value.items()}
    if isinstance(value, list):
        return [stamped(member, stamp) for member in value]
    return stamp
