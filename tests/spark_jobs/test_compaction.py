"""Compaction: the same rows in fewer files, proven before they are published, whatever is appended meanwhile."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lake.catalog import open_catalog
from lake.contracts import Contract, load_contracts
from lake.maintenance import MAINTAINED, Action, Verdict, read_proofs
from lake.publications import State, read_publications
from lake.query import sql
from lake.tables import LEDGER, PUBLICATIONS, Table, gold_hourly, silver
from runtime.clock import FixedClock
from runtime.errors import ProofFailed
from runtime.settings import REPOSITORY
from spark_jobs import gold_hourly as gold_job
from spark_jobs import silver as silver_job
from spark_jobs.compaction import TARGET, Part, batches, compact, needed, parts_of, rewrite_parts
from spark_jobs.pending import pending
from spark_jobs.session import SparkLake
from spark_jobs.table_files import DataFile, data_files
from tests.grown_lake import GrownLake
from tests.spark import compiled, put_bronze, reading, rows_of
from tests.spark_jobs.derived import publish_silver
from tests.spark_jobs.gates import passing

pytestmark = pytest.mark.spark

DAY = 24 * 60


@pytest.fixture(scope="module")
def grown(spark_session: SparkSession, empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> GrownLake:
    def grow_and_keep(lake: SparkLake, keep: Callable[[str], None]) -> None:
        grow(lake)
        keep("grown")

    return GrownLake(spark_session, empty_home, tmp_path_factory.mktemp("grown"), load_contracts(REPOSITORY / "contracts"), grow_and_keep)


@pytest.fixture
def grown_lake(grown: GrownLake) -> SparkLake:
    return grown.at("grown")


@pytest.fixture
def pump() -> Contract:
    return load_contracts(REPOSITORY / "contracts")["pump"]


def grow(lake: SparkLake, gold: bool = False) -> None:
    """Five publications to silver, an hour apart, each with a reading of each of three devices on the 2nd of March and one of the 3rd."""
    pump, clock = lake.contracts["pump"], lake.clock
    assert isinstance(clock, FixedClock)
    for number in range(5):
        rows = [reading(pump, f"p{device}", minute, seq=minute) for device in range(3) for minute in (number, DAY + number)]
        publish_silver(lake, "pump", rows, f"grow{number}.1")
        if gold:
            gold_job.run(lake, "pump", f"grow{number}")
        clock.advance(hours=1)


def files_of(lake: SparkLake, table: Table) -> list[str]:
    return [task.file.file_path for task in open_catalog(lake.platform).load_table(table.name).scan().plan_files()]


def by_identity(lake: SparkLake, table: Table) -> list[dict[str, Any]]:
    return sorted(rows_of(lake, table), key=lambda row: tuple(str(row[name]) for name in table.key))


def file(partition: int, megabytes: float, name: str = "") -> DataFile:
    return DataFile(f"{partition}-{name}", partition, 1, int(megabytes * (1 << 20)))


def test_a_partition_needs_it_where_it_has_many_more_files_than_it_should() -> None:
    many = {f"a{n}": file(1, 2, str(n)) for n in range(5)}
    few = {f"b{n}": file(2, 2, str(n)) for n in range(4)}
    large = {f"c{n}": file(3, 400, str(n)) for n in range(9)}
    assert [part.number for part in needed(many | few | large)] == [1]


def test_a_partition_becomes_files_of_128_to_512_megabytes() -> None:
    for megabytes, wanted in ((1, 1), (384, 1), (385, 2), (1000, 3), (3841, 11)):
        part = Part(1, (file(1, megabytes),))
        assert part.wanted == wanted
        assert wanted == 1 or 128 <= megabytes / part.wanted <= 512
    assert TARGET == 384 << 20


def test_a_large_partition_is_a_commit_of_its_own_and_small_ones_share_one() -> None:
    small, large = [Part(n, (file(n, 300),)) for n in range(40)], Part(99, (file(99, 900),))
    made = list(batches([*small[:2], large, *small[2:]]))
    assert [part.number for part in made[0]] == [99]
    assert [len(batch) for batch in made] == [1, 27, 13]
    assert sorted(part.number or 0 for batch in made for part in batch) == [*range(40), 99]


def test_the_same_rows_are_in_one_sorted_file_a_day(grown_lake: SparkLake, pump: Contract) -> None:
    compiled(grown_lake)
    before = by_identity(grown_lake, silver(pump))
    assert len(files_of(grown_lake, silver(pump))) == 10
    (outcome,) = compact(grown_lake, silver(pump), "m")
    files = files_of(grown_lake, silver(pump))
    assert len(files) == 2
    assert by_identity(grown_lake, silver(pump)) == before
    assert len(before) == 30
    for path in files:
        table = pq.read_table(path.removeprefix("file://").removeprefix("file:"))
        found = list(zip(table["device_id"].to_pylist(), table["event_time"].to_pylist(), strict=True))
        assert found == sorted(found)
        assert len(found) == 15
    assert outcome.run_id == "m.1"


def test_the_proof_says_what_was_before_and_after(grown_lake: SparkLake, pump: Contract) -> None:
    snapshot = open_catalog(grown_lake.platform).load_table("silver.pump").current_snapshot()
    assert snapshot is not None
    compact(grown_lake, silver(pump), "m")
    (proof,) = read_proofs(grown_lake.platform, Action.COMPACT)
    assert (proof.run_id, proof.table_name, proof.verdict) == ("m.1", "silver.pump", Verdict.HOLDS)
    assert (proof.rows_before, proof.rows_after, proof.rows_compared, proof.files_before, proof.files_after) == (30, 30, 30, 10, 2)
    assert proof.hash_before == proof.hash_after
    assert proof.snapshot_before == snapshot.snapshot_id


def test_what_does_not_need_it_is_left_alone(grown_lake: SparkLake, pump: Contract) -> None:
    put_bronze(grown_lake, "pump", [reading(pump, "p1", 9 * DAY, seq=1)])
    silver_job.run(grown_lake, "pump", "other", gate=passing)
    alone = set(files_of(grown_lake, silver(pump)))
    compact(grown_lake, silver(pump), "m")
    now = set(files_of(grown_lake, silver(pump)))
    assert len(now) == 3
    assert len(now & alone) == 1
    assert compact(grown_lake, silver(pump), "again") == []


@pytest.mark.parametrize(
    "fault",
    [
        lambda rows: rows.where("NOT (device_id = 'p1' AND seq = 2)"),
        lambda rows: rows.union(rows.where("device_id = 'p1' AND seq = 2")),
        lambda rows: rows.withColumn("pressure_bar", F.when(F.col("seq") == 2, 1.0).otherwise(F.col("pressure_bar"))),
        lambda rows: rows.withColumn("run_id", F.lit("m.1")),
    ],
    ids=["a row lost", "a row doubled", "a value changed", "another run's id"],
)
def test_a_rewriting_that_changes_a_row_is_refused(grown_lake: SparkLake, pump: Contract, fault: Any) -> None:
    before, files = by_identity(grown_lake, silver(pump)), files_of(grown_lake, silver(pump))

    def spoiled(rows: DataFrame) -> DataFrame:
        return fault(rows)

    with pytest.raises(ProofFailed, match=r"compact silver\.pump, run m\.1: the rows that were meant to stay are others"):
        compact(grown_lake, silver(pump), "m", rewrite=spoiled)
    assert by_identity(grown_lake, silver(pump)) == before
    assert sorted(files_of(grown_lake, silver(pump))) == sorted(files)
    (proof,) = read_proofs(grown_lake.platform, Action.COMPACT)
    assert proof.verdict is Verdict.REFUSED
    assert proof.hash_before != proof.hash_after
    assert set(open_catalog(grown_lake.platform).load_table("silver.pump").metadata.refs) == {"main"}


def test_what_is_appended_between_plan_and_swap_is_not_lost(grown_lake: SparkLake, pump: Contract) -> None:
    """A real silver run publishes while the compaction has written and not yet published; and it does so twice."""
    appended: list[int] = []

    def meanwhile(name: str) -> None:
        if name != "proved" or len(appended) == 2:
            return
        appended.append(100 + len(appended))
        at = grown_lake.boundary
        grown_lake.boundary = lambda _name: None
        put_bronze(grown_lake, "pump", [reading(pump, "p1", 100 + len(appended), seq=appended[-1])])
        assert silver_job.run(grown_lake, "pump", f"live{len(appended)}", gate=passing).run_id
        grown_lake.boundary = at

    grown_lake.boundary = meanwhile
    (outcome,) = compact(grown_lake, silver(pump), "m")
    assert appended == [100, 101]
    assert (outcome.run_id, outcome.tries) == ("m.3", 3)
    seqs = [row["seq"] for row in rows_of(grown_lake, silver(pump))]
    assert len(seqs) == 32
    assert {100, 101} <= set(seqs)
    assert len(files_of(grown_lake, silver(pump))) == 2
    states = {run.run_id: run.state for run in read_publications(grown_lake.platform, "silver.pump", MAINTAINED)}
    assert states == {"m.1": State.ABANDONED, "m.2": State.ABANDONED, "m.3": State.VISIBLE}


def test_it_is_no_new_data_for_gold(grown_lake: SparkLake, pump: Contract) -> None:
    gold_job.run(grown_lake, "pump", "g")
    before = by_identity(grown_lake, gold_hourly(pump))
    compact(grown_lake, silver(pump), "m")
    waiting = pending(grown_lake, silver(pump), gold_hourly(pump), "pump")
    assert waiting is not None
    assert waiting.runs == ()
    assert gold_job.run(grown_lake, "pump", "after").run_id is None
    put_bronze(grown_lake, "pump", [reading(pump, "p1", 5, seq=5)])
    silver_job.run(grown_lake, "pump", "more", gate=passing)
    waiting = pending(grown_lake, silver(pump), gold_hourly(pump), "pump")
    assert waiting is not None
    assert waiting.runs == ("more.1",)
    gold_job.run(grown_lake, "pump", "more")
    assert sum(row["readings"] for row in rows_of(grown_lake, gold_hourly(pump))) == sum(row["readings"] for row in before) + 1


def test_as_of_gives_the_same_before_and_after(spark_lake: SparkLake, pump: Contract) -> None:
    clock = spark_lake.clock
    assert isinstance(clock, FixedClock)
    grow(spark_lake, gold=True)
    texts = ("SELECT * FROM silver.pump ORDER BY event_id", "SELECT * FROM gold.pump_hourly ORDER BY device_id, hour")
    moments = [clock.now() - timedelta(hours=hours, minutes=1) for hours in range(6)]
    before = {(text, at): sql(text, as_of=at, platform=spark_lake.platform, clock=clock).rows for text in texts for at in moments}
    assert len({len(rows) for (text, _), rows in before.items() if text == texts[0]}) == 6, "a moment before each run and one after all"
    clock.advance(hours=1)
    compact(spark_lake, silver(pump), "m")
    # Gold's own jobs write a day as one file, so that nothing of it would need it.
    current = open_catalog(spark_lake.platform).load_table("gold.pump_hourly").current_snapshot()
    assert current is not None
    files = data_files(spark_lake.platform, gold_hourly(pump), current.snapshot_id)
    assert rewrite_parts(spark_lake, gold_hourly(pump), "m", parts_of(files)).run_id == "m.1"
    assert not set(files_of(spark_lake, gold_hourly(pump))) & files.keys()
    clock.advance(hours=1)
    after = {(text, at): sql(text, as_of=at, platform=spark_lake.platform, clock=clock).rows for text, at in before}
    assert after == before
    now = {text: sql(text, as_of=clock.now(), platform=spark_lake.platform, clock=clock).rows for text in texts}
    assert now == {text: before[text, moments[0]] for text in texts}


@pytest.mark.parametrize("table", [LEDGER, PUBLICATIONS])
def test_tables_of_operation_are_compacted_beside_those_who_append(grown_lake: SparkLake, pump: Contract, table: Table) -> None:
    known = {(run.run_id, run.table_name): run for run in read_publications(grown_lake.platform)}
    many = len(files_of(grown_lake, table))
    assert many > 4
    appended: list[str] = []

    def meanwhile(name: str) -> None:
        if name == "publishing" and not appended:
            appended.append(name)
            grown_lake.boundary = lambda _name: None
            put_bronze(grown_lake, "pump", [reading(pump, "p1", 50, seq=50)])
            silver_job.run(grown_lake, "pump", "live", gate=passing)

    grown_lake.boundary = meanwhile
    (outcome,) = compact(grown_lake, table, "m")
    assert (appended, outcome.tries) == (["publishing"], 2)
    assert len(files_of(grown_lake, table)) == 1
    now = {(run.run_id, run.table_name): run for run in read_publications(grown_lake.platform)}
    assert now.pop(("live.1", "silver.pump")).state is State.VISIBLE
    assert now == known
