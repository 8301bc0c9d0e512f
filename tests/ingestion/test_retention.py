"""How long the time-series store keeps a contract's readings: their windows are made in time, once, and nothing goes before."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingestion.retention import tend, windows_series
from lake.contracts import Contract, Downsample, Retention
from runtime.errors import ServiceError
from runtime.influx_http import InfluxHttp
from runtime.timeseries import Point, Reject
from runtime.timeseries_influx import InfluxTimeSeries
from runtime.timeseries_sqlite import SqliteTimeSeries
from tests.ports.influx_stand_in import ORG, TOKEN, influx_stand_in

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
COARSE = "pump__3600s"
KEEPING = Retention(4, Downsample(3600, 30))


def pump(kept: Retention | None = KEEPING) -> Contract:
    return Contract("pump", 1, "measurement", "", (), cadence_seconds=1800, timeseries=kept)


def readings(day: int, device: str = "p-1") -> list[Point]:
    """One every half hour, whose value is the hour."""
    start = MIDNIGHT + timedelta(days=day)
    return [Point("pump", device, start + timedelta(minutes=30 * n), {"pressure": float(n // 2)}) for n in range(48)]


@pytest.fixture
def store(tmp_path: Path) -> SqliteTimeSeries:
    return SqliteTimeSeries(tmp_path / "timeseries.db")


def windows(store: SqliteTimeSeries, device: str = "p-1") -> list[Point]:
    return store.range(COARSE, device, MIDNIGHT, MIDNIGHT + timedelta(days=999))


def test_the_series_of_windows_names_their_width() -> None:
    assert windows_series("pump", 3600) == COARSE


def test_windows_are_made_when_half_of_the_time_is_over_and_readings_go_at_its_end(store: SqliteTimeSeries) -> None:
    for day in range(10):
        store.write(readings(day))
        tend(store, pump(), MIDNIGHT + timedelta(days=day + 1))
    # At the end of the tenth day: windows up to two days before, readings of four days.
    found = windows(store)
    assert [point.time for point in found] == [MIDNIGHT + timedelta(hours=hour) for hour in range(8 * 24)]
    assert found[30].measures == {"pressure_count": 2, "pressure_min": 6.0, "pressure_max": 6.0, "pressure_mean": 6.0}
    assert store.span("pump") == (MIDNIGHT + timedelta(days=6), MIDNIGHT + timedelta(days=9, hours=23, minutes=30))


def test_upkeep_that_was_not_done_for_weeks_loses_nothing(store: SqliteTimeSeries) -> None:
    for day in range(20):
        store.write(readings(day))
    tend(store, pump(), MIDNIGHT + timedelta(days=2, hours=12))
    assert len(windows(store)) == 12
    assert tend(store, pump(), MIDNIGHT + timedelta(days=20)) == 18 * 24 - 12
    assert len(windows(store)) == 18 * 24


def test_doing_it_again_changes_nothing(store: SqliteTimeSeries) -> None:
    store.write([*readings(0), *readings(1, "p-2")])
    now = MIDNIGHT + timedelta(days=5)
    tend(store, pump(), now)
    before = windows(store), windows(store, "p-2"), store.count()
    tend(store, pump(), now)
    assert (windows(store), windows(store, "p-2"), store.count()) == before


@pytest.mark.parametrize("dies_at", range(1, 7))
def test_killed_anywhere_it_is_done_by_the_next_call(tmp_path: Path, dies_at: int) -> None:
    class Dying(SqliteTimeSeries):
        """Dies before its n-th effect, and writes in small parts as a store over a network does."""

        effects = 0

        def _effect(self) -> None:
            self.effects += 1
            if self.effects == dies_at:
                raise KeyboardInterrupt

        def write(self, points: Sequence[Point]) -> list[Reject]:
            for start in range(0, len(points), 20):
                self._effect()
                super().write(points[start : start + 20])
            return []

        def retain(self, series: str, days: int, now: datetime) -> None:
            self._effect()
            super().retain(series, days, now)

    whole = SqliteTimeSeries(tmp_path / "whole.db")
    parts = SqliteTimeSeries(tmp_path / "parts.db")
    now = MIDNIGHT + timedelta(days=4, hours=20)
    for store in (whole, parts):
        store.write([point for day in range(5) for device in ("p-1", "p-2") for point in readings(day, device)])
        tend(store, pump(), MIDNIGHT + timedelta(days=3))
    tend(whole, pump(), now)
    dying = Dying(tmp_path / "parts.db")
    with pytest.raises(KeyboardInterrupt):
        tend(dying, pump(), now)
    tend(parts, pump(), now)
    for device in ("p-1", "p-2"):
        assert windows(parts, device) == windows(whole, device)
        assert len(windows(whole, device)) == 2 * 24 + 20
    assert parts.span("pump") == whole.span("pump")


def test_readings_stay_when_their_windows_are_refused(store: SqliteTimeSeries, tmp_path: Path) -> None:
    class Refusing(SqliteTimeSeries):
        def write(self, points: Sequence[Point]) -> list[Reject]:
            return [Reject(0, "no room")]

    store.write(readings(0))
    with pytest.raises(ServiceError, match="windows of pump__3600s were refused: no room"):
        tend(Refusing(tmp_path / "timeseries.db"), pump(), MIDNIGHT + timedelta(days=9))
    assert store.count("pump") == 48


def test_windows_go_too_in_their_time(store: SqliteTimeSeries) -> None:
    store.write(readings(0))
    tend(store, pump(), MIDNIGHT + timedelta(days=5))
    assert (len(windows(store)), store.count("pump")) == (24, 0)
    tend(store, pump(), MIDNIGHT + timedelta(days=30, hours=12))
    assert len(windows(store)) == 12


def test_without_downsampling_readings_just_go(store: SqliteTimeSeries) -> None:
    store.write([*readings(0), *readings(5)])
    tend(store, pump(Retention(4)), MIDNIGHT + timedelta(days=6))
    assert (store.count("pump"), store.count(COARSE)) == (48, 0)


def test_without_a_retention_everything_stays(store: SqliteTimeSeries) -> None:
    store.write(readings(0))
    assert tend(store, pump(None), MIDNIGHT + timedelta(days=9999)) == 0
    assert store.count("pump") == 48


def test_influx_gets_windows_and_drops_by_its_buckets_own_retention() -> None:
    with influx_stand_in() as server:
        influx = InfluxTimeSeries(InfluxHttp(server.url, ORG, TOKEN), "fleet")
        influx.write(readings(0))
        for _ in range(2):
            tend(influx, pump(), MIDNIGHT + timedelta(days=3))
        kept = {name: bucket.keeps_seconds for name, bucket in server.buckets.items()}
        assert kept == {"fleet_pump": 4 * 86_400, "fleet_pump__3600s": 30 * 86_400}
        assert influx.count(COARSE) == 24
        # The second call found the retention as it should be.
        assert sum(request.method == "PATCH" for request in server.requests) == 2
