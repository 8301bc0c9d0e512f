"""# Maintain: small files, old snapshots, orphans, and what a contract keeps no longer

**Makes** no new row and loses none that is kept. Once a day, for each contract and for the tables that all share, each table is
healed; then what the contract's `retention` does not keep goes, partitions of many small files are rewritten (sorted by device
and time), snapshots that no name, branch or `as_of` needs are expired, and files that no snapshot knows are removed. Every
step leaves a proof in `ops.maintenance`: `fleetlake query "SELECT * FROM ops.maintenance"`.

**When it fails.** Clear the task: what is done is passed over. *others afterwards* in its log means that a proof did not hold:
nothing was published, readers see what they saw; it is not tried again, keep the log and the row of `ops.maintenance`. *other
runs published first* means that the table was too busy; the next day's run does it.
"""

from datetime import datetime, timedelta, timezone

from airflow.sdk import DAG

from lake.contracts import sound_contracts
from runtime.platforms import Platform, current_platform

UTC = timezone.utc  # noqa: UP017 - datetime.UTC is not known to every Python that MWAA runs


def maintain_lake(platform: Platform) -> DAG:
    with DAG(
        dag_id="maintain_lake",
        description="compaction, expiry, orphans, retention: with proof",
        doc_md=__doc__,
        schedule="30 3 * * *",
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        default_args={"owner": "data-engineering", "retries": 2, "retry_delay": timedelta(seconds=30)},
        tags=["maintenance"],
    ) as dag:
        # The name is main.py's for what all contracts share.
        for name in (*sound_contracts(platform.settings.contracts_folder), "_shared"):
            arguments = ["maintain", "--contract", name, "--run-id", "{{ dag.dag_id }}__{{ run_id }}"]
            platform.spark_task(f"maintain_{name}", arguments)
    return dag


maintain_lake_dag = maintain_lake(current_platform())
