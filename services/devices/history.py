"""What the history of a device holds: a line for each version, with who made it, when, and what changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.devices.device import Device
from services.identity import Caller

_PARTS = ("attributes", "tags")


@dataclass(frozen=True)
class Author:
    """Who changes a device, by which request."""

    user_id: str
    user_name: str
    request_id: str = ""

    @classmethod
    def of(cls, caller: Caller, request_id: str = "") -> "Author":
        return cls(caller.user_id, caller.user_name, request_id)


def line(author: Author, what: str, before: Device | None, after: Device | None, version: int, at: str) -> dict[str, Any]:
    """The line of `version`. One of `before` and `after` may be None: nothing was there, or nothing is left."""
    some = after or before
    assert some is not None
    return {
        "device_id": some.device_id,
        "owner": some.owner,
        "version": version,
        "at": at,
        "what": what,
        "user_id": author.user_id,
        "user_name": author.user_name,
        "request_id": author.request_id,
        "changes": changes(before.seen() if before else {}, after.seen() if after else {}),
    }


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each field whose value differs, in order; of attributes and tags each key by itself. None says that there was none."""
    flat_before, flat_after = _flat(before), _flat(after)
    return [
        {"field": name, "before": flat_before.get(name), "after": flat_after.get(name)}
        for name in sorted(flat_before.keys() | flat_after.keys())
        if flat_before.get(name) != flat_after.get(name)
    ]


def _flat(seen: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: value for name, value in seen.items() if name not in _PARTS and value not in ("", [])}
    return plain | {f"{part}.{key}": value for part in _PARTS for key, value in seen.get(part, {}).items()}
