"""Bronze and silver to gold.device_health: which devices went offline or came back, and the alarms of it.

A change is published by compare-and-swap as every run's rows are: of two watchers at once one publishes, and the other then finds
nothing to say. An alarm is sent before its change is published, so that none is ever missed; a watcher that is killed between the
two, or loses the race there, has it sent again: `id` in its facts is then the same.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pyarrow as pa

from lake.arrivals import heard
from lake.contracts import Contract
from lake.health import FLEET, Change, Known, State, judge
from lake.signals import oldest_seconds
from lake.tables import DEVICE_HEALTH
from runtime import job_metrics
from runtime.alarms import Alarm, raise_alarm
from runtime.log import logger
from spark_jobs.branch import Branch, load
from spark_jobs.publication import Outcome, publish
from spark_jobs.session import SparkLake, prepare_tables

# A message that has waited longer than this says that it is the pipeline that is silent.
_BEHIND = timedelta(minutes=10)
log = logger("watch_fleet")


def run(lake: SparkLake, contract_name: str, run: str) -> Outcome:
    """Publish what has changed since the last look. No session of Spark is opened."""
    contract = lake.contracts.named(contract_name)
    if not contract.is_measurement:
        return Outcome(None, None, 0)
    prepare_tables(lake.platform, contract)
    outcome = publish(lake, DEVICE_HEALTH, contract.name, run, lambda branch: _attempt(lake, contract, branch))
    log.info(f"watch_fleet {contract.name}: " + (f"run {outcome.run_id} is visible" if outcome.run_id else "nothing has changed"))
    return outcome


def _attempt(lake: SparkLake, contract: Contract, branch: Branch) -> Sequence[str] | None:
    now = lake.clock.now()
    at_hand = heard(lake.platform, contract, now)
    changes = judge(contract, at_hand.arrivals, known_at(branch, contract.name), now, _behind(lake, now))
    fell_silent = sum(change.state is State.OFFLINE for change in changes)
    measured = {"silver_lag_seconds": at_hand.silver_lag.total_seconds(), "devices_fell_silent": fell_silent}
    job_metrics.put(lake.platform, measured, contract=contract.name)
    if not changes:
        return None
    for change in changes:
        log.info(f"{contract.name} {change.device_id} is {change.state}: {change.why}")
        if change.is_alarm:
            _tell(lake, contract, change)
    lake.boundary("told")
    rows = [_row(contract, change, branch.run_id) for change in changes]
    branch.make()
    iceberg = load(lake.platform, DEVICE_HEALTH)
    iceberg.append(pa.Table.from_pylist(rows, schema=iceberg.schema().as_arrow()), branch=branch.name)
    return []


def known_at(branch: Branch, contract: str) -> Known:
    """The newest state of each device, and of the fleet, in the branch's base."""
    scan = load(branch.platform, DEVICE_HEALTH).scan(
        row_filter=f"contract == '{contract}'", selected_fields=("device_id", "state", "changed_at"), snapshot_id=branch.base_snapshot
    )
    rows = sorted(scan.to_arrow().to_pylist(), key=lambda row: row["changed_at"])
    return {row["device_id"]: (State(row["state"]), row["changed_at"]) for row in rows}


def _behind(lake: SparkLake, now: datetime) -> str:
    ages = oldest_seconds(lake.platform, now) or {}
    waited = timedelta(seconds=ages.get("telemetry", 0))
    return f"the oldest message in the queue has waited {waited.total_seconds() / 60:.0f} minutes" if waited > _BEHIND else ""


def _tell(lake: SparkLake, contract: Contract, change: Change) -> None:
    """Raises ServiceError where nobody can be told: the change is then found, and told, again."""
    what = f"the fleet of {contract.name}" if change.device_id == FLEET else f"{change.device_id} of {contract.name}"
    facts = {
        "id": f"{contract.name}/{change.device_id}/{change.state}/{change.last_seen}",
        "contract": contract.name,
        "device_id": change.device_id,
        "state": str(change.state),
        "last_seen": change.last_seen,
    }
    raise_alarm(lake.platform, Alarm("device_health", f"{what} is {change.state}", change.why, facts=facts))


def _row(contract: Contract, change: Change, run_id: str) -> dict[str, object]:
    return {
        "contract": contract.name,
        "device_id": change.device_id,
        "state": str(change.state),
        "changed_at": change.at,
        "last_seen": change.last_seen,
        "usual_seconds": change.usual_seconds,
        "why": change.why,
        "run_id": run_id,
    }
