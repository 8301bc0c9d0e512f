"""Gold and features say the same whichever way readings came: in any order, in any runs, repeated, and a rebuild among them."""

import random
from datetime import timedelta
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
from tests.spark import NOON, at, compiled, empty_lake
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
    """Three devices over days: gaps of all lengths, long lives and short ones, missing values, two readings at one time."""
    rows: list[dict[str, Any]] = []
    for device in ("b1", "b2", "b3"):
        minute, cycle, life = 0.0, 0, 500 if device == "b1" else rng.randint(5, 60)
        for _ in range(rng.randint(90, 120)):
            # At one time the identities decide on the order, and the counter falls: that ends a life, so not for the first.
            minute += rng.choice([20 if device == "b1" else 0, 20, 20, 20, 20, 20, 25, 45, 150, 600])
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


def in_order_of_arrival(rows: list[dict[str, Any]], rng: random.Random) -> list[dict[str, Any]]:
    """The first device is never late, the second by hours, the third by anything."""
    lateness = {"b1": 0.0, "b2": 5.0, "b3": 100.0}
    return sorted(rows, key=lambda row: row["event_time"] + timedelta(hours=rng.uniform(0, lateness[row["device_id"]])))


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
    gone = {row["event_id"] for row in rng.sample(rows, 15) if row["device_id"] != "b1"}

    once = compiled(empty_lake(spark_session, tmp_path / "once", Contracts([boiler])))
    publish_silver(once, "boiler", [row for row in rows if row["event_id"] not in gone], "all.1")
    put(once, bad)
    for job in JOBS:
        job.run(once, "boiler", "all")

    many = empty_lake(spark_session, tmp_path / "many", Contracts([boiler]))
    arrived = in_order_of_arrival(rows, rng)
    wrong = [row | {"water": -1.0} for row in arrived]
    cuts = [0, round(len(rows) * rng.uniform(0.2, 0.6)), round(len(rows) * rng.uniform(0.7, 0.9)), len(rows)]
    # One device is left alone, so that nothing of it is computed anew but what its own readings ask for.
    corrected = {row["event_id"] for row in rng.sample(rows, 10) if row["device_id"] != "b1"} - gone
    for n in range(3):
        part = [(wrong if arrived[i]["event_id"] in corrected else arrived)[i] for i in range(cuts[n], cuts[n + 1])]
        publish_silver(many, "boiler", part, f"s.{n}")
        put(many, bad[n * 4 : n * 4 + 4])
        # Features follow each time, so that a run finds most of a life computed; the others now and then.
        for job in (features, JOBS[n % 2]):
            job.run(many, "boiler", f"r{n}")
    rebuild_silver(many, "boiler", gone | corrected, [row for row in rows if row["event_id"] in corrected], "rebuild.1")
    for job in rng.sample(JOBS, 3):
        job.run(many, "boiler", "last")

    assert derived(many) == derived(once)
