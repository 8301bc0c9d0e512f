"""# Rebuild of one event day: bronze → silver → gold → features, where they say otherwise

**Makes** nothing new as a rule: silver of one event day is made again from the bronze objects of its visible runs and compared. A row that
differs is corrected by a run of its own: what was known before is still there (`fleetlake query --as-of`), in `silver.{contract}_superseded`.
Gold and features follow what changed.

**The day** is `params.day`, or else the day of the run's data interval. Each night looks at the day before. For many days take `fleetlake backfill`,
or Airflow's own backfill of this DAG: a run for each day.

**When it fails.** The task can be cleared and run again at any time.
- *bronze objects are gone or archived*: the day cannot be made again from what is left, and silver stays as it is. Restore them, or mark the task a success.
- anything else: the last lines of the task's log name the step and say what was being done; mend it and clear the task.
"""

from datetime import datetime, timedelta, timezone

from airflow.sdk import DAG, Asset, Param

# From the path that both Airflows have: in MWAA's airflow.sdk there is none.
from airflow.timetables.interval import CronDataIntervalTimetable

from lake.contracts import Contract, sound_contracts
from runtime.platforms import Platform, current_platform

UTC = timezone.utc  # noqa: UP017 - datetime.UTC is not known to every Python that MWAA runs
_DAY = "{{ params.day or (data_interval_start | ds if data_interval_start is defined and data_interval_start else 'none') }}"


def rebuild(platform: Platform, contract: Contract) -> DAG:
    with DAG(
        dag_id=f"rebuild_{contract.name}",
        description=f"{contract.name}: one event day made again from bronze",
        doc_md=__doc__,
        # A plain cron text has no data interval in Airflow 3.
        schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        params={"day": Param(None, type=["null", "string"], format="date", description="event day, UTC; empty: that of the data interval")},
        default_args={"owner": "data-engineering", "retries": 2, "retry_delay": timedelta(seconds=30)},
        tags=["maintenance", contract.kind],
    ) as dag:
        if contract.is_measurement:
            task_id, jobs = "rebuild_gold_features", "rebuild,gold_hourly,gold_device_daily,features"
            tables = [f"silver.{contract.name}", f"gold.{contract.name}_hourly", f"features.{contract.name}"]
        else:
            task_id, jobs = "rebuild_gold", "rebuild,gold_device_daily"
            tables = [f"silver.{contract.name}"]
        platform.spark_task(
            task_id,
            [jobs, "--contract", contract.name, "--run-id", "{{ dag.dag_id }}__{{ run_id }}", "--day", _DAY],
            outlets=[Asset(table) for table in [*tables, f"gold.device_daily.{contract.name}"]],
        )
    return dag


_platform = current_platform()
for _contract in sound_contracts(_platform.settings.contracts_folder).values():
    globals()[f"rebuild_{_contract.name}"] = rebuild(_platform, _contract)
