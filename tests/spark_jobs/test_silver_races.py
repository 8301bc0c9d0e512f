"""A silver run that is killed at any boundary, or meets another run at the worst moment: nothing lost, nothing twice, nothing half."""

import os
import signal
import threading
import traceback
from typing import Any

import pytest

from lake.catalog import open_catalog
from lake.contracts import Contract
from lake.publications import State, read_publications
from lake.tables import silver
from runtime.clock import SystemClock
from runtime.errors import PublishLost
from spark_jobs import publication
from spark_jobs import silver as silver_job
from spark_jobs.branch import drop_branches
from spark_jobs.session import SparkLake
from tests.spark import put_bronze, reading, rows_of
from tests.spark_jobs.gates import Meanwhile, passing

pytestmark = pytest.mark.spark


@pytest.fixture
def pump(spark_lake: SparkLake) -> Contract:
    return spark_lake.contracts["pump"]


def run(lake: SparkLake, name: str, gate: Any = passing) -> publication.Outcome:
    return silver_job.run(lake, "pump", name, gate=gate)


def killed_at(lake: SparkLake, boundary: str, name: str) -> None:
    """The run in a process of its own, on the same JVM, until SIGKILL ends it at the boundary."""

    def kill(reached: str) -> None:
        if reached == boundary:
            os.kill(os.getpid(), signal.SIGKILL)

    # A fork has the session's sockets; this process leaves them alone meanwhile, and at a boundary no answer is awaited.
    child = os.fork()
    if child == 0:
        try:
            lake.boundary = kill
            run(lake, name)
        except BaseException:  # noqa: BLE001 - shown; and the child must never come back to pytest
            traceback.print_exc()
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"the run ended by itself before {boundary}"
    assert os.WTERMSIG(status) == signal.SIGKILL


def visible_seqs(lake: SparkLake) -> list[int]:
    return sorted(row["seq"] for row in rows_of(lake, silver(lake.contracts["pump"])))


def states(lake: SparkLake) -> dict[str, State]:
    return {run.run_id: run.state for run in read_publications(lake.platform, "silver.pump")}


def branches(lake: SparkLake) -> set[str]:
    return set(open_catalog(lake.platform).load_table("silver.pump").metadata.refs)


def test_every_boundary_of_a_silver_run_is_enumerated(spark_lake: SparkLake, pump: Contract) -> None:
    reached: list[str] = []
    spark_lake.boundary = reached.append
    put_bronze(spark_lake, "pump", [reading(pump)])
    run(spark_lake, "r")
    assert tuple(reached) == silver_job.BOUNDARIES
    assert reached == ["healed", "planned", "merged", "audited", "publishing", "fast_forwarded", "visible"]


@pytest.mark.parametrize("boundary", silver_job.BOUNDARIES)
def test_a_run_killed_at_a_boundary_and_run_again_shows_each_reading_once(spark_lake: SparkLake, pump: Contract, boundary: str) -> None:
    put_bronze(spark_lake, "pump", [reading(pump, seq=0)])
    run(spark_lake, "first")
    put_bronze(spark_lake, "pump", [reading(pump, seq=seq) for seq in (0, 1, 2)])
    killed_at(spark_lake, boundary, "second")
    # Readers see the whole run or nothing of it, and it is never known as visible before they can see it.
    moved = boundary in ("fast_forwarded", "visible")
    assert visible_seqs(spark_lake) == ([0, 1, 2] if moved else [0])
    assert (states(spark_lake).get("second.1") is State.VISIBLE) is (boundary == "visible")

    run(spark_lake, "second")
    assert visible_seqs(spark_lake) == [0, 1, 2]
    by_run = {row["seq"]: row["run_id"] for row in rows_of(spark_lake, silver(pump))}
    known = states(spark_lake)
    assert all(known[run_id] is State.VISIBLE for run_id in by_run.values())
    assert by_run[1] == ("second.1" if moved or boundary == "healed" else "second.2")
    assert State.PUBLISHING not in known.values()
    assert branches(spark_lake) == {"main"}


def test_after_a_kill_another_run_may_come_first(spark_lake: SparkLake, pump: Contract) -> None:
    put_bronze(spark_lake, "pump", [reading(pump, seq=1)])
    killed_at(spark_lake, "fast_forwarded", "killed")
    put_bronze(spark_lake, "pump", [reading(pump, seq=2)])
    run(spark_lake, "other")
    assert states(spark_lake) == {"killed.1": State.VISIBLE, "other.1": State.VISIBLE}
    assert run(spark_lake, "killed").run_id is None
    assert visible_seqs(spark_lake) == [1, 2]


def test_a_run_that_another_overtakes_begins_again_and_repeats_nothing(spark_lake: SparkLake, pump: Contract) -> None:
    put_bronze(spark_lake, "pump", [reading(pump, seq=1), reading(pump, seq=2)])
    overtaking = Meanwhile(lambda: run(spark_lake, "fast"))
    put_bronze(spark_lake, "pump", [reading(pump, seq=3)])
    outcome = run(spark_lake, "slow", overtaking)
    assert overtaking.asked == ["slow.1"]
    assert outcome.run_id is None, "the faster run had taken every object"
    assert states(spark_lake) == {"fast.1": State.VISIBLE, "slow.1": State.ABANDONED}
    assert visible_seqs(spark_lake) == [1, 2, 3]


def test_a_run_whose_branch_was_dropped_before_it_published_begins_again(spark_lake: SparkLake, pump: Contract) -> None:
    put_bronze(spark_lake, "pump", [reading(pump, seq=1)])
    healing = Meanwhile(lambda: publication.heal(spark_lake, silver(pump), "pump"))
    outcome = run(spark_lake, "slow", healing)
    assert outcome.run_id == "slow.2"
    assert states(spark_lake) == {"slow.1": State.ABANDONED, "slow.2": State.VISIBLE}
    assert visible_seqs(spark_lake) == [1]


def test_a_run_whose_branch_is_dropped_after_it_noted_publishing_cannot_publish(spark_lake: SparkLake, pump: Contract) -> None:
    def heal_once(name: str) -> None:
        if name == "publishing":
            spark_lake.boundary = lambda _name: None
            publication.heal(spark_lake, silver(pump), "pump")

    put_bronze(spark_lake, "pump", [reading(pump, seq=1)])
    spark_lake.boundary = heal_once
    assert run(spark_lake, "slow").run_id == "slow.2"
    assert states(spark_lake) == {"slow.1": State.ABANDONED, "slow.2": State.VISIBLE}
    assert visible_seqs(spark_lake) == [1]


def test_a_branch_that_a_merge_made_again_from_another_main_is_not_published(spark_lake: SparkLake, pump: Contract) -> None:
    """Spark appends to a dropped branch by making it again from main: here after another run had moved main."""
    put_bronze(spark_lake, "pump", [reading(pump, seq=1)])
    resurrected: list[int] = []

    def drop_and_publish(name: str) -> None:
        if name != "planned":
            return
        spark_lake.boundary = lambda _name: None
        table = open_catalog(spark_lake.platform).load_table("silver.pump")
        (name,) = [ref for ref in table.metadata.refs if ref != "main"]
        drop_branches(spark_lake.platform, silver(pump), [name])
        run(spark_lake, "other")
        table = open_catalog(spark_lake.platform).load_table("silver.pump")
        # What Spark's commit does: the branch again, from main as it is now.
        snapshot = table.current_snapshot()
        assert snapshot is not None
        table.manage_snapshots().create_branch(snapshot.snapshot_id, name).commit()
        resurrected.append(snapshot.snapshot_id)

    spark_lake.boundary = drop_and_publish
    run(spark_lake, "slow")
    assert resurrected
    assert visible_seqs(spark_lake) == [1]
    assert states(spark_lake)["slow.1"] is State.ABANDONED


def test_a_healer_notes_a_run_that_had_published_as_visible(spark_lake: SparkLake, pump: Contract) -> None:
    put_bronze(spark_lake, "pump", [reading(pump, seq=1)])

    def heal_before_the_note(name: str) -> None:
        if name == "fast_forwarded":
            publication.heal(spark_lake, silver(pump), "pump")

    spark_lake.boundary = heal_before_the_note
    run(spark_lake, "r")
    assert states(spark_lake) == {"r.1": State.VISIBLE}
    assert visible_seqs(spark_lake) == [1]


def test_the_same_airflow_run_twice_at_once_never_shares_an_id(spark_lake: SparkLake, pump: Contract) -> None:
    put_bronze(spark_lake, "pump", [reading(pump, seq=1)])
    twin = Meanwhile(lambda: run(spark_lake, "r"))
    run(spark_lake, "r", twin)
    assert states(spark_lake) == {"r.1": State.ABANDONED, "r.2": State.VISIBLE}
    assert visible_seqs(spark_lake) == [1]


def test_a_run_that_loses_five_times_says_so_and_loses_nothing(spark_lake: SparkLake, pump: Contract) -> None:
    def move_main(*_: Any) -> Any:
        table = open_catalog(spark_lake.platform).load_table("silver.pump")
        table.append(table.schema().as_arrow().empty_table())
        return passing()

    put_bronze(spark_lake, "pump", [reading(pump, seq=1)])
    with pytest.raises(PublishLost, match="run slow: other runs published first 5 times"):
        run(spark_lake, "slow", move_main)
    assert visible_seqs(spark_lake) == []
    assert branches(spark_lake) == {"main"}
    run(spark_lake, "slow")
    assert visible_seqs(spark_lake) == [1]


def test_runs_at_once_without_a_pool_show_each_reading_once(spark_lake: SparkLake, pump: Contract) -> None:
    spark_lake.clock = SystemClock()
    for batch in range(6):
        put_bronze(spark_lake, "pump", [reading(pump, f"p{device}", seq=batch) for device in range(5)])
    failures: list[BaseException] = []

    def in_thread(name: str) -> None:
        lake = SparkLake(spark_lake.spark.newSession(), spark_lake.platform, spark_lake.contracts)
        for key, value in spark_lake.spark.conf.getAll.items():
            if key.startswith("spark.sql.catalog.lake"):
                lake.spark.conf.set(key, value)
        try:
            run(lake, name)
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            failures.append(error)

    threads = [threading.Thread(target=in_thread, args=(f"t{number}",)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failures == []
    assert visible_seqs(spark_lake) == sorted(list(range(6)) * 5)
    assert State.PUBLISHING not in states(spark_lake).values()
    assert branches(spark_lake) == {"main"}
