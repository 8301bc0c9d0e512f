"""Publishing to any table: one commit on a branch, main moved by compare-and-swap, runs of other contracts left alone."""

from collections.abc import Sequence
from datetime import date

import pytest
from pyiceberg.exceptions import CommitFailedException

from lake.catalog import open_catalog
from lake.layout import branch_name, run_of_branch
from lake.publications import State, read_publications
from lake.tables import DEVICE_DAILY
from spark_jobs.branch import Branch, MainMoved
from spark_jobs.publication import heal, publish
from spark_jobs.session import SparkLake
from tests.spark import rows_of

pytestmark = pytest.mark.spark


class Killed(BaseException):
    pass


def append(lake: SparkLake, branch: Branch, device: str) -> Sequence[str]:
    row = (branch.contract, device, date(2026, 3, 2), 1)
    frame = lake.spark.createDataFrame([row], "contract string, device_id string, day date, readings bigint")
    frame.createOrReplaceTempView("rows_of_test")
    lake.sql(f"INSERT INTO {branch.identifier} (contract, device_id, day, readings) SELECT * FROM rows_of_test")
    return [f"silver:{device}"]


def publish_device(lake: SparkLake, contract: str, run: str, device: str) -> str | None:
    return publish(lake, DEVICE_DAILY, contract, run, lambda branch: append(lake, branch, device)).run_id


def devices(lake: SparkLake) -> list[str]:
    return sorted(row["device_id"] for row in rows_of(lake, DEVICE_DAILY))


def branches(lake: SparkLake) -> set[str]:
    return set(open_catalog(lake.platform).load_table(DEVICE_DAILY.name).metadata.refs)


def states(lake: SparkLake, contract: str) -> dict[str, State]:
    return {run.run_id: run.state for run in read_publications(lake.platform, DEVICE_DAILY.name, contract)}


@pytest.mark.parametrize("run_id", ["r.1", "pipeline_turbofan__scheduled__2026-11-24T02:00:00+00:00.12", "a__b", "_2e_", "ünï.1"])
def test_a_branch_name_holds_the_whole_run_id(run_id: str) -> None:
    name = branch_name(run_id)
    assert name.replace("_", "").isascii()
    assert name.replace("_", "").isalnum()
    assert run_of_branch(name) == run_id


def test_a_branch_of_another_kind_is_no_runs() -> None:
    assert run_of_branch("main") is None
    assert run_of_branch("run_") is None
    assert run_of_branch("run_audit_by_hand") is None


def test_the_inputs_and_the_base_are_noted_with_the_publication(spark_lake: SparkLake) -> None:
    publish_device(spark_lake, "pump", "first", "p1")
    base = open_catalog(spark_lake.platform).load_table(DEVICE_DAILY.name).current_snapshot()
    publish_device(spark_lake, "pump", "second", "p2")
    after = open_catalog(spark_lake.platform).load_table(DEVICE_DAILY.name).current_snapshot()
    assert base is not None
    assert after is not None
    second = next(run for run in read_publications(spark_lake.platform) if run.run_id == "second.1")
    assert (second.inputs, second.base_snapshot, second.snapshot_id) == (("silver:p2",), base.snapshot_id, after.snapshot_id)


def test_nothing_to_do_leaves_no_trace(spark_lake: SparkLake) -> None:
    def attempt(branch: Branch) -> None:
        assert branch.identifier

    outcome = publish(spark_lake, DEVICE_DAILY, "pump", "r", attempt)
    assert outcome.run_id is None
    assert branches(spark_lake) == {"main"}
    assert states(spark_lake, "pump") == {}


def test_the_same_run_id_on_two_contracts_of_a_shared_table_are_two_runs(spark_lake: SparkLake) -> None:
    assert publish_device(spark_lake, "pump", "r", "p1") == "r.1"
    assert publish_device(spark_lake, "turbofan", "r", "t1") == "r.1"
    assert devices(spark_lake) == ["p1", "t1"]
    assert states(spark_lake, "pump") == states(spark_lake, "turbofan") == {"r.1": State.VISIBLE}


def test_heal_leaves_the_runs_of_other_contracts_alone(spark_lake: SparkLake) -> None:
    def attempt(branch: Branch) -> Sequence[str]:
        append(spark_lake, branch, "p1")
        heal(spark_lake, DEVICE_DAILY, "turbofan")
        assert branch.exists
        heal(spark_lake, DEVICE_DAILY, "pump")
        assert not branch.exists
        raise Killed

    with pytest.raises(Killed):
        publish(spark_lake, DEVICE_DAILY, "pump", "r", attempt)
    assert states(spark_lake, "pump") == {"r.1": State.ABANDONED}
    assert states(spark_lake, "turbofan") == {}


def test_another_contract_that_publishes_first_makes_the_attempt_begin_again(spark_lake: SparkLake) -> None:
    tries: list[int] = []

    def attempt(branch: Branch) -> Sequence[str]:
        tries.append(branch.base_snapshot)
        inputs = append(spark_lake, branch, "p1")
        if len(tries) == 1:
            publish_device(spark_lake, "turbofan", "other", "t1")
        return inputs

    outcome = publish(spark_lake, DEVICE_DAILY, "pump", "r", attempt)
    assert (outcome.run_id, outcome.tries) == ("r.2", 2)
    assert tries[0] != tries[1]
    assert devices(spark_lake) == ["p1", "t1"]
    assert states(spark_lake, "pump") == {"r.1": State.ABANDONED, "r.2": State.VISIBLE}


def test_an_attempt_that_lost_the_first_of_two_commits_is_not_published(spark_lake: SparkLake) -> None:
    """Healed between its two writes, the second lands on a branch made again from the base: half of the run."""
    tries: list[str] = []

    def attempt(branch: Branch) -> Sequence[str]:
        tries.append(branch.run_id)
        append(spark_lake, branch, "p1")
        return append(spark_lake, branch, "p2") if len(tries) == 1 else ["one commit"]

    publish(spark_lake, DEVICE_DAILY, "pump", "r", attempt)
    assert tries == ["r.1", "r.2"], "two commits are refused: a run that lost one of them would look the same"
    assert devices(spark_lake) == ["p1"]


def test_a_healed_branch_that_its_run_writes_again_is_settled_by_the_next_heal(spark_lake: SparkLake) -> None:
    """Abandoned by a healer before it published, made again by Spark's commit, published, and then killed before the note."""

    def kill(name: str) -> None:
        if name == "fast_forwarded":
            raise Killed

    def attempt(branch: Branch) -> Sequence[str]:
        branch.make()
        heal(spark_lake, DEVICE_DAILY, "pump")
        assert states(spark_lake, "pump") == {"r.1": State.ABANDONED}
        # As Spark's commit to a branch that is gone: it is there again, from main.
        again = Branch(branch.platform, branch.table, branch.contract, branch.run_id, branch.base_snapshot)
        return append(spark_lake, again, "p1")

    spark_lake.boundary = kill
    with pytest.raises(Killed):
        publish(spark_lake, DEVICE_DAILY, "pump", "r", attempt)
    assert devices(spark_lake) == ["p1"]
    assert states(spark_lake, "pump") == {"r.1": State.PUBLISHING}
    spark_lake.boundary = lambda _name: None
    heal(spark_lake, DEVICE_DAILY, "pump")
    assert states(spark_lake, "pump") == {"r.1": State.VISIBLE}


def test_iceberg_makes_a_branch_again_that_is_dropped_before_its_append_commits(spark_lake: SparkLake) -> None:
    """The trap that the check of the parent is for. When Iceberg mends it, this test says so."""
    publish_device(spark_lake, "pump", "first", "p1")
    branch = Branch(spark_lake.platform, DEVICE_DAILY, "pump", "r.1", _main(spark_lake))
    branch.make()
    jvm = spark_lake.spark._jvm  # type: ignore[attr-defined]
    loaded = jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(spark_lake.spark._jsparkSession, "lake.gold.device_daily")  # type: ignore[attr-defined]
    append_of_a_running_job = loaded.newFastAppend().toBranch(branch.name)
    branch.drop()
    publish_device(spark_lake, "pump", "other", "p2")
    append_of_a_running_job.commit()
    assert branch.exists
    with pytest.raises(MainMoved, match="does not come from the planned base"):
        branch.snapshot()


def _main(lake: SparkLake) -> int:
    snapshot = open_catalog(lake.platform).load_table(DEVICE_DAILY.name).current_snapshot()
    assert snapshot is not None
    return int(snapshot.snapshot_id)


@pytest.mark.parametrize(
    "error",
    [CommitFailedException("branch was created concurrently"), RuntimeError("org.apache.iceberg.exceptions.CommitFailedException: lost")],
    ids=["PyIceberg's", "Spark's"],
)
def test_an_attempt_whose_commits_others_overtake_each_time_begins_again(spark_lake: SparkLake, error: Exception) -> None:
    overtaken = iter([error])

    def attempt(branch: Branch) -> Sequence[str]:
        branch.make()
        for lost in overtaken:
            raise lost
        return append(spark_lake, branch, "p1")

    outcome = publish(spark_lake, DEVICE_DAILY, "pump", "r", attempt)
    assert (outcome.run_id, outcome.tries) == ("r.2", 2)
    assert states(spark_lake, "pump") == {"r.1": State.ABANDONED, "r.2": State.VISIBLE}
    assert branches(spark_lake) == {"main"}
