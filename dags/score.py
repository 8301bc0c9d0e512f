"""# Score: predictions on new features

**Makes** `gold.predictions` for one contract, whenever `features.{contract}` changed: each champion model of the contract scores the
feature rows it has not scored yet. A contract that no model is for has no such DAG. Insert-only: the first published prediction stays.

**When it fails.** Clear the task: rows that were published are not scored again. *No champion yet* is a success and says so in the log.
"""

from datetime import datetime, timedelta, timezone

from airflow.sdk import DAG, Asset

from lake.contracts import Contract, sound_contracts
from models.catalogue import kinds_of
from runtime.platforms import Platform, current_platform

UTC = timezone.utc  # noqa: UP017 - datetime.UTC is not known to every Python that MWAA runs


def score(platform: Platform, contract: Contract) -> DAG:
    with DAG(
        dag_id=f"score_{contract.name}",
        description=f"{contract.name}: the champion scores new features",
        doc_md=__doc__,
        schedule=[Asset(f"features.{contract.name}")],
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        default_args={"owner": "machine-learning", "retries": 2, "retry_delay": timedelta(seconds=30)},
        tags=["score", contract.kind],
    ) as dag:
        platform.spark_task(
            "score",
            ["score", "--contract", contract.name, "--run-id", "{{ dag.dag_id }}__{{ run_id }}"],
            outlets=[Asset(f"gold.predictions.{contract.name}")],
        )
    return dag


_platform = current_platform()
for _contract in sound_contracts(_platform.settings.contracts_folder).values():
    if kinds_of(_contract.name):
        globals()[f"score_{_contract.name}"] = score(_platform, _contract)
