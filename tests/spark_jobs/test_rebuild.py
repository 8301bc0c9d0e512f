"""A day made again from bronze: equal rows stay as they are, others are corrected as new knowledge, and what was known is still there."""

import dataclasses
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lake.catalog import append_rows, open_catalog
from lake.contracts import Contract, Contracts, LakeRetention
from lake.fingerprint import fingerprints
from lake.publications import State, read_ledger, read_publications
from lake.query import sql
from lake.tables import gold_hourly, silver, superseded
from runtime.clock import FixedClock
from runtime.errors import JobError, UserError
from spark_jobs import features, gold_device_daily
from spark_jobs import gold_hourly as gold_job
from spark_jobs import rebuild as job
from spark_jobs import silver as silver_job
from spark_jobs.session import SparkLake
from tests.spark import NOON, at, compiled, put_bronze, quarantined, reading, rows_of
from tests.spark_jobs.gates import failing, passing

pytestmark = pytest.mark.spark
DAY = NOON.date()


@pytest.fixture
def pump(spark_lake: SparkLake) -> Contract:
    return spark_lake.contracts["pump"]


def move_clock(lake: SparkLake, minutes: float) -> datetime:
    lake.clock = FixedClock(at(minutes))
    return at(minutes)


def run_silver(lake: SparkLake, name: str) -> None:
    silver_job.run(lake, "pump", name, gate=passing)


def shown(lake: SparkLake) -> list[tuple[int, float, str]]:
    return sorted((row["seq"], row["pressure_bar"], row["run_id"]) for row in rows_of(lake, silver(lake.contracts["pump"])))


def replaced(lake: SparkLake) -> list[tuple[int, float, str, str]]:
    rows = rows_of(lake, superseded(lake.contracts["pump"]))
    return sorted((row["seq"], row["pressure_bar"], row["run_id"], row["superseded_by"]) for row in rows)


def as_of(lake: SparkLake, moment: datetime) -> list[tuple[int, float]]:
    text = "SELECT seq, pressure_bar FROM silver.pump ORDER BY ALL"
    return sql(text, as_of=moment, platform=lake.platform, clock=FixedClock(at(10_000))).rows


def tamper(lake: SparkLake, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
    """Silver's rows otherwise than its runs left them, as a defect of an earlier version might have."""
    table = silver(lake.contracts["pump"])
    iceberg = open_catalog(lake.platform).load_table(table.name)
    rows = change(iceberg.scan().to_arrow().to_pylist())
    iceberg.delete()
    append_rows(lake.platform, table, rows)


def test_a_day_that_is_as_bronze_says_is_not_published_again(spark_lake: SparkLake, pump: Contract) -> None:
    put_bronze(spark_lake, "pump", [reading(pump, seq=0), reading(pump, minutes=5, seq=1)])
    put_bronze(spark_lake, "pump", [reading(pump, seq=0), reading(pump, minutes=60 * 24, seq=2)])
    run_silver(spark_lake, "s")
    before = open_catalog(spark_lake.platform).load_table("silver.pump").current_snapshot()
    outcome = job.run(spark_lake, "pump", "rebuild", DAY)
    assert (outcome.run_id, outcome.snapshot_id) == (None, None)
    assert open_catalog(spark_lake.platform).load_table("silver.pump").current_snapshot() == before
    assert replaced(spark_lake) == []
    assert {run.run_id for run in read_publications(spark_lake.platform, "silver.pump")} == {"s.1"}


def test_what_silver_lost_changed_or_made_up_is_mended_and_what_was_known_before_still_is(spark_lake: SparkLake, pump: Contract) -> None:
    put_bronze(spark_lake, "pump", [reading(pump, minutes=seq, seq=seq, pressure_bar=float(seq)) for seq in range(4)])
    known = move_clock(spark_lake, 10)
    run_silver(spark_lake, "s")

    def spoil(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        made_up = {
            name: value for name, value in reading(pump, minutes=9, seq=9, pressure_bar=9.0).items() if name in silver(pump).column_names
        }
        rows = [row | {"pressure_bar": 7.5} if row["seq"] == 1 else row for row in rows if row["seq"] != 2]
        return [*rows, made_up | {"run_id": "s.1"}]

    tamper(spark_lake, spoil)
    rebuilt = move_clock(spark_lake, 20)
    assert job.run(spark_lake, "pump", "rebuild", DAY).run_id == "rebuild.1"
    assert shown(spark_lake) == [(0, 0.0, "s.1"), (1, 1.0, "rebuild.1"), (2, 2.0, "rebuild.1"), (3, 3.0, "s.1")]
    assert replaced(spark_lake) == [(1, 7.5, "s.1", "rebuild.1"), (9, 9.0, "s.1", "rebuild.1")]
    before = [(0, 0.0), (1, 7.5), (3, 3.0), (9, 9.0)]
    assert as_of(spark_lake, known) == as_of(spark_lake, rebuilt - timedelta(microseconds=1)) == before
    assert as_of(spark_lake, rebuilt) == [(0, 0.0), (1, 1.0), (2, 2.0), (3, 3.0)]
    assert job.run(spark_lake, "pump", "again", DAY).run_id is None


def test_other_days_are_not_written(spark_lake: SparkLake, pump: Contract) -> None:
    day = 60 * 24
    put_bronze(spark_lake, "pump", [reading(pump, minutes=days * day, seq=days, pressure_bar=1.0) for days in range(3)])
    move_clock(spark_lake, 3 * day)
    run_silver(spark_lake, "s")
    tamper(spark_lake, lambda rows: [row | {"pressure_bar": 5.0} for row in rows])

    def files() -> set[str]:
        return {task.file.file_path for task in open_catalog(spark_lake.platform).load_table("silver.pump").scan().plan_files()}

    before = files()
    job.run(spark_lake, "pump", "rebuild", DAY + timedelta(days=1))
    assert shown(spark_lake) == [(0, 5.0, "s.1"), (1, 1.0, "rebuild.1"), (2, 5.0, "s.1")]
    # One file of the three, that of the day.
    assert len(before & files()) == 2


def test_of_two_readings_with_one_identity_the_one_published_first_stays_whatever_its_key(spark_lake: SparkLake, pump: Contract) -> None:
    put_bronze(spark_lake, "pump", [reading(pump, pressure_bar=1.0)], name="b" * 64)
    run_silver(spark_lake, "first")
    put_bronze(spark_lake, "pump", [reading(pump, pressure_bar=2.0)], name="a" * 64)
    run_silver(spark_lake, "second")
    conflicts = quarantined(spark_lake, "pump")
    assert job.run(spark_lake, "pump", "rebuild", DAY).run_id is None
    assert shown(spark_lake) == [(0, 1.0, "first.1")]
    assert quarantined(spark_lake, "pump") == conflicts


def test_a_reading_that_stood_for_another_goes_to_quarantine(spark_lake: SparkLake, pump: Contract) -> None:
    put_bronze(spark_lake, "pump", [reading(pump, pressure_bar=1.0)], name="a" * 64)
    run_silver(spark_lake, "first")
    put_bronze(spark_lake, "pump", [reading(pump, pressure_bar=2.0)], name="b" * 64)
    run_silver(spark_lake, "second")
    tamper(spark_lake, lambda rows: [row | {"pressure_bar": 2.0} for row in rows])
    job.run(spark_lake, "pump", "rebuild", DAY)
    assert [value for _, value, _ in shown(spark_lake)] == [1.0]
    assert {row["bytes"].count(b'"pressure_bar":2') for row in quarantined(spark_lake, "pump")} == {1}
    assert len({row["quarantine_id"] for row in quarantined(spark_lake, "pump")}) == 1


def test_readings_that_the_gate_holds_are_not_let_in_by_a_rebuild(spark_lake: SparkLake, pump: Contract) -> None:
    put_bronze(spark_lake, "pump", [reading(pump, seq=0)])
    run_silver(spark_lake, "s")
    put_bronze(spark_lake, "pump", [reading(pump, minutes=5, seq=1)])
    with pytest.raises(Exception, match="stuck"):
        silver_job.run(spark_lake, "pump", "held", gate=failing)
    put_bronze(spark_lake, "pump", [reading(pump, minutes=6, seq=2)])
    assert job.run(spark_lake, "pump", "rebuild", DAY).run_id is None
    assert [seq for seq, _, _ in shown(spark_lake)] == [0]
    assert {plan.run_id for plan in read_ledger(spark_lake.platform, "pump")} == {"s.1", "held.1"}, "a rebuild plans no object"


def test_a_day_whose_object_is_gone_is_refused_by_name(spark_lake: SparkLake, pump: Contract) -> None:
    key = put_bronze(spark_lake, "pump", [reading(pump, seq=0)])
    run_silver(spark_lake, "s")
    Path(spark_lake.platform.object_uri(key).removeprefix("file://")).unlink()
    with pytest.raises(JobError, match=f"1 of its bronze objects are gone or archived, such as {key}"):
        job.run(spark_lake, "pump", "rebuild", DAY)
    assert [seq for seq, _, _ in shown(spark_lake)] == [0]


def test_a_day_to_come_is_refused(spark_lake: SparkLake) -> None:
    with pytest.raises(UserError, match="2026-03-03: this day is still to come"):
        job.run(spark_lake, "pump", "rebuild", date(2026, 3, 3))


def test_a_day_that_retention_let_go_is_not_brought_back(spark_lake: SparkLake, pump: Contract) -> None:
    put_bronze(spark_lake, "pump", [reading(pump, seq=0)])
    run_silver(spark_lake, "s")
    tamper(spark_lake, lambda rows: [])
    move_clock(spark_lake, 31 * 24 * 60)
    kept = dataclasses.replace(pump, retention=LakeRetention(silver_days=30))
    spark_lake.contracts = Contracts([kept])
    with pytest.raises(UserError, match="2026-03-02: the contract's retention keeps 30 days; this day is let go"):
        job.run(spark_lake, "pump", "rebuild", DAY)
    assert shown(spark_lake) == []


def test_a_day_of_which_nothing_is_known_is_left_alone(spark_lake: SparkLake) -> None:
    assert job.run(spark_lake, "pump", "rebuild", date(2026, 1, 1)).run_id is None


def test_a_live_run_that_overtakes_the_rebuild_makes_it_begin_again(spark_lake: SparkLake, pump: Contract) -> None:
    put_bronze(spark_lake, "pump", [reading(pump, seq=0, pressure_bar=1.0)])
    run_silver(spark_lake, "s")
    tamper(spark_lake, lambda rows: [row | {"pressure_bar": 3.0} for row in rows])
    put_bronze(spark_lake, "pump", [reading(pump, minutes=5, seq=1, pressure_bar=2.0)])

    def overtake(boundary: str) -> None:
        if boundary == "superseded":
            spark_lake.boundary = lambda _: None
            run_silver(spark_lake, "live")

    spark_lake.boundary = overtake
    assert job.run(spark_lake, "pump", "rebuild", DAY).run_id == "rebuild.2"
    assert shown(spark_lake) == [(0, 1.0, "rebuild.2"), (1, 2.0, "live.1")]
    # What the first try noted never counts: its run is not visible.
    assert [by for *_, by in replaced(spark_lake)] == ["rebuild.1", "rebuild.2"]
    states = {run.run_id: run.state for run in read_publications(spark_lake.platform, "silver.pump")}
    assert states == {"s.1": State.VISIBLE, "live.1": State.VISIBLE, "rebuild.1": State.ABANDONED, "rebuild.2": State.VISIBLE}


def test_every_boundary_is_passed_in_order(spark_lake: SparkLake, pump: Contract) -> None:
    put_bronze(spark_lake, "pump", [reading(pump, seq=0, pressure_bar=1.0)])
    run_silver(spark_lake, "s")
    tamper(spark_lake, lambda rows: [row | {"pressure_bar": 3.0} for row in rows])
    reached: list[str] = []
    spark_lake.boundary = reached.append
    job.run(spark_lake, "pump", "rebuild", DAY)
    assert tuple(reached) == job.BOUNDARIES


def derive(lake: SparkLake, name: str) -> None:
    gold_job.run(lake, "pump", name)
    gold_device_daily.run(lake, "pump", name)
    features.run(lake, "pump", name)


def test_days_made_again_after_all_rows_were_lost_equal_the_tables_that_grew(spark_lake: SparkLake, pump: Contract) -> None:
    day = 60 * 24
    move_clock(spark_lake, 40 * day)
    moments = {"p1": (0, 5, 11, day - 1, day + 3), "p2": (1, day + 9)}
    for number, minutes in enumerate(zip(*(values[:2] for values in moments.values()), strict=True)):
        put_bronze(
            spark_lake, "pump", [reading(pump, p, m, seq=m, pressure_bar=1.0 + m % 7) for p, m in zip(moments, minutes, strict=True)]
        )
        run_silver(spark_lake, f"s{number}")
        derive(spark_lake, f"d{number}")
    # Thirty days late, and again what came before with another value.
    put_bronze(spark_lake, "pump", [reading(pump, "p1", m, seq=m, pressure_bar=2.0 + m % 5) for m in (5, 11, day - 1, day + 3)])
    run_silver(spark_lake, "late")
    derive(spark_lake, "late")
    grown = fingerprints(spark_lake.platform, [pump])
    assert all(found.rows for found in grown.values())

    tamper(spark_lake, lambda rows: [])
    compiled(spark_lake)
    for offset in (0, 1):
        job.run(spark_lake, "pump", "rebuild", DAY + timedelta(days=offset))
    derive(spark_lake, "rebuilt")
    assert fingerprints(spark_lake.platform, [pump]) == grown


def test_hours_follow_what_a_rebuild_changed(spark_lake: SparkLake, pump: Contract) -> None:
    put_bronze(spark_lake, "pump", [reading(pump, minutes=m, seq=m, pressure_bar=1.0) for m in (0, 61)])
    run_silver(spark_lake, "s")
    tamper(spark_lake, lambda rows: [row | {"pressure_bar": 3.0} if row["seq"] else row for row in rows])
    gold_job.run(spark_lake, "pump", "g")
    job.run(spark_lake, "pump", "rebuild", DAY)
    gold_job.run(spark_lake, "pump", "g2")
    found = {row["hour"]: row["pressure_bar_max"] for row in rows_of(spark_lake, gold_hourly(pump))}
    assert found == {NOON: 1.0, NOON + timedelta(hours=1): 1.0}
