"""Days of each device: readings, gaps over midnight, uptime in cadence slots, and what was quarantined."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from lake.contracts import Contract
from lake.publications import read_publications
from lake.quarantine import Quarantined, put_quarantined
from lake.reasons import Reason
from lake.tables import DEVICE_DAILY
from spark_jobs import gold_device_daily as job
from spark_jobs.session import SparkLake
from tests.spark import NOON, at, rows_of
from tests.spark_jobs.derived import publish_silver, rebuild_silver, series

pytestmark = pytest.mark.spark
DAY = 24 * 60
MONDAY = date(2026, 3, 2)


@pytest.fixture
def pump(spark_lake: SparkLake) -> Contract:
    """Cadence 300 s: 288 slots a day."""
    return spark_lake.contracts["pump"]


def days(lake: SparkLake, *columns: str) -> dict[tuple[str, str, int], tuple[Any, ...]]:
    """By contract, device and days after MONDAY."""
    rows = rows_of(lake, DEVICE_DAILY)
    found = {(row["contract"], row["device_id"], (row["day"] - MONDAY).days): tuple(row[name] for name in columns) for row in rows}
    assert len(found) == len(rows)
    return found


def quarantine(lake: SparkLake, device_id: str, contents: list[bytes], received_at: datetime = NOON, put_at: datetime = NOON) -> None:
    rows = [
        Quarantined("pump", device_id, f"dt/fleetlake/{device_id}/pump", content, 0, Reason.NOT_JSON, "", received_at=received_at)
        for content in contents
    ]
    put_quarantined(lake.platform, rows, put_at, lake.contracts)


def test_a_day_counts_readings_gaps_and_the_slots_of_its_cadence(spark_lake: SparkLake, pump: Contract) -> None:
    # Slots of five minutes: 12:00, 12:00 again, 12:05, and after a gap 13:00.
    publish_silver(spark_lake, "pump", series(pump, "p1", [0, 4, 5, 60]), "s.1")
    job.run(spark_lake, "pump", "d")
    (row,) = rows_of(spark_lake, DEVICE_DAILY)
    assert row == {
        "contract": "pump",
        "device_id": "p1",
        "day": MONDAY,
        "readings": 4,
        "gaps": 1,
        "quarantined": 0,
        "uptime_seconds": 900.0,
        "first_seen": NOON,
        "last_seen": at(60),
    }


def test_a_gap_over_midnight_counts_on_the_later_day(spark_lake: SparkLake, pump: Contract) -> None:
    publish_silver(spark_lake, "pump", series(pump, "p1", [0, DAY, DAY + 5]), "s.1")
    job.run(spark_lake, "pump", "d")
    assert days(spark_lake, "readings", "gaps") == {("pump", "p1", 0): (1, 0), ("pump", "p1", 1): (2, 1)}


def test_a_late_reading_before_midnight_closes_the_gap_of_the_next_day(spark_lake: SparkLake, pump: Contract) -> None:
    publish_silver(spark_lake, "pump", series(pump, "p1", [0, 12 * 60 + 2]) + series(pump, "p2", [0, DAY]), "s.1")
    job.run(spark_lake, "pump", "d")
    assert days(spark_lake, "gaps")["pump", "p1", 1] == (1,)
    publish_silver(spark_lake, "pump", series(pump, "p1", [12 * 60 - 3]), "s.2")
    job.run(spark_lake, "pump", "d")
    assert days(spark_lake, "readings", "gaps") == {
        ("pump", "p1", 0): (2, 1),
        ("pump", "p1", 1): (1, 0),
        ("pump", "p2", 0): (1, 0),
        ("pump", "p2", 1): (1, 1),
    }


def test_different_quarantined_rows_count_on_the_day_they_were_received(spark_lake: SparkLake, pump: Contract) -> None:
    publish_silver(spark_lake, "pump", series(pump, "p1", [0]), "s.1")
    quarantine(spark_lake, "p1", [b"a", b"b"])
    job.run(spark_lake, "pump", "d")
    # Both of p1's rows come again in another object, beside a third; p9 sent nothing that was good.
    quarantine(spark_lake, "p1", [b"a", b"b", b"c"], put_at=NOON + timedelta(days=2))
    quarantine(spark_lake, "p9", [b"a"], received_at=NOON + timedelta(days=1), put_at=NOON + timedelta(days=2))
    job.run(spark_lake, "pump", "d")
    assert days(spark_lake, "quarantined", "readings", "uptime_seconds", "first_seen") == {
        ("pump", "p1", 0): (3, 1, 300.0, NOON),
        ("pump", "p9", 1): (1, 0, 0.0, None),
    }


def test_a_new_reading_leaves_the_days_quarantined_rows_counted(spark_lake: SparkLake, pump: Contract) -> None:
    quarantine(spark_lake, "p1", [b"a"])
    job.run(spark_lake, "pump", "d")
    publish_silver(spark_lake, "pump", series(pump, "p1", [0]), "s.1")
    job.run(spark_lake, "pump", "d")
    assert days(spark_lake, "quarantined", "readings") == {("pump", "p1", 0): (1, 1)}


def test_quarantine_objects_are_inputs_and_taken_once(spark_lake: SparkLake) -> None:
    quarantine(spark_lake, "p1", [b"a"])
    assert job.run(spark_lake, "pump", "d").run_id == "d.1"
    assert job.run(spark_lake, "pump", "d").run_id is None
    (run,) = read_publications(spark_lake.platform, DEVICE_DAILY.name)
    (key,) = run.inputs
    assert key.startswith("quarantine/pump/ingest_date=2026-03-02/reason=not_json/part-")


def test_contracts_share_the_table_and_leave_each_others_days_alone(spark_lake: SparkLake, pump: Contract) -> None:
    maintenance = spark_lake.contracts["maintenance"]
    publish_silver(spark_lake, "pump", series(pump, "p1", [0]), "s.1")
    publish_silver(spark_lake, "maintenance", series(maintenance, "p1", [0, 60]), "m.1")
    job.run(spark_lake, "pump", "d")
    job.run(spark_lake, "maintenance", "e")
    publish_silver(spark_lake, "pump", series(pump, "p1", [5]), "s.2")
    job.run(spark_lake, "pump", "d")
    # Events come when they come: they have neither gaps nor uptime.
    assert days(spark_lake, "readings", "gaps", "uptime_seconds") == {
        ("pump", "p1", 0): (2, 0, 600.0),
        ("maintenance", "p1", 0): (2, None, None),
    }


def test_a_day_that_a_rebuild_emptied_goes(spark_lake: SparkLake, pump: Contract) -> None:
    rows = series(pump, "p1", [0, DAY, 2 * DAY])
    publish_silver(spark_lake, "pump", rows, "s.1")
    job.run(spark_lake, "pump", "d")
    rebuild_silver(spark_lake, "pump", [rows[1]["event_id"]], [], "rebuild.1")
    job.run(spark_lake, "pump", "d")
    assert days(spark_lake, "gaps", "last_seen") == {
        ("pump", "p1", 0): (0, NOON),
        ("pump", "p1", 2): (1, datetime(2026, 3, 4, 12, tzinfo=UTC)),
    }
