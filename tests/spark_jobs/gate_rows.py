"""Rows around a run for tests of the quality gate, without a lake: a contract in a few words, readings in a few words."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from lake.contracts import Contract, Field, Quality

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
_ARROW = {"float64": pa.float64(), "int64": pa.int64(), "bool": pa.bool_(), "string": pa.string()}


def contract(*fields: Field, cadence: float | None = 600, **quality: Any) -> Contract:
    kind = "measurement" if cadence else "event"
    return Contract("pump", 1, kind, "a pump", fields or (Field("bar", "float64", "bar"),), cadence, quality=Quality(**quality))


def values(
    readings: Iterable[float | int | None], field: str = "bar", device_id: str = "pump-1", of_run: int = 1, start: float = 0
) -> list[dict[str, Any]]:
    """Readings of one field, ten minutes apart, the first `start` minutes after midnight."""
    return [row(start + 10 * place, device_id, of_run, **{field: value}) for place, value in enumerate(readings)]


def row(minutes: float, device_id: str = "pump-1", of_run: int = 1, **changes: Any) -> dict[str, Any]:
    event_time = MIDNIGHT + timedelta(minutes=minutes)
    return {"device_id": device_id, "event_time": event_time, "event_id": f"{device_id} {minutes:g}", "_of_run": of_run} | changes


def every_ten_minutes(device_id: str, first: float, last: float, of_run: int = 1) -> list[dict[str, Any]]:
    """Readings of a device from `first` to `last` minutes after midnight, both included."""
    return [row(minutes, device_id, of_run) for minutes in range(int(first), int(last) + 1, 10)]


def seen(spark: SparkSession, of: Contract, rows: Sequence[dict[str, Any]]) -> DataFrame:
    columns = {"device_id": pa.string(), "event_time": pa.timestamp("us", "UTC"), "event_id": pa.string(), "_of_run": pa.int32()}
    columns |= {field.name: _ARROW[field.type] for field in of.fields}
    # Turned round, so that no test can rest on the order in which rows come.
    return spark.createDataFrame(pa.Table.from_pylist(list(reversed(rows)), schema=pa.schema(columns.items())))


def utc(moment: datetime) -> str:
    """A moment as hours and minutes; what Spark collects is in the driver's zone."""
    return f"{moment.astimezone(UTC):%d %H:%M}"
