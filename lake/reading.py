"""A typed row back as the JSON a device would have sent: for conflicts, refusals and replay."""

import json
from datetime import datetime
from typing import Any

from lake.contracts import Contract

# From here on a whole number is not exact as a JSON number of RFC 8785; it travels as text then.
_EXACT = 2**53


def as_sent(contract: Contract, row: dict[str, Any]) -> dict[str, Any]:
    """`ts`, `boot`, `seq` and the fields that are not null, with what the contract does not know beside them."""
    reading: dict[str, Any] = {"ts": epoch_ms(row["event_time"])}
    reading |= {name: row[name] for name in ("boot", "seq") if row.get(name) is not None}
    fields = {field.name: row[field.name] for field in contract.fields if row.get(field.name) is not None}
    reading |= {name: _exact(value) for name, value in fields.items()}
    return reading | (json.loads(row["_extra"]) if row.get("_extra") else {})


def epoch_ms(moment: datetime) -> int:
    """Epoch milliseconds of an aware moment."""
    assert moment.tzinfo is not None
    return round(moment.timestamp() * 1000)


def _exact(value: Any) -> Any:
    is_large = isinstance(value, int) and not isinstance(value, bool) and abs(value) >= _EXACT
    return str(value) if is_large else value
