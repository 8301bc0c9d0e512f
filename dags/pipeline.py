"""# Hourly pipeline of one contract: bronze → silver → gold and features

**Makes** `silver.{contract}`, its rows of `gold.device_daily` and, for a measurement, `gold.{contract}_hourly` and `features.{contract}`.
There is one such DAG for each file in the contracts folder.

**Tasks**, one `spark-submit` each:
- `silver` merges the bronze objects that no visible or held run has planned, on a branch of its own; the quality gate audits the
  branch, and a fast-forward publishes it.
- `gold` rolls up the hours and days that new silver rows touched.
- `features`, beside `gold`, computes the causal features of the devices that new silver rows touched.

**When it fails.** Each task can be cleared and run again at any time: running twice is running once.
- `silver` red with *held by the quality gate*: the sentence in its log names the check and rows; readers keep the old data, later runs
  go round the held objects. Look with `fleetlake quality show RUN`, then `fleetlake quality accept RUN --why "…"` or `refuse`.
- anything else: the last lines of the task's log say what was being done; mend it and clear the task.
"""

from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.sdk import DAG, Asset

from lake.contracts import Contract, load_contracts
from runtime.platforms import Platform, current_platform

UTC = timezone.utc  # noqa: UP017 - datetime.UTC is not known to every Python that MWAA runs
RUN_ID = "{{ dag.dag_id }}__{{ run_id }}"


def job(platform: Platform, contract: Contract, task_id: str, jobs: str, outlet: str, *, pool_slots: int = 1, priority: int = 1) -> Any:
    """One spark-submit. Assets have names alone: a URI would have Airflow load every provider at parse time."""
    return platform.spark_task(
        task_id,
        [jobs, "--contract", contract.name, "--run-id", RUN_ID],
        pool=f"lake_{contract.name}",
        pool_slots=pool_slots,
        priority_weight=priority,
        outlets=[Asset(outlet)],
    )


def pipeline(platform: Platform, contract: Contract) -> DAG:
    with DAG(
        dag_id=f"pipeline_{contract.name}",
        description=f"{contract.name}: silver with its gate, then gold and features",
        doc_md=__doc__,
        schedule="@hourly",
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        default_args={"owner": "data-engineering", "retries": 2, "retry_delay": timedelta(seconds=30), "weight_rule": "absolute"},
        tags=["pipeline", contract.kind],
    ) as dag:
        # Both slots of the contract's pool: two runs of silver at once would do each other's work twice.
        silver = job(platform, contract, "silver", "silver", f"silver.{contract.name}", pool_slots=2, priority=2)
        if contract.is_measurement:
            # Both read silver alone, so neither waits for the other. Where slots are short features go first: scoring waits for them.
            gold = job(platform, contract, "gold", "gold_hourly,gold_device_daily", f"gold.{contract.name}_hourly")
            silver >> [gold, job(platform, contract, "features", "features", f"features.{contract.name}", priority=3)]
        else:
            silver >> job(platform, contract, "gold", "gold_device_daily", f"gold.device_daily.{contract.name}")
    return dag


_platform = current_platform()
for _contract in load_contracts(_platform.settings.contracts_folder).values():
    globals()[f"pipeline_{_contract.name}"] = pipeline(_platform, _contract)
