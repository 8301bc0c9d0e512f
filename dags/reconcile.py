"""# Reconcile: every bronze object is accounted for

**Makes** nothing new as a rule. Hourly pipelines list bronze from the oldest partition that is not complete; once a day this lists
everything, for each contract, and runs silver over whatever a pipeline could not see: an object that appeared in an old partition.

**When it fails.** Clear the task. A contract that is held by the quality gate fails here with the same sentence as in its pipeline.
"""

from datetime import datetime, timedelta, timezone

from airflow.sdk import DAG

from lake.contracts import sound_contracts
from runtime.platforms import Platform, current_platform

UTC = timezone.utc  # noqa: UP017 - datetime.UTC is not known to every Python that MWAA runs


def reconcile(platform: Platform) -> DAG:
    with DAG(
        dag_id="reconcile",
        description="every bronze object is visible, held or refused",
        doc_md=__doc__,
        schedule="0 2 * * *",
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        default_args={"owner": "data-engineering", "retries": 2, "retry_delay": timedelta(seconds=30)},
        tags=["maintenance"],
    ) as dag:
        for name in sound_contracts(platform.settings.contracts_folder):
            arguments = ["reconcile", "--contract", name, "--run-id", "{{ dag.dag_id }}__{{ run_id }}"]
            platform.spark_task(f"reconcile_{name}", arguments)
    return dag


reconcile_dag = reconcile(current_platform())
