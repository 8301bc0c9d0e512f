"""A device as the registry keeps it, and the rules of AWS IoT that what is said of one must keep."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from services.identity import DeviceFacts
from services.problems import Invalid

# https://docs.aws.amazon.com/general/latest/gr/iot-core.html: attributes of a thing without and with a type, groups of a thing.
ATTRIBUTES_WITHOUT_TYPE, ATTRIBUTES_WITH_TYPE = 3, 50
MOST_GROUPS = 10
# Things cannot be tagged on AWS: the tags are the registry's own, within the limits of AWS's other tags.
MOST_TAGS = 50
MOST_CERTIFICATES = 10
# A partial device's row must stay far below DynamoDB's 400 KB: the largest that these limits allow has 72 KB.


class State(StrEnum):
    """All but ACTIVE tell of work that is under way, or that broke off and that the same call mends."""

    CREATING = "creating"
    ACTIVE = "active"
    UPDATING = "updating"
    DELETING = "deleting"


@dataclass(frozen=True)
class Draft:
    """What a user says of a device."""

    type: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Raises Invalid with every rule that it breaks; what one name or value may look like is checked where the body is read."""
        if faults := list(self._faults()):
            text = "; ".join(fault["message"] for fault in faults)
            raise Invalid(f"the device is not as AWS IoT takes it: {text}", code="InvalidRequestException", more={"errors": faults})

    def _faults(self) -> Any:
        most = ATTRIBUTES_WITH_TYPE if self.type else ATTRIBUTES_WITHOUT_TYPE
        if len(self.attributes) > most:
            mend = "" if self.type else "; give it a type to have 50"
            yield _fault(
                "attributes", f"{len(self.attributes)} attributes, a thing {'with' if self.type else 'without'} a type has {most}{mend}"
            )
        if len(self.groups) > MOST_GROUPS:
            yield _fault("groups", f"{len(self.groups)} groups, a thing is in {MOST_GROUPS} at most")
        if len(self.tags) > MOST_TAGS:
            yield _fault("tags", f"{len(self.tags)} tags, there may be {MOST_TAGS}")
        if reserved := sorted(key for key in self.tags if key.lower().startswith("aws:")):
            yield _fault("tags", f"keys that begin with aws: are reserved: {', '.join(reserved)[:200]}")


def _fault(place: str, message: str) -> dict[str, str]:
    return {"at": f"body.{place}", "message": message}


@dataclass(frozen=True)
class Device:
    """`version` counts what users see; `revision` each write of the row, against which every write is conditional."""

    device_id: str
    owner: str
    version: int
    state: State
    created_at: str
    updated_at: str
    draft: Draft = field(default_factory=Draft)
    certificate_ids: tuple[str, ...] = ()
    # A device that is made again under an id goes on counting where the one before it ended.
    first_version: int = 1
    revision: int = 1
    # The idempotency key of its creation, hashed, and the work that holds the row while it is being made.
    request: str = ""
    claim: str = ""

    def facts(self) -> DeviceFacts:
        tags = frozenset(f"{key}={value}" for key, value in self.draft.tags.items())
        return DeviceFacts(self.device_id, self.owner, frozenset(self.draft.groups), tags)

    def seen(self) -> dict[str, Any]:
        """What of it a change can change, for its history."""
        return {**asdict(self.draft), "groups": list(self.draft.groups), "certificate_ids": list(self.certificate_ids)}


_DRAFT = tuple(each.name for each in fields(Draft))


def to_record(device: Device) -> dict[str, Any]:
    """As a flat item of the table."""
    record = {each.name: getattr(device, each.name) for each in fields(Device) if each.name != "draft"}
    draft = {name: getattr(device.draft, name) for name in _DRAFT}
    return (
        record | draft | {"state": str(device.state), "certificate_ids": list(device.certificate_ids), "groups": list(device.draft.groups)}
    )


def from_record(record: Mapping[str, Any]) -> Device:
    draft = Draft(record["type"], dict(record["attributes"]), tuple(record["groups"]), dict(record["tags"]))
    # DynamoDB's numbers come back as Decimal.
    numbers = {name: int(record[name]) for name in ("version", "first_version", "revision")}
    rest = {"draft": draft, "state": State(record["state"]), "certificate_ids": tuple(record["certificate_ids"])}
    return Device(**{each.name: record[each.name] for each in fields(Device) if each.name in record} | numbers | rest)


def stamp(moment: datetime) -> str:
    """As the answers and the tables have it: their order is that of time."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
