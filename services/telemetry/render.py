"""The answer to a lake query as JSON, CSV or an Arrow stream.

JSON holds what it can hold exactly, the rest as texts: decimals, whole numbers beyond 2^53, NaN and the infinities are texts, as in the
JSON of protocol buffers; moments are ISO 8601, with Z where they have a zone; bytes are base64; a map is a list of pairs.
"""

import base64
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.csv

from services.problems import Invalid
from services.telemetry.answers import plain

_KINDS = (
    (pa.types.is_string, "string"),
    (pa.types.is_large_string, "string"),
    (pa.types.is_boolean, "bool"),
    (pa.types.is_float64, "float64"),
    (pa.types.is_float32, "float32"),
    (pa.types.is_date, "date"),
    (pa.types.is_binary, "binary"),
    (pa.types.is_large_binary, "binary"),
)
_MICROSECOND = timedelta(microseconds=1)


class Form(StrEnum):
    """By its media type."""

    JSON = "application/json"
    CSV = "text/csv"
    ARROW = "application/vnd.apache.arrow.stream"


def columns(schema: pa.Schema) -> list[dict[str, str]]:
    return [{"name": field.name, "type": _kind(field.type)} for field in schema]


def rendered(table: pa.Table, form: Form, facts: dict[str, Any]) -> bytes:
    """`facts` stand beside columns and rows where the form has a place for them. Raises Invalid for values that it cannot hold."""
    if form is Form.JSON:
        return orjson.dumps({"columns": columns(table.schema), "rows": _rows(table), **facts})
    out = io.BytesIO()
    if form is Form.ARROW:
        with pa.ipc.new_stream(out, table.schema) as stream:
            stream.write_table(table)
        return out.getvalue()
    try:
        pyarrow.csv.write_csv(table, out)
    except pa.ArrowException as error:
        raise Invalid(f"a value of the answer cannot be written as CSV: {str(error)[:200]}; cast it to VARCHAR, or ask for JSON") from None
    return out.getvalue()


def _rows(table: pa.Table) -> list[list[Any]]:
    values = [_values(name, column) for name, column in zip(table.column_names, table.columns, strict=True)]
    return [list(row) for row in zip(*values, strict=True)]


def _values(name: str, column: pa.ChunkedArray) -> Sequence[Any]:
    try:
        return [value(each) for each in column.to_pylist()]
    except (ValueError, OverflowError, TypeError, pa.ArrowException) as error:
        # Such as a day in the year 200,000.
        raise Invalid(f"column {name}: it has a value that JSON cannot hold ({str(error)[:100]}); cast it to VARCHAR") from None


def value(found: Any) -> Any:
    """One value as JSON has it."""
    if found is None or isinstance(found, bool | str):
        return found
    if isinstance(found, int | float):
        return plain(found)
    if isinstance(found, list | tuple) and not hasattr(found, "nanoseconds"):
        return [value(each) for each in found]
    if isinstance(found, dict):
        return {str(name): value(each) for name, each in found.items()}
    if isinstance(found, bytes):
        return base64.b64encode(found).decode()
    return _text(found)


def _text(found: Any) -> str:
    if isinstance(found, Decimal):
        return format(found, "f")
    if isinstance(found, datetime):
        return found.astimezone(UTC).isoformat().replace("+00:00", "Z") if found.tzinfo else found.isoformat()
    if isinstance(found, date | time):
        return found.isoformat()
    if isinstance(found, timedelta):
        return _duration(0, 0, found // _MICROSECOND * 1000)
    if isinstance(found, pa.MonthDayNano):
        return _duration(found.months, found.days, found.nanoseconds)
    return str(found)


def _duration(months: int, days: int, nanoseconds: int) -> str:
    """ISO 8601 in months, days and seconds, each with its own sign."""
    seconds = Decimal(nanoseconds) / 1_000_000_000
    parts = [f"{months}M" if months else "", f"{days}D" if days else "", f"T{seconds.normalize():f}S" if seconds else ""]
    return f"P{''.join(parts)}" if any(parts) else "PT0S"


def _kind(kind: pa.DataType) -> str:
    """The lake's own word for a type where it has one, else Arrow's."""
    if pa.types.is_timestamp(kind) and kind.tz:
        return "timestamp"
    return next((word for is_one, word in _KINDS if is_one(kind)), str(kind))
