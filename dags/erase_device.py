"""# Erase one device from the lake and its history, with proof

**Makes** the device's readings go from every table, older snapshots, objects, queues and the time series. Nothing starts it but a person, and it
cannot be taken back: with `dry_run`, which is how it is proposed, it only says where the device is. On a laptop `fleetlake lake erase` does the same.
The reason is kept with the proof in `ops.maintenance` and must not name the device. Its id stands in the parameters of this run: delete the run
afterwards.

**When it fails.** Clear the task: each step finds what is left to do. *run it again* in its log means that somebody may still be writing what was
there before. *a proof did not hold*: nothing was published; keep the log.
"""

from datetime import datetime, timedelta, timezone

from airflow.sdk import DAG, Param

from runtime.platforms import Platform, current_platform

UTC = timezone.utc  # noqa: UP017 - datetime.UTC is not known to every Python that MWAA runs
# Airflow 3.0 does not know who it was.
_WHO = "{{ dag_run.triggering_user_name | default('airflow', true) }}"


def erase_device(platform: Platform) -> DAG:
    with DAG(
        dag_id="erase_device",
        description="one device gone from the lake: by a person, with proof",
        doc_md=__doc__,
        schedule=None,
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        params={
            "device": Param(None, type=["null", "string"], description="the device's id"),
            "why": Param(None, type=["null", "string"], description="the reason, which is kept: without the id"),
            "dry_run": Param(True, type="boolean", description="only say where the device is"),
        },
        default_args={"owner": "data-engineering", "retries": 2, "retry_delay": timedelta(seconds=30)},
        tags=["maintenance"],
    ) as dag:
        # With =, so that no text is taken for another option.
        asked = ["--device={{ params.device or '' }}", "--why={{ params.why or '' }}", f"--who={_WHO}"]
        dry_run = "--dry-run={{ 'yes' if params.dry_run else 'no' }}"
        # The name is main.py's for what all contracts share.
        arguments = ["erase", "--contract", "_shared", "--run-id", "{{ dag.dag_id }}__{{ run_id }}", *asked, dry_run]
        platform.spark_task("erase", arguments)
    return dag


erase_device_dag = erase_device(current_platform())
