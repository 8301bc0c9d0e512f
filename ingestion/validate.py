"""One reading against its contract: a typed row, or the first reason why not."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import rfc8785

from ingestion.strict_json import Refused
from lake.contracts import Contract, Field
from lake.identity import canonical_json, event_id, event_id_of_content
from lake.reasons import Reason

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_EARLIEST_MS, _LATEST_MS = 946_684_800_000, 253_402_300_799_999
_EPOCH, _MILLISECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
_OWN = {"ts", "boot", "seq", "device_id"}
_MAX_BOOT = 64
_EXACT = 2**53
# The minutes of a zone are looked at here: the standard library would take +02:75 for +03:15.
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?(Z|z|[+-]\d{2}:?[0-5]\d)")


@dataclass(frozen=True)
class Reading:
    """A valid reading: its identity, and the bronze row's own columns."""

    event_id: str
    event_time: datetime
    boot: str | None
    seq: int | None
    values: dict[str, Any]


@dataclass(frozen=True)
class Head:
    """What a pack says once for all its readings."""

    boot: str | None = None


@dataclass(frozen=True)
class Rules:
    """A contract as a validator asks for it."""

    contract: Contract

    @cached_property
    def bounds(self) -> list[tuple[str, float, float, Field]]:
        """Of each field the range in which a float needs no further look."""
        ranges = ((f, -math.inf if f.min is None else f.min, math.inf if f.max is None else f.max) for f in self.contract.fields)
        return [(f.name, *((least, most) if f.type == "float64" else (1.0, 0.0)), f) for f, least, most in ranges]

    @cached_property
    def known(self) -> frozenset[str]:
        return frozenset({field.name for field in self.contract.fields} | _OWN)


@dataclass(frozen=True)
class Validator:
    """Of one message; `latest` is the last moment that is not in the future: arrival plus what clocks may be off."""

    rules: Rules
    device_id: str
    latest: datetime

    def reading(self, document: Any, head: Head) -> Reading:
        """Raises Refused."""
        if not isinstance(document, dict):
            raise Refused(Reason.WRONG_TYPE, "a reading must be an object")
        check_device(document, self.device_id)
        boot = read_boot(document) or head.boot
        seq = _seq(document)
        event_time = read_time(document.get("ts"), self.latest)
        values = self._values(document)
        values["_extra"] = self._extra(document)
        canonical = _canonical(document)
        identity = self.identity(event_time, boot, seq, canonical)
        return Reading(identity, event_time, boot, seq, values)

    def _values(self, document: dict[str, Any]) -> dict[str, Any]:
        values = {}
        for name, least, most, field in self.rules.bounds:
            value = document.get(name)
            values[name] = value if type(value) is float and least <= value <= most else _value(field, value)
        return values

    def identity(self, event_time: datetime, boot: str | None, seq: int | None, canonical: bytes) -> str:
        if boot is None or seq is None:
            return event_id_of_content(self.device_id, self.rules.contract.name, canonical)
        return event_id(self.device_id, self.rules.contract.name, _epoch_ms(event_time), boot, seq)

    def known_identity(self, document: Any, head: Head) -> str | None:
        """The identity of a reading that was refused for something else, where it has one."""
        try:
            boot, seq = read_boot(document) or head.boot, _seq(document)
            event_time = read_time(document.get("ts"), self.latest + timedelta(days=36_500))
            return self.identity(event_time, boot, seq, b"") if boot is not None and seq is not None else None
        except (Refused, AttributeError, OverflowError):
            return None

    def _extra(self, document: dict[str, Any]) -> str | None:
        if document.keys() <= self.rules.known:
            return None
        unknown = {key: value for key, value in document.items() if key not in self.rules.known}
        if self.rules.contract.unknown_fields == "quarantine":
            raise Refused(Reason.UNKNOWN_FIELD, f"{', '.join(sorted(unknown))}: not in contract {self.rules.contract.name}")
        return json.dumps(unknown, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def check_device(document: dict[str, Any], device_id: str) -> None:
    """A device that the payload names must be the topic's, which its certificate is bound to."""
    if "device_id" in document and document["device_id"] != device_id:
        raise Refused(Reason.DEVICE_MISMATCH, f"the payload names {str(document['device_id'])[:80]!r}, the topic {device_id!r}")


def read_boot(document: dict[str, Any]) -> str | None:
    boot = document.get("boot")
    if boot is not None and (not isinstance(boot, str) or not 0 < len(boot) <= _MAX_BOOT):
        raise Refused(Reason.WRONG_TYPE, f"boot must be a text of up to {_MAX_BOOT} characters")
    return boot


def read_time(value: Any, latest: datetime) -> datetime:
    """Epoch milliseconds, or ISO 8601 with a zone; milliseconds are kept."""
    if value is None:
        raise Refused(Reason.MISSING, "ts is missing")
    moment = _from_text(value) if isinstance(value, str) else _from_epoch(value)
    if moment < _EARLIEST:
        raise Refused(Reason.BAD_TIME, f"ts {value} lies before the year 2000")
    if moment > latest:
        raise Refused(Reason.FUTURE_TIME, f"ts {moment.isoformat()} lies in the future")
    return moment


def _from_epoch(value: Any) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise Refused(Reason.BAD_TIME, f"ts {value!r} is neither epoch milliseconds nor ISO 8601 with a zone")
    if not 0 <= value <= _LATEST_MS:
        raise Refused(Reason.BAD_TIME, f"ts {value!r} is no moment")
    return _EPOCH + timedelta(milliseconds=int(value))


def _from_text(text: str) -> datetime:
    try:
        if _ISO.fullmatch(text) is None:
            raise ValueError
        moment = datetime.fromisoformat(text.replace(",", ".").upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refused(Reason.BAD_TIME, f"ts {text[:40]!r} is not ISO 8601 with a zone") from None
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def ms_of_text(text: str) -> int:
    """Epoch milliseconds of ISO 8601, as `read_time` takes it. Raises Refused."""
    if _ISO.fullmatch(text) is None:
        raise Refused(Reason.BAD_TIME, "not ISO 8601 with a zone")
    try:
        ms = _epoch_ms(datetime.fromisoformat(text.replace(",", ".").upper()))
    except (ValueError, OverflowError):
        raise Refused(Reason.BAD_TIME, "no moment") from None
    if ms < _EARLIEST_MS:
        raise Refused(Reason.BAD_TIME, "before the year 2000")
    return ms


def _epoch_ms(moment: datetime) -> int:
    return (moment - _EPOCH) // _MILLISECOND


def _seq(document: dict[str, Any]) -> int | None:
    seq = document.get("seq")
    if seq is not None and (isinstance(seq, bool) or not isinstance(seq, int) or seq < 0):
        raise Refused(Reason.WRONG_TYPE, "seq must be a whole number from 0 on")
    return seq


def _value(field: Field, value: Any) -> Any:
    if value is None:
        if field.required:
            raise Refused(Reason.MISSING, f"{field.name} is missing")
        return None
    checked = _TYPED[field.type](field, value)
    if field.min is not None and checked < field.min:
        raise Refused(Reason.OUT_OF_RANGE, f"{field.name} {checked!r} is below {field.min:g} {field.unit}".rstrip())
    if field.max is not None and checked > field.max:
        raise Refused(Reason.OUT_OF_RANGE, f"{field.name} {checked!r} is above {field.max:g} {field.unit}".rstrip())
    return checked


def _float64(field: Field, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(Reason.WRONG_TYPE, f"{field.name} must be a number")
    return float(value)


def _int64(field: Field, value: Any) -> int:
    # 31.0 is the same JSON number as 31; from 2^53 on a double is no longer one whole number (...993.0 reads as ...992.0).
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) < _EXACT
    if isinstance(value, bool) or not (isinstance(value, int) or is_whole):
        raise Refused(Reason.WRONG_TYPE, f"{field.name} must be a whole number")
    return int(value)


def _bool(field: Field, value: Any) -> bool:
    if not isinstance(value, bool):
        raise Refused(Reason.WRONG_TYPE, f"{field.name} must be true or false")
    return value


def _string(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise Refused(Reason.WRONG_TYPE, f"{field.name} must be a text")
    if len(value) > field.max_length:
        raise Refused(Reason.OUT_OF_RANGE, f"{field.name} has {len(value)} characters, {field.max_length} are allowed")
    if field.enum and value not in field.enum:
        raise Refused(Reason.OUT_OF_RANGE, f"{field.name} {value!r} is none of {', '.join(field.enum)}")
    return value


_TYPED: dict[str, Callable[[Field, Any], Any]] = {"float64": _float64, "int64": _int64, "bool": _bool, "string": _string}


def _canonical(document: dict[str, Any]) -> bytes:
    try:
        return canonical_json(document)
    except rfc8785.CanonicalizationError:
        # Only a whole number beyond 2^53 is left that RFC 8785 cannot hold; as a text it stays exact.
        return canonical_json(_exact(document))


def _exact(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _exact(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_exact(member) for member in value]
    is_large = isinstance(value, int) and not isinstance(value, bool) and abs(value) >= _EXACT
    return str(value) if is_large else value
