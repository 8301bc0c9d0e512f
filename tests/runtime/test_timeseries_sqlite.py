"""What is the embedded time series' own: durable in one file, several processes, and a clear word when the file cannot be used."""

import multiprocessing
import os
import signal
import sqlite3
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from runtime.errors import ServiceError
from runtime.timeseries import Point
from runtime.timeseries_sqlite import SqliteTimeSeries
from tests.waiting import eventually

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


def _write_on(file: Path, acknowledged: Path) -> None:
    store = SqliteTimeSeries(file)
    with acknowledged.open("a", buffering=1) as told:
        for number in count(1):
            base = NOON + timedelta(minutes=number)
            assert store.write([Point("pump", f"p-{d}", base, {"pressure": float(number), "load": number}) for d in range(200)]) == []
            told.write(f"{number}\n")


def test_a_writer_that_is_killed_in_the_middle_loses_nothing_it_had_written_and_leaves_no_half(tmp_path: Path) -> None:
    file, acknowledged = tmp_path / "timeseries.db", tmp_path / "acknowledged"
    spawn = multiprocessing.get_context("spawn")
    writer = spawn.Process(target=_write_on, args=(file, acknowledged))
    writer.start()
    eventually(lambda: acknowledged.exists() and acknowledged.read_text().count("\n") >= 5, 60, "five writes")
    assert writer.pid is not None
    os.kill(writer.pid, signal.SIGKILL)
    writer.join(60)
    assert writer.exitcode == -signal.SIGKILL
    last = int(acknowledged.read_text().split()[-1])
    store = SqliteTimeSeries(file)
    found = {number: len([d for d in range(200) if store.range("pump", f"p-{d}", at, at + timedelta(minutes=1))])
             for number in range(1, last + 3) for at in [NOON + timedelta(minutes=number)]}  # fmt: skip
    # What it was told is written is there; the write it died in is there whole or not at all.
    assert all(found[number] == 200 for number in range(1, last + 1))
    assert found[last + 1] in (0, 200)
    assert found[last + 2] == 0
    assert store.write([Point("pump", "p-0", NOON, {"pressure": 0.0})]) == []
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_readers_go_on_beside_a_writer_that_holds_the_file(tmp_path: Path) -> None:
    file = tmp_path / "timeseries.db"
    store = SqliteTimeSeries(file)
    store.write([Point("pump", "p-1", NOON, {"pressure": 1.0})])
    with sqlite3.connect(file, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM series_pump")
        readers = [SqliteTimeSeries(file) for _ in range(8)]
        assert [reader.count("pump") for reader in readers] == [1] * 8
        other.execute("COMMIT")
        assert [reader.count("pump") for reader in readers] == [0] * 8


def test_what_is_too_old_goes_device_by_device_and_the_rest_stays(tmp_path: Path) -> None:
    store = SqliteTimeSeries(tmp_path / "timeseries.db")
    store.write([Point("pump", f"p-{d}", NOON + timedelta(days=day), {"pressure": 1.0}) for d in range(3) for day in range(10)])
    store.write([Point("room", "p-0", NOON, {"pressure": 1.0})])
    store.retain("pump", 7, NOON + timedelta(days=10))
    # Days 3 to 9: seven days before the tenth, to the millisecond.
    assert store.span("pump") == (NOON + timedelta(days=3), NOON + timedelta(days=9))
    assert (store.count("pump"), store.count("room")) == (21, 1)


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
