"""Gold and features say the same whichever way readings came: in any order, in any runs, repeated, and a rebuild among them."""

import random
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lake.contracts import Contract, Contracts, load_contract
from lake.fingerprint import Fingerprint, fingerprints
from lake.quarantine import Quarantined, put_quarantined
from lake.reasons import Reason
from spark_jobs import features, gold_device_daily, gold_hourly
from spark_jobs.session import SparkLake
from tests.spark import NOON, at, empty_lake
from tests.spark_jobs.derived import publish_silver, rebuild_silver, series

pytestmark = pytest.mark.spark
JOBS = (gold_hourly, gold_device_daily, features)
BOILER = """
contract: boiler
version: 1
kind: measurement
description: Boilers that are renewed.
cadence_seconds: 1200
fields:
  cycle: {type: int64, unit: "1", lifetime_counter: true}
  water: {type: float64, unit: degC}
  starts: {type: int64, unit: "1"}
  burning: {type: bool}
  mode: {type: string, enum: [eco, full]}
"""


@pytest.fixture
def boiler(tmp_path: Path) -> Contract:
    (tmp_path / "boiler.yaml").write_text(BOILER)
    return load_contract(tmp_path / "boiler.yaml")


def history(contract: Contract, rng: random.Random) -> list[dict[str, Any]]:
    """Three devices over three days: gaps of all lengths, lives of 5 to 60 readings, missing values, two readings at one time."""
    rows: list[dict[str, Any]] = []
    for device in ("b1", "b2", "b3"):
        minute, cycle, life = 0.0, 0, rng.randint(5, 60)
        for _ in range(rng.randint(60, 110)):
            minute += rng.choice([0, 20, 20, 20, 20, 20, 25, 45, 150, 600])
            cycle = 1 if cycle >= life else cycle + 1
            # Sums of such values differ in their last bits with the order of their terms.
            values = {
                "water": rng.choice([None, rng.gauss(60, 9), rng.gauss(0, 1e9), 1e-9]),
                "starts": rng.choice([None, rng.randint(0, 99)]),
            }
            flags = {"burning": rng.choice([None, True, False]), "mode": rng.choice([None, "eco", "full"])}
            rows += series(
                contract, device, [minute], boot=f"x{len(rows)}", cycle=rng.choice([cycle, cycle, cycle, None]), **values, **flags
            )
    return rows


def quarantined(rng: random.Random) -> list[Quarantined]:
    return [
        Quarantined("boiler", rng.choice(["b1", "b9"]), "t", bytes([n]), 0, Reason.NOT_JSON, "", received_at=at(rng.uniform(0, 6000)))
        for n in range(12)
    ]


def put(lake: SparkLake, rows: list[Quarantined]) -> None:
    put_quarantined(lake.platform, rows, max(row.received_at or NOON for row in rows), lake.contracts)


def derived(lake: SparkLake) -> dict[str, Fingerprint]:
    found = fingerprints(lake.platform, lake.contracts.values())
    assert all(fingerprint.rows > 10 for fingerprint in found.values()), found
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_any_arrival_gives_the_fingerprints_of_one_run_over_everything(
    spark_session: SparkSession, tmp_path: Path, boiler: Contract, seed: int
) -> None:
    rng = random.Random(seed)
    rows, bad = history(boiler, rng), quarantined(rng)
    gone = {row["event_id"] for row in rng.sample(rows, 15)}
    wrong = [row | {"water": -1.0} for row in rows]

    once = empty_lake(spark_session, tmp_path / "once", Contracts([boiler]))
    publish_silver(once, "boiler", [row for row in rows if row["event_id"] not in gone], "all.1")
    put(once, bad)
    for job in JOBS:
        job.run(once, "boiler", "all")

    many = empty_lake(spark_session, tmp_path / "many", Contracts([boiler]))
    order = rng.sample(range(len(rows)), len(rows))
    cuts = [0, *sorted(rng.sample(range(1, len(rows)), 2)), len(rows)]
    corrected = {row["event_id"] for row in rng.sample(rows, 10)} - gone
    for n in range(3):
        part = [(wrong if rows[i]["event_id"] in corrected else rows)[i] for i in order[cuts[n] : cuts[n + 1]]]
        publish_silver(many, "boiler", part, f"s.{n}")
        put(many, bad[n * 4 : n * 4 + 4])
        for job in rng.sample(JOBS, rng.randint(1, 3)):
            job.run(many, "boiler", f"r{n}")
    rebuild_silver(many, "boiler", gone | corrected, [row for row in rows if row["event_id"] in corrected], "rebuild.1")
    for job in rng.sample(JOBS, 3):
        job.run(many, "boiler", "last")

    assert derived(many) == derived(once)
