"""The fields of a device that a search can name, as AWS IoT's fleet index calls them, and where each comes from."""

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum

LAST_SEEN = "lastSeen"
CONNECTED = "connectivity.connected"
WORDS = (
    "there are thingName, thingTypeName, thingGroupNames, attributes.NAME, tags.NAME, shadow.reported.PATH, shadow.desired.PATH, "
    "shadow.name.SHADOW.reported.PATH, shadow.name.SHADOW.desired.PATH, connectivity.connected and lastSeen"
)

_PLAIN = frozenset({"thingName", "thingTypeName", "thingGroupNames", LAST_SEEN, CONNECTED})
_NAMED = re.compile(r"(attributes|tags)\.(.+)")
SHADOW = re.compile(r"shadow\.(?:name\.(?P<name>[$a-zA-Z0-9:_-]{1,64})\.)?(?P<section>reported|desired)\.(?P<path>.+)")
_NUMBER = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,3})?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Source(StrEnum):
    """What must be looked up beside the registry to know a field."""

    REGISTRY = "registry"
    SHADOWS = "shadows"
    LAST_SEEN = "last seen"
    CONNECTIVITY = "connectivity"


def is_known(field: str) -> bool:
    return field in _PLAIN or _NAMED.fullmatch(field) is not None or SHADOW.fullmatch(field) is not None


def source(field: str) -> Source:
    """ "" is any field, which includes those of shadows, as on AWS."""
    if field == LAST_SEEN:
        return Source.LAST_SEEN
    if field == CONNECTED:
        return Source.CONNECTIVITY
    return Source.SHADOWS if not field or field.startswith("shadow.") else Source.REGISTRY


def is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def epoch_ms(text: str) -> int | None:
    """Milliseconds of ``2026-11-28T12:00:00Z`` (UTC where no zone is given) or of a number of them; None for what is neither."""
    if text.isascii() and text.removeprefix("-").isdigit() and len(text) < 20:
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // timedelta(milliseconds=1)
