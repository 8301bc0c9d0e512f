"""The law and queries over what the silver job itself wrote: conflicts, a held run, its refusal."""

from pathlib import Path
from typing import Any

import pytest

from lake.law import Place, Verdict, verify
from lake.law_queues import Queues
from lake.query import sql
from runtime.clock import FixedClock
from runtime.errors import GateFailed
from spark_jobs import settle
from spark_jobs import silver as silver_job
from spark_jobs.session import SparkLake
from tests.lake.hand_truth import HandTruth
from tests.spark import NOON, compiled, put_bronze, reading
from tests.spark_jobs.gates import failing, passing

pytestmark = pytest.mark.spark


@pytest.fixture
def truth(tmp_path: Path) -> HandTruth:
    return HandTruth(tmp_path / "truth" / "t1.jsonl")


def arrive(lake: SparkLake, truth: HandTruth, *rows: dict[str, Any], fate: str = "silver") -> None:
    truth.sent(*rows, fate=fate, contract=lake.contracts["pump"])
    put_bronze(lake, "pump", list(rows))


def judged(lake: SparkLake, truth: HandTruth) -> Verdict:
    return verify(lake.platform, [truth.file], queues=lambda: Queues(0))


def places(verdict: Verdict) -> dict[Place, int]:
    return {place: verdict.place(place) for place in Place if verdict.place(place)}


def test_the_law_holds_through_waiting_visible_conflict_held_and_refused(spark_lake: SparkLake, truth: HandTruth) -> None:
    compiled(spark_lake)
    pump = spark_lake.contracts["pump"]
    rows = [reading(pump, "p1", minute, seq=minute, pressure_bar=1 + minute / 7, flow_m3_h=None) for minute in range(5)]
    arrive(spark_lake, truth, *rows)
    assert places(judged(spark_lake, truth)) == {Place.WAITING: 5}

    silver_job.run(spark_lake, "pump", "a", gate=passing)
    arrive(spark_lake, truth, rows[0] | {"pressure_bar": 2.125}, fate="conflict")
    silver_job.run(spark_lake, "pump", "b", gate=passing)
    assert places(judged(spark_lake, truth)) == {Place.VISIBLE: 5, Place.QUARANTINED: 1}

    arrive(spark_lake, truth, reading(pump, "p2", 1, seq=0, mode="off"))
    with pytest.raises(GateFailed):
        silver_job.run(spark_lake, "pump", "c", gate=failing)
    assert places(judged(spark_lake, truth)) == {Place.VISIBLE: 5, Place.HELD: 1, Place.QUARANTINED: 1}

    settle.refuse(spark_lake, "pump", "d", "c.1", "broken pump", "a person")
    verdict = judged(spark_lake, truth)
    verdict.check()
    assert (places(verdict), verdict.surprised) == ({Place.VISIBLE: 5, Place.QUARANTINED: 2}, 0)


def test_a_query_reads_what_spark_wrote_now_and_as_of_an_earlier_time(spark_lake: SparkLake) -> None:
    pump, clock = spark_lake.contracts["pump"], spark_lake.clock
    assert isinstance(clock, FixedClock)
    put_bronze(spark_lake, "pump", [reading(pump, "p1", 0, seq=0)])
    silver_job.run(spark_lake, "pump", "a", gate=passing)
    clock.advance(hours=1)
    put_bronze(spark_lake, "pump", [reading(pump, "p1", 1, seq=1)])
    silver_job.run(spark_lake, "pump", "b", gate=passing)
    text = "SELECT seq, event_time FROM silver.pump ORDER BY seq"
    assert [row[0] for row in sql(text, platform=spark_lake.platform).rows] == [0, 1]
    assert sql(text, as_of=NOON, platform=spark_lake.platform).rows == [(0, NOON)]
