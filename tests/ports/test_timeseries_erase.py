"""Erasing a device from a time-series store: all of its points, of all series, and off the disk; all others stay."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runtime.errors import ServiceError
from runtime.timeseries import Point, TimeSeries
from runtime.timeseries_sqlite import SqliteTimeSeries
from tests.ports.adapters import ADAPTERS

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ODD = "p'1\"; -- \\ü"


@pytest.fixture(params=list(ADAPTERS))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TimeSeries]:
    with ADAPTERS[request.param](tmp_path) as make:
        yield make()


def points(device: str, series: str, count: int = 3) -> list[Point]:
    return [Point(series, device, NOON + timedelta(minutes=minute), {"bar": 7.0 + minute}) for minute in range(count)]


@pytest.mark.parametrize("device", ["p-1", ODD])
def test_a_device_goes_from_every_series_and_all_others_stay(store: TimeSeries, device: str) -> None:
    for series in ("pump", "pump__3600s", "boiler"):
        store.write([*points(device, series), *points("p-10", series)])
    if not store.can_erase:
        with pytest.raises(ServiceError, match="deletes no record"):
            store.erase(device)
        return
    store.erase(device)
    assert store.count() == 9
    end = NOON + timedelta(hours=1)
    assert store.range("pump", device, NOON, end) == []
    assert store.range("pump", "p-10", NOON, end) == points("p-10", "pump")
    store.erase(device)
    assert store.count() == 9


def test_nothing_of_it_is_left_in_the_files_of_sqlite(tmp_path: Path) -> None:
    file = tmp_path / "timeseries.db"
    store = SqliteTimeSeries(file)
    store.write([*points("device-to-erase", "pump", 3000), *points("another", "pump", 3000)])
    store.write([Point("pump", "device-to-erase", NOON - timedelta(days=days), {"word": f"value-of-{days}"}) for days in range(1, 50)])
    found = [path for path in tmp_path.iterdir() if b"device-to-erase" in path.read_bytes()]
    assert found, "it was there"
    # What retention deleted before lies on free pages, with its values.
    store.retain("pump", 1, NOON + timedelta(days=1))
    store.erase("device-to-erase")
    for path in tmp_path.iterdir():
        assert b"device-to-erase" not in path.read_bytes(), path
        assert b"value-of-" not in path.read_bytes(), path
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM series_pump").fetchone() == (3000,)
