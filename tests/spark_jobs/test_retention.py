"""What a contract keeps no longer goes, proven; what is held, unread or too young stays. And the maintenance job as a whole."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from lake.catalog import open_catalog
from lake.contracts import Contract, Contracts, LakeRetention
from lake.layout import bronze_prefix, quarantine_prefix
from lake.maintenance import Action, Verdict, read_proofs
from lake.objects import list_keys
from lake.quarantine import Quarantined, put_quarantined
from lake.reasons import Reason
from lake.tables import DEVICE_DAILY, features, gold_hourly, silver
from runtime.clock import FixedClock
from runtime.errors import GateFailed, UserError
from spark_jobs import gold_device_daily, maintain
from spark_jobs import gold_hourly as gold_job
from spark_jobs import silver as silver_job
from spark_jobs.main import SHARED
from spark_jobs.retention import retain
from spark_jobs.session import SparkLake
from tests.spark import NOON, put_bronze, reading, rows_of
from tests.spark_jobs.derived import publish_silver
from tests.spark_jobs.gates import failing, passing

pytestmark = pytest.mark.spark

DAY = 24 * 60


@pytest.fixture
def pump(spark_lake: SparkLake) -> Contract:
    return spark_lake.contracts["pump"]


def keeping(lake: SparkLake, **days: int) -> None:
    changed = {name: contract for name, contract in lake.contracts.items() if name != "pump"}
    pump = dataclasses.replace(lake.contracts["pump"], retention=LakeRetention(**days))
    lake.contracts = Contracts([*changed.values(), pump])


def ages(lake: SparkLake, clock: FixedClock) -> list[int]:
    """Age in days of silver's readings, the youngest first."""
    return sorted((clock.now() - row["event_time"]).days for row in rows_of(lake, silver(lake.contracts["pump"])))


def test_rows_of_days_that_are_not_kept_go_and_all_others_stay(spark_lake: SparkLake, pump: Contract, clock: FixedClock) -> None:
    rows = [reading(pump, f"p{device}", -DAY * days, seq=days) for days in (0, 29, 30, 31, 50) for device in range(2)]
    publish_silver(spark_lake, "pump", rows, "a.1")
    turbofan = spark_lake.contracts["turbofan"]
    publish_silver(spark_lake, "turbofan", [reading(turbofan, "t", -DAY * 50)], "t.1")
    gold_job.run(spark_lake, "pump", "g")
    gold_device_daily.run(spark_lake, "pump", "g")
    gold_device_daily.run(spark_lake, "turbofan", "g")
    keeping(spark_lake, silver_days=30, gold_days=40)
    would = retain(spark_lake, "pump", "dry", dry_run=True)
    assert would == [
        "silver.pump: 4 rows before 2026-01-31 would go",
        "gold.pump_hourly: 2 rows before 2026-01-21 would go",
        "gold.device_daily: 2 rows before 2026-01-21 would go",
    ]
    assert len(rows_of(spark_lake, silver(pump))) == 10
    retain(spark_lake, "pump", "r")
    assert ages(spark_lake, clock) == [0, 0, 29, 29, 30, 30]
    assert len(rows_of(spark_lake, gold_hourly(pump))) == 8
    assert sorted(row["contract"] for row in rows_of(spark_lake, DEVICE_DAILY)) == ["pump"] * 8 + ["turbofan"]
    proofs = {proof.table_name: proof for proof in read_proofs(spark_lake.platform, Action.RETAIN)}
    assert {name: (proof.verdict, proof.rows_before, proof.rows_after) for name, proof in proofs.items()} == {
        "silver.pump": (Verdict.HOLDS, 10, 6),
        "gold.pump_hourly": (Verdict.HOLDS, 10, 8),
        "gold.device_daily": (Verdict.HOLDS, 11, 9),
    }
    assert retain(spark_lake, "pump", "again") == []
    assert gold_job.run(spark_lake, "pump", "after").run_id is None, "it is no new data for gold"


def test_bronze_goes_only_where_it_was_settled_for_good(spark_lake: SparkLake, pump: Contract, clock: FixedClock) -> None:
    old = NOON - timedelta(days=100)
    visible = put_bronze(spark_lake, "pump", [reading(pump, "p1", seq=1)], put_at=old)
    silver_job.run(spark_lake, "pump", "a", gate=passing)
    held = put_bronze(spark_lake, "pump", [reading(pump, "p2", seq=2)], put_at=old)
    with pytest.raises(GateFailed):
        silver_job.run(spark_lake, "pump", "b", silver_job.Selection(everything=True), gate=failing)
    unread = put_bronze(spark_lake, "pump", [reading(pump, "p3", seq=3)], put_at=old)
    young = put_bronze(spark_lake, "pump", [reading(pump, "p1", seq=1)], put_at=NOON, name="a" * 64)
    keeping(spark_lake, bronze_days=30)
    assert retain(spark_lake, "pump", "r") == ["bronze.pump: 1 objects that arrived more than 30 days ago went"]
    assert set(list_keys(spark_lake.platform, bronze_prefix("pump"))) == {held, unread, young}
    assert visible not in {held, unread, young}


def test_quarantine_goes_by_the_day_of_its_arrival(spark_lake: SparkLake, pump: Contract) -> None:
    for days in (10, 40):
        row = Quarantined("pump", "p1", "t", f"{days}".encode(), 0, Reason.NOT_JSON, "")
        put_quarantined(spark_lake.platform, [row], NOON - timedelta(days=days), spark_lake.contracts)
    keeping(spark_lake, quarantine_days=30)
    retain(spark_lake, "pump", "r")
    (left,) = list_keys(spark_lake.platform, quarantine_prefix("pump"))
    assert f"ingest_date={NOON - timedelta(days=10):%Y-%m-%d}" in left


def test_by_default_everything_is_kept(spark_lake: SparkLake, pump: Contract) -> None:
    publish_silver(spark_lake, "pump", [reading(pump, "p1", -DAY * 5000, seq=1)], "a.1")
    assert retain(spark_lake, "pump", "r") == []


def test_the_job_does_all_steps_of_a_contract_and_says_what_it_did(spark_lake: SparkLake, pump: Contract, clock: FixedClock) -> None:
    for number in range(6):
        publish_silver(spark_lake, "pump", [reading(pump, f"p{number}", days * DAY, seq=number) for days in (0, -60)], f"a{number}.1")
    keeping(spark_lake, silver_days=30)
    clock.moment = NOON + timedelta(minutes=1)
    would = maintain.run(spark_lake, "pump", "dry", dry_run=True)
    assert would[:2] == ["silver.pump: 6 rows before 2026-01-31 would go", "silver.pump: 2 partitions would be compacted"]
    assert read_proofs(spark_lake.platform) == []
    clock.moment = datetime.now(UTC) + timedelta(days=2)
    keeping(spark_lake, silver_days=(clock.now().date() - NOON.date()).days + 10)
    said = maintain.run(spark_lake, "pump", "m")
    assert said[:2] == [
        f"silver.pump: 6 rows before {NOON.date() - timedelta(days=10)} went",
        "silver.pump: 1 commits of compacted partitions",
    ]
    assert "snapshots expired" in said[2]
    table = open_catalog(spark_lake.platform).load_table("silver.pump")
    assert len(list(table.scan().plan_files())) == 1
    assert len(table.snapshots()) == 1
    assert len(rows_of(spark_lake, silver(pump))) == 6
    assert not [sentence for sentence in maintain.run(spark_lake, "pump", "again") if "silver.pump:" in sentence]
    assert len(rows_of(spark_lake, features(pump))) == 0


def test_what_all_contracts_share_is_maintained_too(spark_lake: SparkLake, pump: Contract, clock: FixedClock) -> None:
    for number in range(6):
        publish_silver(spark_lake, "pump", [reading(pump, f"p{number}", seq=number)], f"a{number}.1")
    clock.moment = datetime.now(UTC) + timedelta(days=2)
    said = maintain.run(spark_lake, SHARED, "m", ["ops.ledger"])
    assert said[0] == "ops.ledger: 1 commits of compacted partitions"
    with pytest.raises(UserError, match=r"maintain silver\.pump: _shared has no such table; it has gold\.device_daily"):
        maintain.run(spark_lake, SHARED, "m", ["silver.pump"])
