"""Where a device's readings are read: the time-series store, or the lake for what the store has not."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from lake import history, query
from lake.confined import Confined
from lake.contracts import Contract
from lake.tables import silver
from runtime.errors import QueryError, ServiceError
from runtime.platforms import Platform
from runtime.timeseries import Point, Value
from services.problems import Throttled

# Readings that one call of a store is expected to give: neither many calls nor much memory.
_CHUNK = 5_000
# A span is asked for where it may save more calls than it costs: a store may look at all of a series for it.
_FEW_CHUNKS = 20
# A query of the lake is work of a processor core, or of Athena; and who waits for one holds a thread of the API.
_LAKE_AT_ONCE = 2
_LAKE_MEMORY = "256MiB"
_LAKE_WAITING = 6
_LAKE_WAIT_SECONDS = 5.0


class Source(StrEnum):
    TIMESERIES = "timeseries"
    LAKE = "lake"


@dataclass(frozen=True)
class Stretch:
    """Readings of ``[start, end)`` of one device, the values `fields` of each."""

    contract: Contract
    device_id: str
    fields: tuple[str, ...]
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Chunk:
    """The readings of a stretch up to `until`, in the order of time."""

    points: Sequence[Point]
    until: datetime


class SeriesReadings:
    """Of the time-series store. Raises ServiceError where it does not answer."""

    source = Source.TIMESERIES

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def latest(self, contract: Contract, device_id: str) -> Point | None:
        return self._platform.time_series().latest(contract.name, [device_id]).get(device_id)

    def chunks(self, stretch: Stretch, _wanted: int) -> Iterator[Chunk]:
        """Times without a reading give empty chunks."""
        store, series = self._platform.time_series(), stretch.contract.name
        step = timedelta(seconds=(stretch.contract.cadence_seconds or 60) * _CHUNK)
        at, end = self._clipped(stretch) if stretch.end - stretch.start > _FEW_CHUNKS * step else (stretch.start, stretch.end)
        while at < end:
            until = min(at + step, end)
            yield Chunk(store.range(series, stretch.device_id, at, until), until)
            at = until

    def _clipped(self, stretch: Stretch) -> tuple[datetime, datetime]:
        """Without the time before the oldest reading of all devices, and after the newest."""
        span = self._platform.time_series().span(stretch.contract.name)
        if span is None:
            return stretch.end, stretch.end
        return max(stretch.start, span[0]), min(stretch.end, span[1] + timedelta(milliseconds=1))


class LakeReadings:
    """Of silver: what runs have published by now. Raises ServiceError where the lake does not answer, Throttled where many ask it."""

    source = Source.LAKE

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._free = threading.BoundedSemaphore(_LAKE_AT_ONCE)
        self._welcome = threading.BoundedSemaphore(_LAKE_AT_ONCE + _LAKE_WAITING)

    def latest(self, contract: Contract, device_id: str) -> Point | None:
        fields = tuple(field.name for field in contract.fields)
        return next(iter(self._points(contract, device_id, fields, "", [], "event_time DESC", 1)), None)

    def chunks(self, stretch: Stretch, wanted: int) -> Iterator[Chunk]:
        """As large as is `wanted`."""
        at, size = stretch.start, max(wanted, 1)
        while at < stretch.end:
            points = self._from(stretch, at, size + 1)
            until = stretch.end
            if len(points) > size:
                # Several may be of one moment: those of the last are read again, with the rest of them.
                until = points[-1].time
                points = [point for point in points if point.time < until]
            if not points and until < stretch.end:
                size *= 2
                continue
            yield Chunk(points, until)
            at = until

    def _from(self, stretch: Stretch, at: datetime, rows: int) -> list[Point]:
        during = "AND event_time >= ? AND event_time < ?"
        return self._points(stretch.contract, stretch.device_id, stretch.fields, during, [at, stretch.end], "event_time, event_id", rows)

    def _points(
        self, contract: Contract, device_id: str, fields: Sequence[str], during: str, moments: Sequence[datetime], order: str, rows: int
    ) -> list[Point]:
        table = silver(contract).name
        iceberg = history.load(self._platform, table)
        if iceberg is None:
            return []
        # A field that a new version of the contract has just brought is in no row yet.
        there = [name for name in fields if name in iceberg.schema().column_names]
        columns = ", ".join(["event_time", *(f'"{name}"' for name in there)])
        sql = f"SELECT {columns} FROM {table} WHERE device_id = ? {during} ORDER BY {order} LIMIT {rows}"  # noqa: S608 - declared names
        answer = self._asked(table, sql, [device_id, *moments])
        return [Point(contract.name, device_id, at, _present(there, values)) for at, *values in answer]

    def _asked(self, table: str, sql: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        # Our own question, of which only the memory is to be bounded.
        bounds = Confined((table,), None, None, _LAKE_MEMORY, 1)
        with self._turn():
            try:
                with query.stream(sql, platform=self._platform, parameters=parameters, confined=bounds) as answer:
                    batches = list(answer)
            except QueryError as error:
                raise ServiceError(f"readings from the lake: {error}") from None
        return [row for batch in batches for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)]

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with _held(self._welcome, 0), _held(self._free, _LAKE_WAIT_SECONDS):
            yield


@contextmanager
def _held(semaphore: threading.BoundedSemaphore, wait_seconds: float) -> Iterator[None]:
    if not semaphore.acquire(timeout=wait_seconds):
        raise Throttled("many are reading from the lake; try again", headers={"Retry-After": "2"})
    try:
        yield
    finally:
        semaphore.release()


def _present(fields: Sequence[str], values: Sequence[Value]) -> dict[str, Value]:
    return {name: value for name, value in zip(fields, values, strict=True) if value is not None}
