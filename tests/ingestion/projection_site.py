"""Bronze, and a time-series store that a test cuts off, with a projection between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from ingestion.bronze import put_bronze
from ingestion.projection import Projection
from ingestion.rows import Rows
from lake.contracts import load_contracts
from lake.missed import missed
from runtime.errors import RetryLater
from runtime.timeseries import Point, Reject, TimeSeries
from runtime.timeseries_sqlite import SqliteTimeSeries
from tests.ingestion.bench import Bench, MotoPlatform
from tests.ingestion.builders import NOON_MS, decoded, pack, reading

NOON = datetime.fromtimestamp(NOON_MS / 1000, UTC)


class Store(SqliteTimeSeries):
    """The embedded store behind a line that a test cuts; `asked` counts the writes that came over it, or would have."""

    is_down = False
    refuses_first = False
    asked = 0
    error: Exception = RetryLater("time series: InfluxDB at http://influx:8086 does not answer")

    def write(self, points: Sequence[Point]) -> list[Reject]:
        self.asked += 1
        if self.is_down:
            raise self.error
        if self.refuses_first:
            super().write(points[1:])
            return [Reject(0, "points beyond retention policy")]
        return super().write(points)


class Platform(MotoPlatform):
    @cached_property
    def _time_series(self) -> TimeSeries:
        return Store(self.settings.home / "timeseries.db")


@dataclass
class Seconds:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


class Site:
    """Bronze and a store that can be cut off, with a projection between them whose clock only a test moves."""

    def __init__(self, made: Bench) -> None:
        self.made = made
        self.platform = Platform(made.platform.settings)
        self.platform.fails = lambda name, arguments: made.platform.fails(name, arguments)
        self.seconds = Seconds()
        store = self.platform.time_series()
        assert isinstance(store, Store)
        self.store = store
        self.contracts = load_contracts(made.folder)
        self.projection = Projection(self.platform, self.seconds)

    def arrive(self, *readings: dict[str, Any], contract: str = "boiler") -> int:
        """What a worker does with one batch, up to its delete; how many readings the store missed."""
        rows = Rows.of(self.contracts, [decoded(pack(*readings), self.contracts, contract=contract).rows])
        put_bronze(self.platform, rows, self.made.clock.now())
        return self.projection.project(rows, self.made.clock.now())

    def quiet(self, times: int = 1) -> None:
        """What a worker does while its queue is empty."""
        for _ in range(times):
            self.projection.keep_up(self.contracts, self.made.clock.now())

    def outage(self, *counts: int) -> None:
        """Readings that come one by one while the store is down; then it is back, and may be asked again."""
        self.store.is_down = True
        for count in counts:
            self.arrive(reading(count))
        self.store.is_down = False
        self.seconds.now += 60

    def stored(self) -> list[int]:
        """Counts of the readings that the store has, by their minutes."""
        found = self.store.range("boiler", "b-1", NOON, NOON + timedelta(days=9))
        return [int((point.time - NOON) / timedelta(minutes=1)) for point in found]

    def missed(self) -> list[str]:
        return list(missed(self.platform))
