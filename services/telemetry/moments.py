"""Times and widths as they stand in a query string."""

import re
from datetime import UTC, datetime, timedelta

from services.problems import Invalid

# What every store can hold: InfluxDB's nanoseconds end in 2262.
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_WIDTH = re.compile(r"([0-9]{1,9})(s|m|h|d)?")
_SECONDS = {None: 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST_BIN = 31 * 86_400


def moment_of(name: str, text: str) -> datetime:
    """The moment of an ISO 8601 text with a zone, or of epoch milliseconds. Raises Invalid for anything else; `name` is the parameter."""
    at = _read(name, text)
    if not _FIRST <= at < _LAST:
        raise Invalid(f"{name} {text}: times are from {_FIRST:%Y} to {_LAST:%Y}")
    # Stores keep milliseconds.
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _read(name: str, text: str) -> datetime:
    try:
        if re.fullmatch(r"-?[0-9]{1,15}", text):
            return _FIRST + timedelta(milliseconds=int(text))
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid(
            f"{name} {text[:60]!r} is no time; write it like 2026-11-24T09:30:00Z (a + of its zone as %2B), or as epoch milliseconds"
        ) from None
    raise Invalid(f"{name} {text}: the time has no zone; write it like {at:%Y-%m-%dT%H:%M:%S}Z")


def width_of(text: str) -> int:
    """Seconds of a bin: ``90``, ``90s``, ``5m``, ``1h`` or ``1d``. Raises Invalid for none, or one longer than 31 days."""
    found = _WIDTH.fullmatch(text)
    if found is None:
        raise Invalid(f"bin {text[:60]!r} is no width; write it like 90s, 5m, 1h or 1d")
    seconds = int(found[1]) * _SECONDS[found[2]]
    if not 1 <= seconds <= _LONGEST_BIN:
        raise Invalid(f"bin {text}: a bin is 1 second to 31 days wide")
    return seconds


def written(at: datetime) -> str:
    """A moment as the answers have it: ISO 8601 in UTC, with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
