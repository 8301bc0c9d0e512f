"""What must become of a recorded reading by its contract; written apart from decode, so that the two can be held against each other."""

import math
from datetime import UTC, datetime
from typing import Any

from lake.contracts import Contract, Field
from lake.reasons import Reason
from local.message import SILVER, quarantine

_YEAR_2000_MS = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp() * 1000)
_FUTURE_MS = 15 * 60_000
_TYPES: dict[str, Any] = {"float64": (int, float), "int64": (int,), "bool": (bool,), "string": (str,)}


def fate(contract: Contract, values: dict[str, Any], ts_ms: int, now_ms: int) -> str:
    """The fate of a reading with these values, sent at `now_ms`: its time is looked at first, then its fields in their order."""
    if ts_ms < _YEAR_2000_MS:
        return quarantine(Reason.BAD_TIME)
    if ts_ms > now_ms + _FUTURE_MS:
        return quarantine(Reason.FUTURE_TIME)
    reasons = (_reason(field, values.get(field.name)) for field in contract.fields)
    first = next((reason for reason in reasons if reason), None)
    return quarantine(first) if first else SILVER


def _reason(field: Field, value: Any) -> Reason | None:
    if value is None:
        return Reason.MISSING if field.required else None
    if not isinstance(value, _TYPES[field.type]) or (isinstance(value, bool) and field.type != "bool"):
        return Reason.WRONG_TYPE
    if isinstance(value, str):
        return Reason.OUT_OF_RANGE if len(value) > field.max_length or (field.enum and value not in field.enum) else None
    low = -math.inf if field.min is None else field.min
    high = math.inf if field.max is None else field.max
    return None if not field.is_number or low <= value <= high else Reason.OUT_OF_RANGE
