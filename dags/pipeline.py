"""# Hourly pipeline of one contract: bronze → silver → gold → features

**Makes** `silver.{contract}`, its rows of `gold.device_daily` and, for a measurement, `gold.{contract}_hourly` and `features.{contract}`.
There is one such DAG for each file in the contracts folder.

**Task**: one `spark-submit`, whose session does one step after the other. A session's start and warm-up is most of what an hour's data costs.
- *silver* merges the bronze objects that no visible or held run has planned, on a branch of its own; the quality gate audits the
  branch, and a fast-forward publishes it.
- *gold* rolls up the hours and days that new silver rows touched; *features* computes the causal features of the devices that they touched.

Each step publishes its own table: what was published before a later step failed is there to read. The log says how long each took.

**When it fails.** The task can be cleared and run again at any time: running twice is running once, and a step that is done is passed over.
- red with *held by the quality gate*, which is not tried again: the sentence in its log names the check and rows; readers keep the old data, later runs
  go round the held objects. Look with `fleetlake quality show RUN`, then `fleetlake quality accept RUN --why "…"` or `refuse`.
- anything else: the last lines of the task's log name the step and say what was being done; mend it and clear the task.
"""

from datetime import datetime, timedelta, timezone

from airflow.sdk import DAG, Asset

from lake.contracts import Contract, sound_contracts
from runtime.platforms import Platform, current_platform

UTC = timezone.utc  # noqa: UP017 - datetime.UTC is not known to every Python that MWAA runs


def pipeline(platform: Platform, contract: Contract) -> DAG:
    with DAG(
        dag_id=f"pipeline_{contract.name}",
        description=f"{contract.name}: silver with its gate, then gold and features",
        doc_md=__doc__,
        schedule="@hourly",
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        default_args={"owner": "data-engineering", "retries": 2, "retry_delay": timedelta(seconds=30)},
        tags=["pipeline", contract.kind],
    ) as dag:
        if contract.is_measurement:
            task_id, jobs = "silver_gold_features", "silver,gold_hourly,gold_device_daily,features"
            tables = [f"silver.{contract.name}", f"gold.{contract.name}_hourly", f"features.{contract.name}"]
        else:
            task_id, jobs = "silver_gold", "silver,gold_device_daily"
            tables = [f"silver.{contract.name}"]
        platform.spark_task(
            task_id,
            [jobs, "--contract", contract.name, "--run-id", "{{ dag.dag_id }}__{{ run_id }}"],
            # Two runs of a contract at once would do each other's work twice.
            # Assets have names alone: a URI would have Airflow load every provider at parse time.
            outlets=[Asset(table) for table in [*tables, f"gold.device_daily.{contract.name}"]],
        )
    return dag


_platform = current_platform()
for _contract in sound_contracts(_platform.settings.contracts_folder).values():
    globals()[f"pipeline_{_contract.name}"] = pipeline(_platform, _contract)
