"""Held runs: readers keep the old data, later runs go round them, a person accepts or refuses."""

from typing import Any

import pytest

from lake.contracts import Contract
from lake.publications import State, note, read_publications
from lake.tables import PUBLICATIONS, silver
from runtime.errors import GateFailed, UserError
from spark_jobs import silver as silver_job
from spark_jobs.quality_runs import CheckResult, Lenience, write_results
from spark_jobs.session import SparkLake
from spark_jobs.settle import accept, refuse
from tests.spark import put_bronze, quarantined, reading, rows_of
from tests.spark_jobs.gates import Verdict, failing, passing

pytestmark = pytest.mark.spark
STUCK = CheckResult("stuck", "pressure_bar", False, 31.0, 0.0, 31, (), "pressure_bar is stuck")


@pytest.fixture
def pump(spark_lake: SparkLake) -> Contract:
    return spark_lake.contracts["pump"]


def stuck_unless_waived(lake: SparkLake, contract: Contract, branch: str, run_id: str, waived: frozenset[str]) -> Any:
    write_results(lake.platform, run_id, contract.name, [STUCK], Lenience(waived), lake.clock.now())
    return Verdict("stuck:pressure_bar" in waived, "pressure_bar is stuck", (STUCK,))


def hold(lake: SparkLake, *rows: dict[str, Any], name: str = "bad") -> None:
    put_bronze(lake, "pump", rows)
    with pytest.raises(GateFailed, match="pressure_bar is stuck"):
        silver_job.run(lake, "pump", name, gate=stuck_unless_waived)


def visible_seqs(lake: SparkLake) -> list[int]:
    return sorted(row["seq"] for row in rows_of(lake, silver(lake.contracts["pump"])))


def states(lake: SparkLake) -> dict[str, State]:
    return {run.run_id: run.state for run in read_publications(lake.platform, "silver.pump")}


def test_readers_keep_the_old_data_and_later_runs_go_round_a_held_run(spark_lake: SparkLake, pump: Contract) -> None:
    put_bronze(spark_lake, "pump", [reading(pump, seq=1)])
    silver_job.run(spark_lake, "pump", "good", gate=passing)
    hold(spark_lake, reading(pump, seq=2))
    assert visible_seqs(spark_lake) == [1]
    put_bronze(spark_lake, "pump", [reading(pump, seq=3)])
    silver_job.run(spark_lake, "pump", "later", gate=passing)
    assert visible_seqs(spark_lake) == [1, 3]
    assert states(spark_lake) == {"good.1": State.VISIBLE, "bad.1": State.HELD, "later.1": State.VISIBLE}


def test_a_retry_of_a_held_run_fails_with_the_same_sentence(spark_lake: SparkLake, pump: Contract) -> None:
    put_bronze(spark_lake, "pump", [reading(pump, seq=1)])
    with pytest.raises(GateFailed) as first:
        silver_job.run(spark_lake, "pump", "bad", gate=failing)
    put_bronze(spark_lake, "pump", [reading(pump, seq=2)])
    with pytest.raises(GateFailed) as again:
        silver_job.run(spark_lake, "pump", "bad", gate=passing)
    assert str(again.value) == str(first.value)
    assert "engine-1 is stuck" in str(first.value)
    assert states(spark_lake) == {"bad.1": State.HELD}


def test_accept_publishes_the_held_objects_on_todays_main(spark_lake: SparkLake, pump: Contract) -> None:
    hold(spark_lake, reading(pump, seq=1), reading(pump, seq=2))
    put_bronze(spark_lake, "pump", [reading(pump, seq=2), reading(pump, seq=3)])
    silver_job.run(spark_lake, "pump", "newer", gate=passing)
    outcome = accept(spark_lake, "pump", "by-hand", "bad.1", "sensor was replaced", "ann", stuck_unless_waived)
    assert visible_seqs(spark_lake) == [1, 2, 3]
    assert states(spark_lake) == {"bad.1": State.ACCEPTED, "newer.1": State.VISIBLE, "by-hand.1": State.VISIBLE}
    accepting = next(run for run in read_publications(spark_lake.platform, "silver.pump") if run.run_id == outcome.run_id)
    assert (accepting.related_run, accepting.why, accepting.who) == ("bad.1", "sensor was replaced", "ann")


def test_a_retry_of_a_run_that_was_accepted_or_refused_succeeds(spark_lake: SparkLake, pump: Contract) -> None:
    hold(spark_lake, reading(pump, seq=1), name="accepted")
    accept(spark_lake, "pump", "by-hand", "accepted.1", "fine", "ann", stuck_unless_waived)
    hold(spark_lake, reading(pump, seq=2), name="refused")
    refuse(spark_lake, "pump", "by-hand", "refused.1", "broken", "ann")
    assert silver_job.run(spark_lake, "pump", "accepted", gate=failing).run_id is None
    assert silver_job.run(spark_lake, "pump", "refused", gate=failing).run_id is None
    assert visible_seqs(spark_lake) == [1]


def test_accept_waives_only_the_checks_that_failed(spark_lake: SparkLake, pump: Contract) -> None:
    hold(spark_lake, reading(pump, seq=1))
    with pytest.raises(GateFailed, match="engine-1 is stuck"):
        accept(spark_lake, "pump", "by-hand", "bad.1", "looks fine", "ann", failing)
    assert visible_seqs(spark_lake) == []


def test_refuse_quarantines_each_reading_and_nothing_of_it_is_planned_again(spark_lake: SparkLake, pump: Contract) -> None:
    hold(spark_lake, reading(pump, seq=1), reading(pump, seq=2))
    assert refuse(spark_lake, "pump", "by-hand", "bad.1", "sensor fell off", "ann") == 2
    assert [(row["reason"], row["origin"]) for row in quarantined(spark_lake, "pump")] == [("gate_refused", "gate")] * 2
    assert sorted(row["event_id"] for row in quarantined(spark_lake, "pump")) == sorted(
        reading(pump, seq=seq)["event_id"] for seq in (1, 2)
    )
    assert silver_job.run(spark_lake, "pump", "later", gate=passing).run_id is None
    assert visible_seqs(spark_lake) == []
    refused = next(row for row in rows_of(spark_lake, PUBLICATIONS) if row["state"] == "refused")
    assert (refused["run_id"], refused["why"], refused["who"]) == ("bad.1", "sensor fell off", "ann")


def test_what_a_refused_run_shares_with_a_visible_one_stays_visible_and_is_not_quarantined(spark_lake: SparkLake, pump: Contract) -> None:
    hold(spark_lake, reading(pump, seq=1), reading(pump, seq=2))
    put_bronze(spark_lake, "pump", [reading(pump, seq=1)], name="c" * 64)
    silver_job.run(spark_lake, "pump", "later", gate=passing)
    refuse(spark_lake, "pump", "by-hand", "bad.1", "sensor fell off", "ann")
    assert visible_seqs(spark_lake) == [1]
    assert [row["event_id"] for row in quarantined(spark_lake, "pump")] == [reading(pump, seq=2)["event_id"]]


def test_an_accept_killed_after_main_moved_counts_when_the_airflow_run_is_retried(spark_lake: SparkLake, pump: Contract) -> None:
    class Killed(BaseException):
        pass

    def kill(name: str) -> None:
        if name == "fast_forwarded":
            raise Killed

    hold(spark_lake, reading(pump, seq=1))
    spark_lake.boundary = kill
    with pytest.raises(Killed):
        accept(spark_lake, "pump", "by-hand", "bad.1", "fine", "ann", stuck_unless_waived)
    spark_lake.boundary = lambda _name: None
    assert silver_job.run(spark_lake, "pump", "bad", gate=failing).run_id is None
    assert states(spark_lake) == {"bad.1": State.ACCEPTED, "by-hand.1": State.VISIBLE}


def test_a_person_cannot_accept_what_another_refused_meanwhile(spark_lake: SparkLake, pump: Contract) -> None:
    hold(spark_lake, reading(pump, seq=1))

    def refuse_meanwhile(name: str) -> None:
        if name == "audited":
            spark_lake.boundary = lambda _name: None
            refuse(spark_lake, "pump", "other", "bad.1", "no", "bob")

    spark_lake.boundary = refuse_meanwhile
    with pytest.raises(UserError, match=r"settle run bad\.1: .*refused"):
        accept(spark_lake, "pump", "by-hand", "bad.1", "yes", "ann", stuck_unless_waived)
    assert states(spark_lake)["bad.1"] is State.REFUSED
    assert visible_seqs(spark_lake) == []


def test_a_refusal_noted_while_an_accept_is_judged_wins(spark_lake: SparkLake, pump: Contract) -> None:
    hold(spark_lake, reading(pump, seq=1))

    def note_refusal(name: str) -> None:
        if name == "audited":
            note(spark_lake.platform, spark_lake.clock, "bad.1", silver(pump), "pump", State.REFUSED, why="no", who="bob")

    spark_lake.boundary = note_refusal
    with pytest.raises(UserError, match=r"settle run bad\.1: it is not held but refused"):
        accept(spark_lake, "pump", "by-hand", "bad.1", "yes", "ann", stuck_unless_waived)
    assert visible_seqs(spark_lake) == []


def test_what_cannot_be_settled_is_said_in_a_sentence(spark_lake: SparkLake, pump: Contract) -> None:
    put_bronze(spark_lake, "pump", [reading(pump, seq=1)])
    silver_job.run(spark_lake, "pump", "good", gate=passing)
    with pytest.raises(UserError, match=r"settle run nobody\.1: silver\.pump has no such run; held: none is held"):
        refuse(spark_lake, "pump", "x", "nobody.1", "why", "ann")
    with pytest.raises(UserError, match=r"settle run good\.1: it is not held but visible"):
        accept(spark_lake, "pump", "x", "good.1", "why", "ann", passing)
    hold(spark_lake, reading(pump, seq=2))
    with pytest.raises(UserError, match="a reason is needed; give --why"):
        refuse(spark_lake, "pump", "x", "bad.1", " ", "ann")
