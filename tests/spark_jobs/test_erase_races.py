"""An erasure that is killed and run again, that other runs race with, and that meets what it must refuse."""

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lake import snapshots
from lake.catalog import open_catalog
from lake.contracts import Contract, Contracts, load_contracts
from lake.maintenance import Action, Verdict, read_proofs
from lake.publications import read_ledger
from lake.quarantine import Quarantined, put_quarantined
from lake.query import sql
from lake.reasons import Reason
from lake.table_storage import stored_files
from lake.tables import LEDGER, MODEL_RUNS, PUBLICATIONS, QUALITY_FAILURES, QUALITY_RUNS, gold_hourly, silver
from runtime.clock import FixedClock
from runtime.errors import ProofFailed, QueryError, RetryLater, UserError
from runtime.settings import REPOSITORY
from spark_jobs import erase, erase_tables
from spark_jobs import gold_hourly as gold_job
from spark_jobs import silver as silver_job
from spark_jobs.quality_runs import CheckResult, Lenience, write_results
from spark_jobs.session import SparkLake
from tests.grown_lake import GrownLake
from tests.spark import put_bronze, reading, rows_of
from tests.spark_jobs.derived import publish_silver
from tests.spark_jobs.gates import Meanwhile, passing
from tests.spark_jobs.whole_lake import files_naming, multiset_of

pytestmark = pytest.mark.spark

GONE, STAYS = "pump-to-erase", "pump-stays"
NEEDLE = [GONE.encode()]


class Killed(BaseException):
    pass


@pytest.fixture(scope="module")
def grown(spark_session: SparkSession, empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> GrownLake:
    contracts = Contracts([load_contracts(REPOSITORY / "contracts")["pump"]])
    return GrownLake(spark_session, empty_home, tmp_path_factory.mktemp("filled"), contracts, fill)


def fill(lake: SparkLake, keep: Callable[[str], None]) -> None:
    """Two devices, in bronze, silver and hourly gold."""
    pump = lake.contracts["pump"]
    put_bronze(lake, "pump", [reading(pump, device, minute, seq=minute) for device in (GONE, STAYS) for minute in range(3)])
    silver_job.run(lake, "pump", "a", gate=passing)
    gold_job.run(lake, "pump", "a")
    keep("filled")


@pytest.fixture
def filled(grown: GrownLake) -> SparkLake:
    return grown.at("filled")


@pytest.fixture
def pump(filled: SparkLake) -> Contract:
    return filled.contracts["pump"]


@pytest.fixture
def clock(filled: SparkLake) -> FixedClock:
    assert isinstance(filled.clock, FixedClock)
    return filled.clock


def erased(lake: SparkLake, run: str = "e") -> list[str]:
    assert isinstance(lake.clock, FixedClock)
    lake.clock.moment = datetime.now(UTC) + timedelta(days=1)
    return erase.run(lake, GONE, run, "asked for by its owner", "a person", queues=False)


def devices(lake: SparkLake, table: Any) -> list[str]:
    return [row["device_id"] for row in rows_of(lake, table)]


def home(lake: SparkLake) -> Path:
    return lake.platform.settings.home


def killing(lake: SparkLake, boundary: str) -> Callable[[str], None]:
    def kill(name: str) -> None:
        if name == boundary:
            lake.boundary = lambda _name: None
            raise Killed

    return kill


BOUNDARIES = ("begun", "noted", "put", "objects", "written", "proved", "fast_forwarded", "erased:silver.pump", "taken_out", "operation")


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_an_erasure_that_is_killed_anywhere_is_ended_by_the_next(filled: SparkLake, pump: Contract, boundary: str) -> None:
    filled.boundary = killing(filled, boundary)
    with pytest.raises(Killed):
        erased(filled)
    # What runs in between neither brings the device back nor takes what is left of an object for something new.
    silver_job.run(filled, "pump", "between", silver_job.Selection(everything=True), gate=passing)
    erased(filled, "again")
    assert files_naming(home(filled), NEEDLE) == {}
    assert devices(filled, silver(pump)) == [STAYS] * 3
    assert devices(filled, gold_hourly(pump)) == [STAYS]
    proofs = read_proofs(filled.platform, Action.ERASE)
    assert len({proof.subject for proof in proofs if proof.subject}) == 1, "the second goes on with the first one's hash"
    assert proofs[-1].verdict is Verdict.DONE
    assert silver_job.run(filled, "pump", "after", silver_job.Selection(everything=True), gate=passing).run_id is None


def test_a_silver_run_that_read_the_device_before_it_was_erased_cannot_publish_it(filled: SparkLake, pump: Contract) -> None:
    new = [reading(pump, device, 10, seq=10) for device in (GONE, STAYS)]
    put_bronze(filled, "pump", new)
    meanwhile = Meanwhile(lambda: erased(filled))
    outcome = silver_job.run(filled, "pump", "slow", gate=meanwhile)
    assert (outcome.run_id, outcome.tries) == ("slow.2", 2)
    assert devices(filled, silver(pump)) == [STAYS] * 4
    erased(filled, "again")
    assert files_naming(home(filled), NEEDLE) == {}


def test_a_gold_run_that_read_silver_before_cannot_publish_the_device(
    filled: SparkLake, pump: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had read silver when the device was erased, and gold had nothing of the device yet."""
    publish_silver(filled, "pump", [reading(pump, GONE, 600, seq=600)], "late.1")
    real, asked = gold_job.touched_hours, list[str]()

    def while_it_reads(*frames: Any) -> Any:
        hours = real(*frames)
        if not asked:
            asked.append("silver was read")
            erased(filled)
        return hours

    monkeypatch.setattr(gold_job, "touched_hours", while_it_reads)
    # It may fail, for its files are gone; Airflow's next try does it.
    with contextlib.suppress(Exception):
        gold_job.run(filled, "pump", "slow")
    assert asked
    assert devices(filled, gold_hourly(pump)) == [STAYS]
    gold_job.run(filled, "pump", "slow")
    assert devices(filled, gold_hourly(pump)) == [STAYS]


def test_as_of_tells_of_every_other_device_and_of_gold_says_that_its_past_is_gone(
    filled: SparkLake, pump: Contract, clock: FixedClock
) -> None:
    early = clock.now()
    clock.advance(hours=1)
    publish_silver(filled, "pump", [reading(pump, STAYS, 60, seq=60)], "b.1")
    gold_job.run(filled, "pump", "b")
    later = clock.now()
    erased(filled)
    text = "SELECT device_id FROM {} ORDER BY 1"

    def at(table: str, moment: datetime) -> list[Any]:
        return [row[0] for row in sql(text.format(table), as_of=moment, platform=filled.platform, clock=filled.clock).rows]

    assert at("silver.pump", early) == [STAYS] * 3
    assert at("silver.pump", later) == [STAYS] * 4
    # The snapshot that the erasure was made from is gone, and what it made stands for it.
    assert at("gold.pump_hourly", later) == [STAYS] * 2
    with pytest.raises(QueryError, match="its snapshot of that time was expired"):
        at("gold.pump_hourly", early)


def test_a_named_snapshot_is_made_again_under_its_name(filled: SparkLake, pump: Contract) -> None:
    named = snapshots.keep(filled.platform, "gold.pump_hourly", "training_1")
    publish_silver(filled, "pump", [reading(pump, STAYS, 60, seq=60)], "b.1")
    gold_job.run(filled, "pump", "b")
    erased(filled)
    (now,) = snapshots.named(filled.platform, "gold.pump_hourly")
    assert (now.name, now.rows) == ("training_1", 1)
    assert now.snapshot_id != named.snapshot_id
    rows = open_catalog(filled.platform).load_table("gold.pump_hourly").scan(snapshot_id=now.snapshot_id).to_arrow().to_pylist()
    assert [row["device_id"] for row in rows] == [STAYS]
    assert files_naming(home(filled), NEEDLE) == {}


def test_an_erasure_that_would_take_another_row_is_refused(filled: SparkLake, pump: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault: a DELETE that takes one row more."""

    def too_much(lake: SparkLake, branch: Any, device: Any) -> None:
        lake.sql(f"DELETE FROM {branch.identifier} WHERE device_id = '{device.id}' OR seq = 2")

    monkeypatch.setattr(erase_tables, "_delete", too_much)
    with pytest.raises(
        ProofFailed, match=r"erase silver\.pump, run e\.1: the rows that were meant to stay are others afterwards: 3 before, 2 after"
    ):
        erased(filled)
    assert sorted(devices(filled, silver(pump))) == [STAYS] * 3 + [GONE] * 3


def test_a_file_that_a_job_may_be_writing_keeps_the_erasure_open(filled: SparkLake, pump: Contract, clock: FixedClock) -> None:
    file = Path(
        next(file.path for file in stored_files(open_catalog(filled.platform).load_table("silver.pump")) if file.path.endswith(".parquet"))
    )
    in_work = file.with_name("in-work.parquet")
    in_work.write_bytes(file.read_bytes())
    clock.moment = datetime.now(UTC)
    with pytest.raises(RetryLater, match="1 files that a job may still be writing may hold the device"):
        erase.run(filled, GONE, "e", "asked for", "a person", queues=False)
    assert in_work.exists()
    erased(filled, "an hour later")
    assert files_naming(home(filled), NEEDLE) == {}


def test_a_dry_run_says_where_the_device_is_and_changes_nothing(filled: SparkLake, pump: Contract) -> None:
    said = erase.run(filled, GONE, "e", "", "a person", dry_run=True)
    assert said == ["bronze.pump", "silver.pump: 1 files", "gold.pump_hourly: 1 files"]
    assert len(devices(filled, silver(pump))) == 6
    assert read_proofs(filled.platform) == []


def test_the_ledger_knows_an_object_under_the_key_it_has_now(filled: SparkLake, pump: Contract) -> None:
    (before,) = read_ledger(filled.platform, "pump")
    erased(filled)
    (now,) = read_ledger(filled.platform, "pump")
    assert now.object != before.object
    assert (before.rows, now.rows, now.run_id) == (6, 3, before.run_id)
    assert [plan.object for plan in read_ledger(filled.platform, "pump", replaced_too=True)] == [before.object, now.object]


@pytest.mark.parametrize(("device", "why"), [("", "asked for"), (GONE, " "), (GONE, f"{GONE} was sold")])
def test_what_cannot_be_is_refused(filled: SparkLake, device: str, why: str) -> None:
    with pytest.raises(UserError, match="erase: "):
        erase.run(filled, device, "e", why, "a person", queues=False)


@pytest.mark.parametrize("word", ["visible", "pump", "12"])
def test_a_word_that_is_somebodys_id_takes_nothing_of_anybody_else(filled: SparkLake, pump: Contract, word: str) -> None:
    """A state, a contract, and a number that stands in keys, run ids and payloads."""
    rows = [
        Quarantined("pump", STAYS, f"dt/fleetlake/{STAYS}/pump", content, None, Reason.NOT_JSON, "no pump is visible at 12")
        for content in (b'{"cycle": 12', b'{"mode": "pump", "is": "visible"', b"12")
    ]
    put_quarantined(filled.platform, rows, filled.clock.now(), filled.contracts)
    check = CheckResult(
        "stuck", "bar", False, 12, 0, 12, ({"device_id": STAYS, "value": 1.5},), f"{STAYS} stood still", ({"device_id": STAYS},)
    )
    write_results(filled.platform, "a.1", "pump", [check], Lenience(), filled.clock.now())
    tables = (LEDGER, PUBLICATIONS, QUALITY_RUNS, QUALITY_FAILURES, MODEL_RUNS)
    before = {table.name: multiset_of(rows_of(filled, table)) for table in tables}
    kept = sql("SELECT quarantine_id FROM quarantine.pump", platform=filled.platform).rows
    erase.run(filled, word, "e", "a typing error", "a person", queues=False)
    assert {table.name: multiset_of(rows_of(filled, table)) for table in tables} == before
    assert sorted(sql("SELECT quarantine_id FROM quarantine.pump", platform=filled.platform).rows) == sorted(kept)
    assert len(rows_of(filled, silver(pump))) == 6


def test_a_device_that_was_never_there_leaves_two_rows_and_no_snapshot(filled: SparkLake, pump: Contract) -> None:
    before = open_catalog(filled.platform).load_table("silver.pump").metadata.snapshots
    filled.clock.moment = datetime.now(UTC) + timedelta(days=1)  # type: ignore[attr-defined] # a FixedClock
    assert erase.run(filled, "pump-never", "e", "asked for", "a person", queues=False) == []
    assert open_catalog(filled.platform).load_table("silver.pump").metadata.snapshots == before
    assert [proof.verdict for proof in read_proofs(filled.platform)] == [Verdict.BEGUN, Verdict.DONE]
