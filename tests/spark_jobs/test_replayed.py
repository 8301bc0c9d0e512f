"""A refused reading's whole way: quarantined, the contract widened, replayed, visible once, and the law holds all along."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from ingestion.contract_folder import ContractFolder
from ingestion.intake import Intake
from ingestion.replay import Replay
from lake.contracts import load_contracts
from lake.identity import event_id
from lake.law import Place, Verdict, verify
from lake.law_queues import Queues
from lake.quarantine_rows import Selection
from lake.tables import silver
from runtime.clock import FixedClock
from runtime.sqs import Message
from spark_jobs import silver as silver_job
from spark_jobs.session import SparkLake, prepare_tables, session_of
from tests.ingestion.builders import BOILER, NOON_MS, body, contracts_in, pack, reading
from tests.lake.hand_truth import HandTruth
from tests.spark import NOON, folder_platform, rows_of
from tests.spark_jobs.gates import passing

pytestmark = pytest.mark.spark
WIDENED = BOILER.replace("version: 1", "version: 2").replace("max: 120", "max: 600")


def judged(lake: SparkLake, truth: HandTruth) -> dict[Place, int]:
    verdict: Verdict = verify(lake.platform, [truth.file], queues=lambda: Queues(0))
    verdict.check()
    assert verdict.surprised == 0
    return {place: verdict.place(place) for place in Place if verdict.place(place)}


def sent(truth: HandTruth, *readings: dict[str, Any]) -> None:
    """One message; of those out of range nothing but the identity and the bytes are known."""
    for index, made in enumerate(readings):
        values = {name: made[name] for name in made if name not in ("ts", "seq")}
        is_good = made["water"] <= 120
        truth.sent_bytes(
            json.dumps(made).encode(),
            index=index,
            fate="silver" if is_good else "quarantine:out_of_range",
            boot="b7",
            seq=made["seq"],
            ts_ms=made["ts"],
            values=values if is_good else None,
            event_id=event_id("b-1", "boiler", made["ts"], "b7", made["seq"]),
        )


def test_a_reading_that_was_out_of_range_is_visible_once_after_its_replay(spark_session: SparkSession, tmp_path: Path) -> None:
    folder = tmp_path / "contracts"
    contracts = contracts_in(folder)
    platform = folder_platform(tmp_path / "home", contracts_folder=folder)
    prepare_tables(platform, contracts["boiler"])
    lake = SparkLake(session_of(spark_session, platform), platform, contracts, FixedClock(NOON))
    truth = HandTruth(tmp_path / "truth" / "t1.jsonl")
    readings = [reading(0), reading(1, water=500), reading(2, water=900)]
    sent(truth, *readings)
    assert Intake(platform, ContractFolder(folder), lake.clock).take([Message("m-1", body(pack(*readings)))]) == []
    silver_job.run(lake, "boiler", "a", gate=passing)
    assert judged(lake, truth) == {Place.VISIBLE: 1, Place.QUARANTINED: 2}

    newer = dataclasses.replace(lake, contracts=contracts_in(folder, WIDENED))
    clock = FixedClock(NOON)
    clock.advance(days=3)
    told = Replay(platform, load_contracts(folder), clock).run(Selection())
    assert (told.readings, told.stayed) == (1, {"out_of_range": 1})
    assert judged(newer, truth) == {Place.VISIBLE: 1, Place.QUARANTINED: 1, Place.WAITING: 1}

    silver_job.run(newer, "boiler", "b", gate=passing)
    assert judged(newer, truth) == {Place.VISIBLE: 2, Place.QUARANTINED: 1}
    shown = rows_of(newer, silver(newer.contracts["boiler"]))
    assert sorted((row["seq"], row["water"], row["event_id"]) for row in shown) == [
        (0, 61.5, event_id("b-1", "boiler", NOON_MS, "b7", 0)),
        (1, 500.0, event_id("b-1", "boiler", NOON_MS + 60_000, "b7", 1)),
    ]

    again = Replay(platform, load_contracts(folder), clock).run(Selection())
    assert (again.replayed, again.before) == (0, 1)
    assert silver_job.run(newer, "boiler", "c", gate=passing).run_id is None
    assert judged(newer, truth) == {Place.VISIBLE: 2, Place.QUARANTINED: 1}
