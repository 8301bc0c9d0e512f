"""What the simulator sends, as the gate sees it: sound fleets pass, also with every fault the law must bear; the gate's two do not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from lake.contracts import Contract, load_contracts
from local.message import SILVER
from local.simulator.fault_kinds import every_fault
from local.simulator.fleet import stream
from local.simulator.plan import Plan
from runtime.settings import REPOSITORY
from spark_jobs.quality_completeness import hourly_completeness
from spark_jobs.quality_frames import flag, flags, run_figures, suspects
from tests.spark_jobs.gate_rows import seen

pytestmark = pytest.mark.spark

CONTRACTS = load_contracts(REPOSITORY / "contracts")
START = datetime(2026, 3, 2, tzinfo=UTC)


def arrived(spark: SparkSession, contract: Contract, devices: int, faults: dict[str, float], seed: int = 1) -> DataFrame:
    """What of three simulated days decode lets through."""
    plan = Plan({contract.name: devices}, START, START + timedelta(days=3), seed=seed, faults=faults)
    rows = [
        row_of(message.topic_device, contract, reading)
        for message in stream(plan, CONTRACTS)
        if message.contract == contract.name
        for reading in message.readings
        if reading.fate == SILVER
    ]
    return seen(spark, contract, list({row["event_id"]: row for row in rows}.values()))


def row_of(device_id: str, contract: Contract, reading: Any) -> dict[str, Any]:
    values = {field.name: reading.values.get(field.name) for field in contract.fields}
    event_time = datetime.fromtimestamp(reading.ts_ms / 1000, UTC)
    return {"device_id": device_id, "event_time": event_time, "event_id": reading.event_id, "_of_run": 1} | values


def findings(contract: Contract, rows: DataFrame) -> tuple[set[str], float]:
    """The flags that mark a row, and the completeness of the worst hour."""
    figures = run_figures(flag(rows, contract), contract).first()
    worst = hourly_completeness(rows, contract.cadence_seconds or 0).agg({"completeness": "min"}).first()
    assert figures is not None
    assert worst is not None
    return {name for name in flags(contract) if figures[name]}, worst[0]


@pytest.mark.parametrize(("name", "devices"), [("turbofan", 20), ("pump", 3)])
def test_a_sound_fleet_has_nothing_that_stands_still_and_nothing_missing(name: str, devices: int, spark_session: SparkSession) -> None:
    marked, worst = findings(CONTRACTS[name], arrived(spark_session, CONTRACTS[name], devices, {}))
    assert marked == set()
    # Two cycles pass between an engine's failure and the first flight of the next one.
    assert worst >= (1 if name == "pump" else 0.95)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("name", "devices"), [("turbofan", 20), ("pump", 3)])
def test_faults_of_one_reading_in_twenty_pass(name: str, devices: int, seed: int, spark_session: SparkSession) -> None:
    contract = CONTRACTS[name]
    marked, worst = findings(contract, arrived(spark_session, contract, devices, every_fault(0.05), seed))
    assert marked == set()
    assert worst >= contract.quality.completeness


def test_a_stuck_sensor_is_marked_on_its_device_alone(spark_session: SparkSession) -> None:
    pump = CONTRACTS["pump"]
    rows = flag(arrived(spark_session, pump, 4, {"stuck_sensor": 0.25}), pump)
    assert len({row.device_id for row in suspects(rows, flags(pump)).collect()}) == 1


def test_a_silent_half_is_missing(spark_session: SparkSession) -> None:
    pump = CONTRACTS["pump"]
    marked, worst = findings(pump, arrived(spark_session, pump, 4, {"silent_half": 0.5}))
    assert (marked, worst) == (set(), 0.5)
