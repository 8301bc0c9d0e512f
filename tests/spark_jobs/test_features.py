"""Feature rows: lives and their windows, computed from the late reading on, batch by batch in the executors."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from lake.contracts import Contract, Field
from lake.feature_rows import by_devices, compute, input_columns, whole_devices
from lake.publications import read_publications
from lake.tables import features
from spark_jobs import features as job
from spark_jobs.session import SparkLake
from tests.spark import NOON, at, rows_of
from tests.spark_jobs.derived import publish_silver, rebuild_silver, series

ENGINE = Contract(
    "engine",
    1,
    "measurement",
    "Engines.",
    (Field("cycle", "int64", lifetime_counter=True), Field("heat", "float64"), Field("turns", "int64"), Field("is_on", "bool")),
    cadence_seconds=600,
)
_SCHEMA = pa.schema(
    [
        ("device_id", pa.string()),
        ("at", pa.timestamp("us", tz="UTC")),
        ("event_id", pa.string()),
        *((name, pa.int64()) for name in ("life", "reading_number", "cycle")),
        ("heat", pa.float64()),
        ("turns", pa.int64()),
    ]
)


def frame(rows: Iterable[tuple[str, float, int, float | None]]) -> pa.Table:
    """Readings to compute, as (device, minutes, cycle, heat)."""
    listed = [
        {"device_id": d, "at": at(m), "event_id": f"{d}{m}", "life": 0, "reading_number": 0, "cycle": c, "heat": h, "turns": c * 10}
        for d, m, c, h in rows
    ]
    return pa.Table.from_pylist(listed, schema=_SCHEMA)


def test_a_feature_row_has_its_readings_numbers_and_its_place_in_its_life() -> None:
    found = compute(frame([("a", 0, 1, 5.0), ("a", 10, 2, None), ("a", 25, 1, 7.0), ("b", 1, 9, 8.0)]), ENGINE)
    assert found.schema.names == list(features(ENGINE).column_names)
    columns = ("device_id", "life", "reading_number", "seconds_since_previous", "cycle", "heat", "turns")
    assert [tuple(row[name] for name in columns) for row in found.to_pylist()] == [
        ("a", 1, 1, None, 1, 5.0, 10),
        ("a", 1, 2, 600.0, 2, None, 20),
        ("a", 2, 1, None, 1, 7.0, 10),
        ("b", 1, 1, None, 9, 8.0, 90),
    ]


def test_statistics_that_cannot_be_computed_are_null_and_a_counter_has_none() -> None:
    first, second = compute(frame([("a", 0, 1, 5.0), ("a", 10, 2, 9.0)]), ENGINE).to_pylist()
    assert (first["heat_mean_5"], first["heat_std_30"], first["heat_slope_30"], first["heat_from_first_20"]) == (5.0, None, None, 0.0)
    assert (second["heat_mean_30"], second["heat_slope_30"], second["heat_from_first_20"]) == (7.0, 4.0, 2.0)
    assert second["heat_std_30"] == pytest.approx(8**0.5)
    assert second["turns_mean_5"] == 15.0
    assert not any(name.startswith("cycle_") for name in first)


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_devices_stay_whole_however_the_batches_fall(size: int) -> None:
    table = frame([(device, minute, minute + 1, 1.0) for device in "abcde" for minute in range(4)])
    parts = list(whole_devices(table.to_batches(max_chunksize=size), rows=6))
    assert pa.concat_tables(parts).equals(table)
    assert len(parts) > 1 or size == 100
    seen = [device for part in parts for device in sorted(set(part["device_id"].to_pylist()))]
    assert seen == list("abcde")


def test_executors_compute_the_same_from_any_batches() -> None:
    rng = np.random.default_rng(1)
    table = frame([(device, minute, minute + 1, float(rng.normal())) for device in "abc" for minute in range(50)])
    whole = compute(table, ENGINE)
    assert pa.Table.from_batches(by_devices(ENGINE)(table.to_batches(max_chunksize=7))).equals(whole)


def test_an_empty_partition_gives_no_rows() -> None:
    assert list(by_devices(ENGINE)([])) == []
    assert sum(len(batch) for batch in by_devices(ENGINE)(frame([]).to_batches())) == 0


def test_input_columns_are_what_the_executors_are_given() -> None:
    assert input_columns(ENGINE) == _SCHEMA.names


PUMP_COLUMNS = ("life", "reading_number", "pressure_bar", "pressure_bar_mean_5", "pressure_bar_from_first_20")


def shown(lake: SparkLake, contract: str, *columns: str) -> dict[tuple[str, float], tuple[Any, ...]]:
    """By device and minutes after NOON."""
    rows = rows_of(lake, features(lake.contracts[contract]))
    found = {(row["device_id"], _minutes(row["at"])): tuple(row[name] for name in columns) for row in rows}
    assert len(found) == len(rows)
    return found


def _minutes(moment: datetime) -> float:
    return (moment - NOON) / timedelta(minutes=1)


@pytest.mark.spark
def test_a_late_reading_changes_what_comes_after_it_in_its_device_and_nothing_else(spark_lake: SparkLake) -> None:
    pump = spark_lake.contracts["pump"]
    both = series(pump, "p1", [0, 10, 20], pressure_bar=[1.0, 3.0, 5.0]) + series(pump, "p2", [10], pressure_bar=8.0)
    publish_silver(spark_lake, "pump", both, "s.1")
    job.run(spark_lake, "pump", "f")
    publish_silver(spark_lake, "pump", series(pump, "p1", [5, 24 * 60], pressure_bar=[11.0, 5.0]), "s.2")
    outcome = job.run(spark_lake, "pump", "f")
    assert shown(spark_lake, "pump", *PUMP_COLUMNS) == {
        ("p1", 0): (1, 1, 1.0, 1.0, 0.0),
        ("p1", 5): (1, 2, 11.0, 6.0, 5.0),
        ("p1", 10): (1, 3, 3.0, 5.0, -2.0),
        ("p1", 20): (1, 4, 5.0, 5.0, 0.0),
        ("p1", 1440): (1, 5, 5.0, 5.0, 0.0),
        ("p2", 10): (1, 1, 8.0, 8.0, 0.0),
    }
    assert outcome.run_id == "f.2"
    inputs = {run.run_id: run.inputs for run in read_publications(spark_lake.platform, "features.pump")}
    assert inputs == {"f.1": ("silver.pump:s.1",), "f.2": ("silver.pump:s.2",)}


@pytest.mark.spark
def test_a_reading_that_a_rebuild_took_away_is_gone_from_all_that_followed(spark_lake: SparkLake) -> None:
    pump = spark_lake.contracts["pump"]
    rows = series(pump, "p1", [0, 10, 24 * 60, 48 * 60], pressure_bar=[1.0, 3.0, 100.0, 5.0])
    publish_silver(spark_lake, "pump", rows, "s.1")
    job.run(spark_lake, "pump", "f")
    rebuild_silver(spark_lake, "pump", [rows[2]["event_id"]], [], "rebuild.1")
    job.run(spark_lake, "pump", "f")
    assert shown(spark_lake, "pump", "reading_number", "pressure_bar_mean_5") == {
        ("p1", 0): (1, 1.0),
        ("p1", 10): (2, 2.0),
        ("p1", 2880): (3, 3.0),
    }
    assert job.run(spark_lake, "pump", "f").run_id is None


@pytest.mark.spark
def test_a_new_engine_under_the_same_name_begins_a_life(spark_lake: SparkLake) -> None:
    turbofan = spark_lake.contracts["turbofan"]
    publish_silver(spark_lake, "turbofan", series(turbofan, "e1", range(0, 40, 10), cycle=[7, 8, 1, 2]), "s.1")
    job.run(spark_lake, "turbofan", "f")
    publish_silver(spark_lake, "turbofan", series(turbofan, "e1", [40, 50], cycle=[3, 1]), "s.2")
    job.run(spark_lake, "turbofan", "f")
    assert shown(spark_lake, "turbofan", "life", "reading_number") == {
        ("e1", 0): (1, 1),
        ("e1", 10): (1, 2),
        ("e1", 20): (2, 1),
        ("e1", 30): (2, 2),
        ("e1", 40): (2, 3),
        ("e1", 50): (3, 1),
    }
