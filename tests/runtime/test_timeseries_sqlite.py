"""What is the embedded time series' own: durable in one file, several processes, and a clear word when the file cannot be used."""

import multiprocessing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runtime.errors import ServiceError
from runtime.timeseries import Point
from runtime.timeseries_sqlite import SqliteTimeSeries

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _write(file: Path, device: str) -> None:
    store = SqliteTimeSeries(file)
    for second in range(30):
        store.write([Point("pump", device, NOON.replace(second=second), {"pressure": float(second)})])


def test_processes_write_beside_each_other(tmp_path: Path) -> None:
    file = tmp_path / "timeseries.db"
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_write, args=(file, f"p-{number}")) for number in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert SqliteTimeSeries(file).count("pump") == 60


def test_the_first_of_two_points_with_one_time_stays(tmp_path: Path) -> None:
    store = SqliteTimeSeries(tmp_path / "timeseries.db")
    store.write([Point("pump", "p-1", NOON, {"pressure": 1.0})])
    assert store.write([Point("pump", "p-1", NOON, {"pressure": 2.0})]) == []
    assert store.latest("pump", ["p-1"])["p-1"].measures == {"pressure": 1.0}


def test_a_file_that_is_no_database_is_a_service_error(tmp_path: Path) -> None:
    file = tmp_path / "timeseries.db"
    file.write_bytes(b"not a database" * 100)
    with pytest.raises(ServiceError, match="time series"):
        SqliteTimeSeries(file).write([Point("pump", "p-1", NOON, {"pressure": 1.0})])
    with pytest.raises(ServiceError, match="time series"):
        SqliteTimeSeries(file).count()


def test_a_folder_that_cannot_be_made_is_a_service_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ServiceError, match="time series"):
        SqliteTimeSeries(tmp_path / "file" / "timeseries.db").count()
