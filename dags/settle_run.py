"""# Settle a run that the quality gate holds: what a person decides, with its reason

**Makes** the held run visible (`accept`) or puts its readings to quarantine (`refuse`). Nothing starts it but a person: trigger it with the run
(`fleetlake quality list --held` names it), the verdict and the reason, which are kept in `ops.publications` with the name of who triggered it. On a
laptop `fleetlake quality accept` and `refuse` do the same.

**When it fails.** The sentence says which: the run is not held (any more), there is no reason, or another check fails now than did then. Nothing was
published; trigger it again with what the sentence asks for.
"""

from datetime import datetime, timedelta, timezone

from airflow.sdk import DAG, Param

from lake.contracts import Contract, sound_contracts
from runtime.platforms import Platform, current_platform

UTC = timezone.utc  # noqa: UP017 - datetime.UTC is not known to every Python that MWAA runs
# Airflow 3.0 does not know who it was.
_WHO = "{{ dag_run.triggering_user_name | default('airflow', true) }}"


def settle(platform: Platform, contract: Contract) -> DAG:
    with DAG(
        dag_id=f"settle_{contract.name}",
        description=f"{contract.name}: a held run accepted or refused by a person",
        doc_md=__doc__,
        schedule=None,
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        params={
            "run": Param(None, type=["null", "string"], description="the held run, as `fleetlake quality list --held` names it"),
            "verdict": Param(
                "accept", type="string", enum=["accept", "refuse"], description="publish it after all, or put it to quarantine"
            ),
            "why": Param(None, type=["null", "string"], description="the reason, which is kept"),
        },
        default_args={"owner": "data-engineering", "retries": 1, "retry_delay": timedelta(seconds=30)},
        tags=["maintenance", contract.kind],
    ) as dag:
        # With =, so that no text is taken for another option. The same id each time: a second try of the same decision is told from another one.
        decided = ["--run={{ params.run or '' }}", "--why={{ params.why or '' }}", f"--who={_WHO}"]
        platform.spark_task(
            "settle",
            ["{{ params.verdict }}", "--contract", contract.name, "--run-id", "{{ params.verdict }}-{{ params.run or 'none' }}", *decided],
        )
    return dag


_platform = current_platform()
for _contract in sound_contracts(_platform.settings.contracts_folder).values():
    globals()[f"settle_{_contract.name}"] = settle(_platform, _contract)
