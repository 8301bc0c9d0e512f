"""The list of the devices that a caller may read: searched, sorted, page by page.

A page goes on behind the last device of the one before it, by its place in the order and not by a count: a device that is made or deleted
meanwhile moves no other. In an order of times that change, a device that moves ahead of the reader is met again.
Price: each page reads all rows that the caller may see, for an administrator the whole table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from runtime.timeseries import moment
from services.devices.device import Device, stamp
from services.devices.query_fields import Source
from services.devices.query_parser import parse
from services.devices.registry import Registry
from services.devices.search import Subject, matches, sources
from services.devices.surroundings import Surroundings
from services.identity import Caller, Permissions
from services.paging import Paging


class Sort(StrEnum):
    """With - the last come first; of equal ones the id decides. Devices that were never seen come before all others."""

    DEVICE_ID = "device_id"
    DEVICE_ID_DOWN = "-device_id"
    CREATED = "created_at"
    CREATED_DOWN = "-created_at"
    UPDATED = "updated_at"
    UPDATED_DOWN = "-updated_at"
    LAST_SEEN = "last_seen"
    LAST_SEEN_DOWN = "-last_seen"

    @property
    def field(self) -> str:
        return self.value.removeprefix("-")

    @property
    def is_down(self) -> bool:
        return self.value.startswith("-")


@dataclass(frozen=True)
class Listed:
    """`last_seen` is "" where it was not looked up, or nothing was ever seen."""

    device: Device
    last_seen: str

    def place(self, sort: Sort) -> tuple[str, str]:
        if sort.field == "last_seen":
            return self.last_seen, self.device.device_id
        return str(getattr(self.device, sort.field)), self.device.device_id


@dataclass(frozen=True)
class Page:
    devices: Sequence[Listed]
    next_token: str | None


@dataclass(frozen=True)
class Listing:
    registry: Registry
    surroundings: Surroundings
    permissions: Permissions
    paging: Paging

    def page(self, caller: Caller, query: str, sort: Sort, limit: int, token: str | None) -> Page:
        """Raises Invalid for a query or a token that is wrong."""
        name = f"devices:{sort}:{query}"
        behind = self.paging.where(token, caller=caller.user_id, listing=name) if token else None
        found = sorted(self.matching(caller, query, sort), key=lambda listed: listed.place(sort), reverse=sort.is_down)
        if behind is not None:
            last = (str(behind[0]), str(behind[1]))
            found = [each for each in found if (each.place(sort) < last if sort.is_down else each.place(sort) > last)]
        shown, more = found[:limit], len(found) > limit
        after = self.paging.token(shown[-1].place(sort), caller=caller.user_id, listing=name) if more else None
        return Page(shown, after)

    def matching(self, caller: Caller, query: str, sort: Sort = Sort.DEVICE_ID) -> list[Listed]:
        """All that the query finds among what the caller may read, in any order."""
        node = parse(query) if query.strip() else None
        wanted = sources(node) if node else frozenset()
        visible = self.permissions.visible(caller)
        devices = {device.device_id: device for device in self.registry.devices(None if visible.everything else visible.device_ids)}
        sees = Source.LAST_SEEN in wanted or sort.field == "last_seen"
        last_seen = self.surroundings.last_seen(devices) if sees and devices else {}
        shadows = self.surroundings.shadows(devices) if Source.SHADOWS in wanted and devices else {}
        connected = self.surroundings.connected() if Source.CONNECTIVITY in wanted else frozenset()
        return [
            Listed(device, stamp(moment(last_seen[name])) if name in last_seen else "")
            for name, device in devices.items()
            if node is None or matches(node, Subject(device, shadows.get(name, {}), last_seen.get(name), name in connected))
        ]
