"""What a silver run makes of bronze objects: one row per reading, conflicts aside, late data in its own day."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from lake.catalog import open_catalog
from lake.contracts import Contract
from lake.publications import State, read_ledger, read_publications
from lake.tables import LEDGER, silver
from runtime.errors import JobError
from runtime.platforms import Platform
from spark_jobs import silver as silver_job
from spark_jobs.reconcile import run as reconcile
from spark_jobs.session import SparkLake
from tests.spark import NOON, put_bronze, quarantined, reading, rows_of
from tests.spark_jobs.gates import passing

pytestmark = pytest.mark.spark


@pytest.fixture
def pump(spark_lake: SparkLake) -> Contract:
    return spark_lake.contracts["pump"]


def run(lake: SparkLake, name: str = "r", contract: str = "pump") -> Any:
    return silver_job.run(lake, contract, name, gate=passing)


def shown(lake: SparkLake) -> list[tuple[str, int, float]]:
    rows = rows_of(lake, silver(lake.contracts["pump"]))
    return sorted((row["device_id"], row["seq"], row["pressure_bar"]) for row in rows)


def states(platform: Platform, table: str = "silver.pump") -> dict[str, State]:
    return {run.run_id: run.state for run in read_publications(platform, table)}


def test_every_reading_of_new_objects_is_one_row_with_its_run(spark_lake: SparkLake, pump: Contract) -> None:
    put_bronze(spark_lake, "pump", [reading(pump, "p1", seq=0, pressure_bar=1.5), reading(pump, "p1", 5, seq=1, pressure_bar=2.5)])
    put_bronze(spark_lake, "pump", [reading(pump, "p2", seq=0, pressure_bar=3.5)])
    outcome = run(spark_lake)
    assert shown(spark_lake) == [("p1", 0, 1.5), ("p1", 1, 2.5), ("p2", 0, 3.5)]
    assert {row["run_id"] for row in rows_of(spark_lake, silver(pump))} == {"r.1"} == {outcome.run_id}


def test_all_columns_arrive_as_they_were_in_bronze(spark_lake: SparkLake, pump: Contract) -> None:
    sent = reading(pump, "p1", seq=7, flow_m3_h=None, is_running=False, mode="off", _extra='{"x":1}')
    put_bronze(spark_lake, "pump", [sent])
    run(spark_lake)
    (row,) = rows_of(spark_lake, silver(pump))
    assert row == {name: value for name, value in sent.items() if name not in ("principal", "client_id", "topic")} | {"run_id": "r.1"}


def test_a_reading_that_came_several_times_is_one_row(spark_lake: SparkLake, pump: Contract) -> None:
    again = reading(pump, "p1", seq=0, pressure_bar=1.5)
    put_bronze(spark_lake, "pump", [again, again | {"trace_id": "other", "received_at": NOON + timedelta(hours=1)}])
    put_bronze(spark_lake, "pump", [again, reading(pump, "p1", 5, seq=1, pressure_bar=2.5)])
    run(spark_lake, "first")
    put_bronze(spark_lake, "pump", [again | {"client_id": "after a reconnect"}])
    run(spark_lake, "second")
    assert shown(spark_lake) == [("p1", 0, 1.5), ("p1", 1, 2.5)]
    assert quarantined(spark_lake, "pump") == []


def test_of_two_readings_with_one_identity_the_first_by_object_key_stays(spark_lake: SparkLake, pump: Contract) -> None:
    put_bronze(spark_lake, "pump", [reading(pump, "p1", pressure_bar=2.0)], name="b" * 64)
    put_bronze(spark_lake, "pump", [reading(pump, "p1", pressure_bar=1.0)], name="a" * 64)
    run(spark_lake)
    assert shown(spark_lake) == [("p1", 0, 1.0)]
    (other,) = quarantined(spark_lake, "pump")
    assert (other["reason"], other["origin"], other["index"]) == ("event_id_conflict", "silver", None)
    assert b'"pressure_bar":2' in other["bytes"]
    assert other["event_id"] == reading(pump, "p1")["event_id"]


def test_of_two_readings_with_one_identity_in_one_object_the_first_row_stays(spark_lake: SparkLake, pump: Contract) -> None:
    put_bronze(spark_lake, "pump", [reading(pump, "p1", pressure_bar=value) for value in (3.0, 1.0, 3.0, 2.0)])
    run(spark_lake)
    assert shown(spark_lake) == [("p1", 0, 3.0)]
    assert sorted(row["bytes"].split(b'"pressure_bar":')[1][:1] for row in quarantined(spark_lake, "pump")) == [b"1", b"2"]


def test_a_reading_that_is_visible_stays_and_the_later_one_is_quarantined(spark_lake: SparkLake, pump: Contract) -> None:
    put_bronze(spark_lake, "pump", [reading(pump, "p1", pressure_bar=2.0)], name="b" * 64)
    run(spark_lake, "first")
    put_bronze(spark_lake, "pump", [reading(pump, "p1", pressure_bar=1.0)], name="a" * 64)
    run(spark_lake, "second")
    assert shown(spark_lake) == [("p1", 0, 2.0)]
    assert len(quarantined(spark_lake, "pump")) == 1


def test_a_value_that_is_absent_conflicts_with_one_that_is_there(spark_lake: SparkLake, pump: Contract) -> None:
    put_bronze(spark_lake, "pump", [reading(pump, "p1", flow_m3_h=None)])
    run(spark_lake, "first")
    put_bronze(spark_lake, "pump", [reading(pump, "p1", flow_m3_h=5.0)])
    run(spark_lake, "second")
    assert [row["flow_m3_h"] for row in rows_of(spark_lake, silver(pump))] == [None]
    assert len(quarantined(spark_lake, "pump")) == 1


def test_a_late_reading_lands_in_its_own_day_and_meets_what_is_there(spark_lake: SparkLake, pump: Contract) -> None:
    ten_days = 10 * 24 * 60
    put_bronze(spark_lake, "pump", [reading(pump, "p1", -ten_days, seq=1), reading(pump, "p1", 0, seq=2)])
    run(spark_lake, "first")
    put_bronze(spark_lake, "pump", [reading(pump, "p1", -ten_days, seq=1), reading(pump, "p1", -ten_days + 5, seq=3)])
    run(spark_lake, "second")
    assert [seq for _, seq, _ in shown(spark_lake)] == [1, 2, 3]
    partitions = open_catalog(spark_lake.platform).load_table("silver.pump").inspect.partitions().to_pylist()
    days = {str(partition["partition"]["event_time_day"]): partition["record_count"] for partition in partitions}
    assert days == {"2026-02-20": 2, "2026-03-02": 1}


def test_a_run_without_new_objects_makes_no_snapshot(spark_lake: SparkLake, pump: Contract) -> None:
    put_bronze(spark_lake, "pump", [reading(pump, "p1")])
    run(spark_lake, "first")
    before = open_catalog(spark_lake.platform).load_table("silver.pump").metadata
    assert run(spark_lake, "second").run_id is None
    after = open_catalog(spark_lake.platform).load_table("silver.pump").metadata
    assert len(after.snapshots) == len(before.snapshots)
    assert states(spark_lake.platform) == {"first.1": State.VISIBLE}


def test_a_second_run_of_one_airflow_run_takes_the_next_number(spark_lake: SparkLake, pump: Contract) -> None:
    put_bronze(spark_lake, "pump", [reading(pump, "p1", seq=1)])
    run(spark_lake)
    put_bronze(spark_lake, "pump", [reading(pump, "p1", seq=2)])
    run(spark_lake)
    assert states(spark_lake.platform) == {"r.1": State.VISIBLE, "r.2": State.VISIBLE}


def test_the_ledger_says_what_was_read_from_when_to_when(spark_lake: SparkLake, pump: Contract) -> None:
    key = put_bronze(spark_lake, "pump", [reading(pump, "p1", 10, seq=1), reading(pump, "p1", -20, seq=2), reading(pump, "p1", seq=3)])
    base = open_catalog(spark_lake.platform).load_table("silver.pump")
    assert base.current_snapshot() is None
    run(spark_lake)
    (row,) = rows_of(spark_lake, LEDGER)
    earliest, latest = NOON - timedelta(minutes=20), NOON + timedelta(minutes=10)
    expected = {"run_id": "r.1", "contract": "pump", "object": key, "rows": 3, "min_event_time": earliest, "max_event_time": latest}
    assert {name: row[name] for name in expected} == expected


def test_readers_know_a_run_by_the_clock_read_after_main_moved(spark_lake: SparkLake, pump: Contract) -> None:
    def advance(name: str) -> None:
        if name == "fast_forwarded":
            spark_lake.clock.advance(minutes=3)  # type: ignore[attr-defined]

    spark_lake.boundary = advance
    put_bronze(spark_lake, "pump", [reading(pump, "p1")])
    run(spark_lake)
    (publication,) = read_publications(spark_lake.platform, "silver.pump")
    assert publication.known_at == NOON + timedelta(minutes=3)


def test_an_object_in_an_old_partition_is_left_to_reconcile(spark_lake: SparkLake, pump: Contract) -> None:
    put_bronze(spark_lake, "pump", [reading(pump, "p1", seq=1)])
    run(spark_lake, "first")
    put_bronze(spark_lake, "pump", [reading(pump, "p1", seq=2)], put_at=NOON - timedelta(days=10))
    assert run(spark_lake, "second").run_id is None
    reconcile(spark_lake, "pump", "reconciled", passing)
    assert [seq for _, seq, _ in shown(spark_lake)] == [1, 2]


@pytest.mark.parametrize(
    ("planned_at", "put_in", "taken"),
    [("12:59", "11:00", True), ("13:01", "11:00", False), ("11:59", "10:00", True), ("12:01", "10:00", False)],
)
def test_a_partition_is_complete_one_hour_after_its_end(
    spark_lake: SparkLake, pump: Contract, planned_at: str, put_in: str, taken: bool
) -> None:
    def moment(text: str) -> datetime:
        return datetime.fromisoformat(f"2026-03-02T{text}:00").replace(tzinfo=UTC)

    # The first run sees a partition as complete from one hour after its end: the second looks no further back.
    spark_lake.clock.moment = moment(planned_at)  # type: ignore[attr-defined]
    put_bronze(spark_lake, "pump", [reading(pump, "p1", seq=1)])
    run(spark_lake, "first")
    put_bronze(spark_lake, "pump", [reading(pump, "p1", seq=2)], put_at=moment(put_in))
    assert (run(spark_lake, "second").run_id is not None) is taken


def no_parquet(file: Path) -> None:
    file.write_bytes(b"not Parquet")


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-20])


def of_garbled_pages(file: Path) -> None:
    """Its footer is whole: only who reads the pages finds out."""
    content = bytearray(file.read_bytes())
    footer = int.from_bytes(content[-8:-4], "little") + 8
    content[4 : len(content) - footer] = b"\xa5" * (len(content) - footer - 4)
    file.write_bytes(bytes(content))


@pytest.mark.parametrize("spoil", [no_parquet, cut_off, of_garbled_pages])
def test_an_object_that_cannot_be_read_is_set_aside_by_name_and_the_run_goes_on(
    spark_lake: SparkLake, pump: Contract, spoil: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    key = put_bronze(spark_lake, "pump", [reading(pump, "p1")])
    file = spark_lake.platform.object_folder / key  # type: ignore[attr-defined]
    good = file.read_bytes()
    spoil(file)
    put_bronze(spark_lake, "pump", [reading(pump, "p2", pressure_bar=2.0)])
    with caplog.at_level("ERROR", logger="fleetlake"):
        run(spark_lake)
    assert f"bronze object {key} is set aside" in caplog.text
    assert shown(spark_lake) == [("p2", 0, 2.0)]
    with pytest.raises(JobError, match=f"not every object is accounted for: bronze objects cannot be read: {key}"):
        reconcile(spark_lake, "pump", "daily", gate=passing)
    file.write_bytes(good)
    reconcile(spark_lake, "pump", "daily", gate=passing)
    assert [device for device, *_ in shown(spark_lake)] == ["p1", "p2"]


def test_an_object_of_a_newer_contract_is_not_read_without_its_new_field(spark_lake: SparkLake, pump: Contract) -> None:
    key = put_bronze(spark_lake, "pump", [reading(pump, "p1")])
    file = spark_lake.platform.object_folder / key  # type: ignore[attr-defined]
    rows = pq.read_table(file)
    pq.write_table(rows.append_column("humidity", [[1.0]]), file)
    with pytest.raises(JobError, match="humidity, which version 1 of the contract does not know"):
        run(spark_lake)


def test_an_object_without_statistics_does_not_lose_its_day(spark_lake: SparkLake, pump: Contract) -> None:
    key = put_bronze(spark_lake, "pump", [reading(pump, "p1")])
    run(spark_lake, "first")
    second = put_bronze(spark_lake, "pump", [reading(pump, "p1"), reading(pump, "p1", 5, seq=1)])
    file = spark_lake.platform.object_folder / second  # type: ignore[attr-defined]
    pq.write_table(pq.read_table(file), file, write_statistics=False)
    run(spark_lake, "second")
    assert key != second
    assert [seq for _, seq, _ in shown(spark_lake)] == [0, 1]


def test_contracts_do_not_see_each_other(spark_lake: SparkLake, pump: Contract) -> None:
    room = spark_lake.contracts["environment"]
    put_bronze(spark_lake, "pump", [reading(pump, "p1")])
    put_bronze(spark_lake, "environment", [reading(room, "r1")])
    run(spark_lake, contract="environment")
    assert rows_of(spark_lake, silver(pump)) == []
    assert len(rows_of(spark_lake, silver(room))) == 1
    assert [planned.run_id for planned in read_ledger(spark_lake.platform, "pump")] == []
