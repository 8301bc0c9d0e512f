"""A new kind of device, by one YAML file and no code; then its second version, with devices of both versions mixed."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lake import query
from lake.contracts import load_contracts
from lake.tables_page import tables_page
from local.simulator.fleet import simulate
from local.simulator.plan import Plan
from tests.cloud import Cloud, running_cloud
from tests.proofs import Size
from tests.proofs._journey import drained, run_dags, the_law

WHAT = "A new contract YAML without code: MQTT, rule, bronze, DAG, silver, hourly gold, docs page; then version 2 with both mixed."
CODE = ("runtime", "ingestion", "lake", "spark_jobs", "dags", "local/simulator")
SEED = 3

LIFT = """\
contract: lift
version: {version}
description: Lifts of a building.
cadence_seconds: 300
fields:
  load_kg: {{type: float64, unit: kg, min: 0, max: 2000, required: true}}
  door: {{type: string, enum: [open, closed], required: true}}
  is_moving: {{type: bool}}
"""
SPEED = "  speed_m_s: {type: float64, unit: m/s, min: 0, max: 10}\n"


def prove(size: Size) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="fleetlake-contract-") as folder:
        contracts = Path(folder) / "contracts"
        first_version(contracts)
        parts = ("emulator", "worker", "airflow")
        with running_cloud(Path(folder) / "home", parts, schedules=False, contracts_folder=contracts) as cloud:
            return _prove(cloud, contracts, 12 if size is Size.SMALL else 72)


def _prove(cloud: Cloud, contracts: Path, hours: int) -> dict[str, Any]:
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    first = Plan({"lift": 3}, end - timedelta(hours=2 * hours), end - timedelta(hours=hours), seed=SEED)
    assert simulate(cloud.platform, first).refused == 0
    drained(cloud)
    run_dags(cloud, ["pipeline_lift"])
    shows_first_version(cloud, hours)
    second_version(contracts)
    send_mixed(cloud, replace(first, start=end - timedelta(hours=hours), end=end, born=first.start))
    drained(cloud)
    run_dags(cloud, ["pipeline_lift"])
    told = shows_both_versions(cloud, hours)
    verdict = the_law(cloud)
    assert verdict.surprised == 0
    return {"sent": verdict.sent, "silver": told[0], "with_the_new_field": told[1]}


def first_version(contracts: Path) -> None:
    contracts.mkdir(exist_ok=True)
    (contracts / "lift.yaml").write_text(LIFT.format(version=1))


def second_version(contracts: Path) -> None:
    (contracts / "lift.v1.yaml").write_text(LIFT.format(version=1))
    (contracts / "lift.yaml").write_text(LIFT.format(version=2) + SPEED)


def send_mixed(cloud: Cloud, following: Plan) -> None:
    """Some devices have the new software, some the old; they go on side by side."""
    simulate(cloud.platform, replace(following, devices={"lift": 3}, versions={"lift": 1}))
    simulate(cloud.platform, replace(following, devices={"lift": 2}, prefix="new-", versions={"lift": 2}))


def shows_first_version(cloud: Cloud, hours: int) -> None:
    assert "silver.lift" in tables_page(load_contracts(cloud.settings.contracts_folder))
    assert _rows(cloud, "silver.lift") == 3 * 12 * hours
    assert _rows(cloud, "gold.lift_hourly") == 3 * hours
    assert _readings_of_an_hour(cloud) == 12


def shows_both_versions(cloud: Cloud, hours: int) -> Sequence[Any]:
    """Of the lifts of both versions: readings in silver, and how many have the new field."""
    theirs = "NOT starts_with(device_id, 'late-') AND NOT starts_with(device_id, 'old-')"
    without = "count(*) FILTER (device_id LIKE 'new-%' AND speed_m_s IS NULL)"
    told = _column(cloud, f"SELECT count(*), count(speed_m_s), {without} FROM silver.lift WHERE {theirs}")
    assert told == [(6 + 2) * 12 * hours, 2 * 12 * hours, 0]
    assert _column(cloud, "SELECT count(speed_m_s_mean) FROM gold.lift_hourly") == [2 * hours]
    assert "speed_m_s" in tables_page(load_contracts(cloud.settings.contracts_folder))
    return told


def _rows(cloud: Cloud, table: str) -> int:
    return int(query.sql(f"SELECT count(*) FROM {table}", platform=cloud.platform).rows[0][0])


def _column(cloud: Cloud, text: str) -> Sequence[Any]:
    return list(query.sql(text, platform=cloud.platform).rows[0])


def _readings_of_an_hour(cloud: Cloud) -> int:
    """Readings in one device's hour; its mean must be that of silver's rows."""
    text = (
        "SELECT g.readings, g.load_kg_mean, avg(s.load_kg) FROM gold.lift_hourly g JOIN silver.lift s ON s.device_id = g.device_id "
        "AND date_trunc('hour', s.event_time) = g.hour GROUP BY ALL ORDER BY g.readings DESC LIMIT 1"
    )
    readings, mean, by_hand = query.sql(text, platform=cloud.platform).rows[0]
    assert abs(mean - by_hand) < 1e-9
    return int(readings)
