"""Hours of each device: figures by hand, gaps that reach back, and only what new readings touch."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lake.contracts import Contract
from lake.publications import read_publications
from lake.tables import gold_hourly
from spark_jobs import gold_hourly as job
from spark_jobs import silver as silver_job
from spark_jobs.session import SparkLake
from tests.spark import NOON, put_bronze, rows_of
from tests.spark_jobs.derived import publish_silver, rebuild_silver, series
from tests.spark_jobs.gates import passing

pytestmark = pytest.mark.spark


@pytest.fixture
def pump(spark_lake: SparkLake) -> Contract:
    """Cadence 300 s: more than 7.5 minutes apart is a gap."""
    return spark_lake.contracts["pump"]


def hours(lake: SparkLake, *columns: str) -> dict[tuple[str, int], tuple[Any, ...]]:
    """By device and hours after NOON."""
    rows = rows_of(lake, gold_hourly(lake.contracts["pump"]))
    found = {(row["device_id"], round((row["hour"] - NOON) / timedelta(hours=1))): tuple(row[name] for name in columns) for row in rows}
    assert len(found) == len(rows)
    return found


def test_an_hour_has_count_extremes_mean_and_last_of_numbers_share_of_truth_and_last_text(spark_lake: SparkLake, pump: Contract) -> None:
    columns = {"pressure_bar": [1.0, 4.0, 1.0, 3.0], "flow_m3_h": [None, 6.0, 2.0, None], "is_running": [True, False, True, True]}
    rows = series(pump, "p1", [0, 5, 10, 59], mode=["auto", "off", "auto", "manual"], **columns)
    publish_silver(spark_lake, "pump", reversed(rows), "s.1")
    job.run(spark_lake, "pump", "g")
    (row,) = rows_of(spark_lake, gold_hourly(pump))
    expected = {
        "device_id": "p1",
        "hour": datetime(2026, 3, 2, 12, tzinfo=UTC),
        "readings": 4,
        "gaps": 1,
        "gap_seconds": 49 * 60.0,
        "pressure_bar_count": 4,
        "pressure_bar_min": 1.0,
        "pressure_bar_max": 4.0,
        "pressure_bar_mean": 2.25,
        "pressure_bar_last": 3.0,
        "flow_m3_h_count": 2,
        "flow_m3_h_min": 2.0,
        "flow_m3_h_max": 6.0,
        "flow_m3_h_mean": 4.0,
        "flow_m3_h_last": 2.0,
        "is_running_share_true": 0.75,
        "mode_last": "manual",
    }
    assert {name: row[name] for name in expected} == expected


def test_a_number_without_a_value_in_the_hour_has_no_count_either(spark_lake: SparkLake, pump: Contract) -> None:
    """As in an hour that was rolled up before the contract had the field, so that a rebuild of it changes nothing."""
    publish_silver(spark_lake, "pump", series(pump, "p1", [0, 5], flow_m3_h=None), "s.1")
    job.run(spark_lake, "pump", "g")
    assert hours(spark_lake, "flow_m3_h_count", "flow_m3_h_max", "pressure_bar_count") == {("p1", 0): (None, None, 2)}


def test_a_gap_counts_in_the_hour_it_ends_in_and_a_silent_hour_has_no_row(spark_lake: SparkLake, pump: Contract) -> None:
    publish_silver(spark_lake, "pump", series(pump, "p1", [50, 57.5, 190, 195]) + series(pump, "p2", [0]), "s.1")
    job.run(spark_lake, "pump", "g")
    assert hours(spark_lake, "readings", "gaps", "gap_seconds") == {
        ("p1", 0): (2, 0, 0.0),  # 7.5 minutes are not more than 1.5 cadences
        ("p1", 3): (2, 1, 132.5 * 60),
        ("p2", 0): (1, 0, 0.0),
    }


def test_a_late_reading_shortens_the_gap_of_the_next_hour_with_data(spark_lake: SparkLake, pump: Contract) -> None:
    publish_silver(spark_lake, "pump", series(pump, "p1", [0, 24 * 60 * 3]), "s.1")
    job.run(spark_lake, "pump", "g")
    assert hours(spark_lake, "gap_seconds")["p1", 72] == (3 * 86_400.0,)
    publish_silver(spark_lake, "pump", series(pump, "p1", [60 * 30]), "s.2")
    job.run(spark_lake, "pump", "g")
    assert hours(spark_lake, "readings", "gap_seconds") == {
        ("p1", 0): (1, 0.0),
        ("p1", 30): (1, 30 * 3600.0),
        ("p1", 72): (1, 42 * 3600.0),
    }


def test_what_new_readings_do_not_touch_stays_as_it_was(spark_lake: SparkLake, pump: Contract) -> None:
    publish_silver(spark_lake, "pump", series(pump, "p1", [0, 5]) + series(pump, "p2", [0, 120]), "s.1")
    job.run(spark_lake, "pump", "g")
    publish_silver(spark_lake, "pump", series(pump, "p1", [65]), "s.2")
    job.run(spark_lake, "pump", "g")
    assert hours(spark_lake, "readings", "gaps") == {("p1", 0): (2, 0), ("p1", 1): (1, 1), ("p2", 0): (1, 0), ("p2", 2): (1, 1)}


def test_an_hour_that_a_rebuild_emptied_goes_and_the_next_gap_reaches_over_it(spark_lake: SparkLake, pump: Contract) -> None:
    rows = series(pump, "p1", [0, 60, 120, 180], pressure_bar=1.0)
    publish_silver(spark_lake, "pump", rows, "s.1")
    job.run(spark_lake, "pump", "g")
    changed = rows[3] | {"pressure_bar": 9.0}
    rebuild_silver(spark_lake, "pump", [rows[1]["event_id"], rows[3]["event_id"]], [changed], "rebuild.1")
    job.run(spark_lake, "pump", "g")
    assert hours(spark_lake, "gap_seconds", "pressure_bar_last") == {
        ("p1", 0): (0.0, 1.0),
        ("p1", 2): (7200.0, 1.0),
        ("p1", 3): (3600.0, 9.0),
    }


def test_each_silver_publication_is_taken_once_and_named_as_input(spark_lake: SparkLake, pump: Contract) -> None:
    publish_silver(spark_lake, "pump", series(pump, "p1", [0]), "s.1")
    publish_silver(spark_lake, "pump", series(pump, "p1", [5]), "s.2")
    assert job.run(spark_lake, "pump", "g").run_id == "g.1"
    assert job.run(spark_lake, "pump", "g").run_id is None
    (run,) = read_publications(spark_lake.platform, "gold.pump_hourly")
    assert run.inputs == ("silver.pump:s.1", "silver.pump:s.2")


def test_nothing_in_silver_makes_no_publication(spark_lake: SparkLake) -> None:
    assert job.run(spark_lake, "pump", "g").run_id is None
    assert read_publications(spark_lake.platform, "gold.pump_hourly") == []


def test_events_have_no_hours(spark_lake: SparkLake) -> None:
    assert job.run(spark_lake, "maintenance", "g").run_id is None


def test_what_a_silver_run_published_is_taken_in(spark_lake: SparkLake, pump: Contract) -> None:
    put_bronze(spark_lake, "pump", series(pump, "p1", [0, 5, 10]))
    silver_job.run(spark_lake, "pump", "s", gate=passing)
    job.run(spark_lake, "pump", "g")
    assert hours(spark_lake, "readings") == {("p1", 0): (3,)}
