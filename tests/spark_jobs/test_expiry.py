"""Expiry and orphans: what a name, a branch or `as_of` needs stays, and so does the file of whoever is writing."""

import dataclasses
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pyspark.sql import SparkSession

from lake import snapshots
from lake.catalog import open_catalog
from lake.contracts import Contract, Contracts, LakeRetention, load_contracts
from lake.maintenance import Action, Verdict, read_proofs
from lake.query import sql
from lake.table_storage import known_paths, stored_files
from lake.tables import DEVICE_DAILY, Table, gold_hourly, silver
from runtime.clock import FixedClock
from runtime.errors import ProofFailed, QueryError, UserError
from runtime.settings import REPOSITORY
from spark_jobs import gold_hourly as gold_job
from spark_jobs.branch import Branch
from spark_jobs.compaction import compact, parts_of, rewrite_parts
from spark_jobs.expiry import expire, expire_these, history_of, plan_orphans, remove_orphans
from spark_jobs.publication import publish
from spark_jobs.session import SparkLake
from spark_jobs.table_files import data_files
from tests.grown_lake import GrownLake
from tests.spark import reading, rows_of
from tests.spark_jobs.derived import publish_silver

pytestmark = pytest.mark.spark

# Snapshots and files are dated by the machine's own clock, so that the tests' begins some days before it.
TODAY = datetime.now(UTC)
HOURLY = "SELECT * FROM gold.pump_hourly ORDER BY device_id, hour"


@pytest.fixture(scope="module")
def grown(spark_session: SparkSession, empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> GrownLake:
    contracts = load_contracts(REPOSITORY / "contracts")
    return GrownLake(spark_session, empty_home, tmp_path_factory.mktemp("grown"), contracts, grow)


@pytest.fixture
def pump() -> Contract:
    return load_contracts(REPOSITORY / "contracts")["pump"]


def with_history(lake: SparkLake, days: int | None) -> None:
    kept = LakeRetention(history_days=days)
    lake.contracts = Contracts([dataclasses.replace(contract, retention=kept) for contract in lake.contracts.values()])


def grow(lake: SparkLake, keep: Callable[[str], None]) -> None:
    """A silver and a gold publication a day."""
    clock = lake.clock
    assert isinstance(clock, FixedClock)
    clock.moment = TODAY - timedelta(days=10)
    for number in range(8):
        publish_silver(lake, "pump", [reading(lake.contracts["pump"], "p1", 60 * number, seq=number)], f"grow{number}.1")
        gold_job.run(lake, "pump", f"grow{number}")
        clock.advance(days=1)
        keep(f"day {number + 1}")


def grown_for(grown: GrownLake, days: int) -> tuple[SparkLake, FixedClock]:
    lake = grown.at(f"day {days}")
    assert isinstance(lake.clock, FixedClock)
    return lake, lake.clock


def answers(lake: SparkLake, moments: Sequence[datetime], text: str = HOURLY) -> list[Any]:
    return [sql(text, as_of=at, platform=lake.platform, clock=lake.clock).rows for at in moments]


def snapshot_ids(lake: SparkLake, table: Table) -> list[int]:
    return [snapshot.snapshot_id for snapshot in open_catalog(lake.platform).load_table(table.name).snapshots()]


def files_on_disk(lake: SparkLake, table: Table) -> set[str]:
    return {file.path for file in stored_files(open_catalog(lake.platform).load_table(table.name))}


def test_as_of_gives_the_same_after_expiry_within_the_window_and_says_so_before_it(grown: GrownLake, pump: Contract) -> None:
    spark_lake, clock = grown_for(grown, 8)
    moments = [TODAY - timedelta(days=days, hours=12) for days in range(2, 10)]
    before = answers(spark_lake, moments)
    assert [len(rows) for rows in before] == [8, 7, 6, 5, 4, 3, 2, 1]
    # Five days before TODAY, when the sixth run became visible.
    clock.moment = TODAY + timedelta(days=2)
    with_history(spark_lake, 7)
    many = len(snapshot_ids(spark_lake, gold_hourly(pump)))
    assert expire(spark_lake, gold_hourly(pump), "e") > 0
    assert len(snapshot_ids(spark_lake, gold_hourly(pump))) == 3 < many
    assert answers(spark_lake, moments[:3]) == before[:3]
    for at in moments[3:]:
        with pytest.raises(QueryError, match="its snapshot of that time was expired"):
            answers(spark_lake, [at])
    (proof,) = read_proofs(spark_lake.platform, Action.EXPIRE)
    assert (proof.verdict, proof.rows_before, proof.rows_after) == (Verdict.HOLDS, 8, 8)


def test_without_a_window_every_as_of_stays(grown: GrownLake, pump: Contract) -> None:
    spark_lake, clock = grown_for(grown, 4)
    moments = [TODAY - timedelta(days=days, hours=12) for days in range(6, 10)]
    before = answers(spark_lake, moments)
    clock.moment = TODAY + timedelta(days=100)
    expire(spark_lake, gold_hourly(pump), "e")
    assert answers(spark_lake, moments) == before
    assert [len(rows) for rows in before] == [4, 3, 2, 1]


def test_silver_needs_its_present_snapshot_alone(grown: GrownLake, pump: Contract) -> None:
    spark_lake, clock = grown_for(grown, 4)
    text = "SELECT * FROM silver.pump ORDER BY seq"
    moments = [TODAY - timedelta(days=days, hours=12) for days in range(6, 10)]
    before = answers(spark_lake, moments, text)
    clock.moment = TODAY + timedelta(days=2)
    compact(spark_lake, silver(pump), "m", superfluous=2)
    on_disk = files_on_disk(spark_lake, silver(pump))
    expire(spark_lake, silver(pump), "e")
    assert len(snapshot_ids(spark_lake, silver(pump))) == 1
    gone = on_disk - files_on_disk(spark_lake, silver(pump))
    assert len([path for path in gone if path.endswith(".parquet")]) == 4
    assert answers(spark_lake, moments, text) == before
    assert [len(rows) for rows in before] == [4, 3, 2, 1]


def test_a_compacted_snapshot_stands_for_the_one_it_was_made_from(grown: GrownLake, pump: Contract) -> None:
    spark_lake, clock = grown_for(grown, 3)
    moments = [TODAY - timedelta(days=days, hours=12) for days in range(7, 10)]
    before = answers(spark_lake, moments)
    current = open_catalog(spark_lake.platform).load_table("gold.pump_hourly").current_snapshot()
    assert current is not None
    for again in ("m1", "m2"):
        newest = open_catalog(spark_lake.platform).load_table("gold.pump_hourly").current_snapshot()
        assert newest is not None
        rewrite_parts(
            spark_lake, gold_hourly(pump), again, parts_of(data_files(spark_lake.platform, gold_hourly(pump), newest.snapshot_id))
        )
    clock.moment = TODAY + timedelta(days=2)
    expire(spark_lake, gold_hourly(pump), "e")
    assert current.snapshot_id not in snapshot_ids(spark_lake, gold_hourly(pump))
    assert answers(spark_lake, moments) == before


def test_a_named_snapshot_survives_compaction_expiry_and_orphans(grown: GrownLake, pump: Contract) -> None:
    spark_lake, clock = grown_for(grown, 3)
    named = snapshots.keep(spark_lake.platform, "gold.pump_hourly", "training_1", snapshot_ids(spark_lake, gold_hourly(pump))[-2])
    with_history(spark_lake, 1)
    clock.moment = TODAY + timedelta(days=30)
    expire(spark_lake, gold_hourly(pump), "e")
    remove_orphans(spark_lake, gold_hourly(pump), "o")
    assert len(snapshot_ids(spark_lake, gold_hourly(pump))) == 2
    assert snapshots.named(spark_lake.platform, "gold.pump_hourly") == [named]
    rows = open_catalog(spark_lake.platform).load_table("gold.pump_hourly").scan(snapshot_id=named.snapshot_id).to_arrow()
    assert len(rows) == named.rows == 2
    snapshots.drop(spark_lake.platform, "gold.pump_hourly", "training_1")
    expire(spark_lake, gold_hourly(pump), "e")
    assert len(snapshot_ids(spark_lake, gold_hourly(pump))) == 1


def test_a_snapshot_that_is_named_at_the_last_moment_is_not_lost(grown: GrownLake, pump: Contract) -> None:
    spark_lake, _ = grown_for(grown, 3)
    chosen = snapshot_ids(spark_lake, gold_hourly(pump))[0]
    snapshots.keep(spark_lake.platform, "gold.pump_hourly", "late", chosen)
    with pytest.raises(Exception, match="Cannot expire"):
        expire_these(spark_lake, gold_hourly(pump), "e", [chosen])
    assert chosen in snapshot_ids(spark_lake, gold_hourly(pump))
    assert [named.name for named in snapshots.named(spark_lake.platform, "gold.pump_hourly")] == ["late"]


def test_expiry_settles_a_publication_under_way_before_it_takes_anything(grown: GrownLake, pump: Contract) -> None:
    """A run that died between its swap and its note is visible, and its snapshot stays."""
    spark_lake, clock = grown_for(grown, 2)

    class Killed(BaseException):
        pass

    def kill(name: str) -> None:
        if name == "fast_forwarded":
            raise Killed

    publish_silver(spark_lake, "pump", [reading(pump, "p1", 600, seq=9)], "late.1")
    spark_lake.boundary = kill
    with pytest.raises(Killed):
        gold_job.run(spark_lake, "pump", "killed")
    spark_lake.boundary = lambda _name: None
    clock.moment = TODAY + timedelta(days=2)
    expire(spark_lake, gold_hourly(pump), "e")
    assert len(answers(spark_lake, [clock.now()])[0]) == 3


def test_young_snapshots_stay_because_a_job_may_read_them(grown: GrownLake, pump: Contract) -> None:
    spark_lake, clock = grown_for(grown, 3)
    clock.moment = TODAY + timedelta(hours=12)
    assert expire(spark_lake, silver(pump), "e") == 0
    assert expire(spark_lake, silver(pump), "e", young=timedelta(hours=6)) > 0


def test_a_shared_table_keeps_history_for_the_contract_that_wants_most(spark_lake: SparkLake) -> None:
    assert history_of(spark_lake, DEVICE_DAILY) is None
    contracts = list(spark_lake.contracts.values())
    spark_lake.contracts = Contracts(
        [dataclasses.replace(c, retention=LakeRetention(history_days=10 + place)) for place, c in enumerate(contracts)]
    )
    assert history_of(spark_lake, DEVICE_DAILY) == timedelta(days=9 + len(contracts))
    spark_lake.contracts = Contracts([dataclasses.replace(contracts[0], retention=LakeRetention(history_days=1)), *contracts[1:]])
    assert history_of(spark_lake, DEVICE_DAILY) is None


def test_orphans_are_files_that_nobody_knows_and_that_are_old(grown: GrownLake, pump: Contract) -> None:
    spark_lake, clock = grown_for(grown, 2)
    folder = Path(urlsplit(open_catalog(spark_lake.platform).load_table("silver.pump").location()).path) / "data"
    old, young = folder / "old.parquet", folder / "young.parquet"
    for file, days in ((old, 5), (young, 1)):
        file.write_bytes(b"left by a job that died")
        os.utime(file, ((TODAY - timedelta(days=days)).timestamp(),) * 2)
    known = {path for path in files_on_disk(spark_lake, silver(pump)) if Path(path) not in (old, young)}
    for path in known:
        os.utime(path, ((TODAY - timedelta(days=5)).timestamp(),) * 2)
    clock.moment = TODAY
    assert [Path(file.path) for file in plan_orphans(spark_lake, silver(pump))] == [old]
    assert remove_orphans(spark_lake, silver(pump), "o") == 1
    assert files_on_disk(spark_lake, silver(pump)) == known | {str(young)}
    assert len(rows_of(spark_lake, silver(pump))) == 2
    with pytest.raises(UserError, match="may take a file that a job is writing"):
        remove_orphans(spark_lake, silver(pump), "o", timedelta(minutes=1))


def test_files_of_an_unfinished_branch_are_no_orphans(grown: GrownLake, pump: Contract) -> None:
    spark_lake, clock = grown_for(grown, 1)
    clock.moment = TODAY + timedelta(days=30)
    # A commit that was tried again may have left one.
    before = plan_orphans(spark_lake, gold_hourly(pump))
    found: list[int] = []

    def attempt(branch: Branch) -> Sequence[str]:
        row = spark_lake.spark.table("lake.gold.pump_hourly").limit(1)
        row.writeTo(branch.identifier).append()
        found.append(len(plan_orphans(spark_lake, gold_hourly(pump))) - len(before))
        return []

    assert publish(spark_lake, gold_hourly(pump), "pump", "r", attempt).run_id
    assert found == [0]
    assert len(rows_of(spark_lake, gold_hourly(pump))) == 2


def test_a_proof_that_does_not_hold_leaves_every_file(grown: GrownLake, pump: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault: a metadata that still knows what would be removed."""
    from spark_jobs import expiry

    spark_lake, clock = grown_for(grown, 2)
    clock.moment = TODAY + timedelta(days=2)
    everything = known_paths(open_catalog(spark_lake.platform).load_table("silver.pump"))
    answers = iter([everything, set(), everything])
    monkeypatch.setattr(expiry, "known_paths", lambda *_: next(answers))
    on_disk = files_on_disk(spark_lake, silver(pump))
    with pytest.raises(ProofFailed, match=r"expire silver\.pump: [0-9]+ files are still needed; no file was removed"):
        expire(spark_lake, silver(pump), "e")
    assert on_disk <= files_on_disk(spark_lake, silver(pump))
    (proof,) = read_proofs(spark_lake.platform, Action.EXPIRE)
    assert proof.verdict is Verdict.REFUSED
