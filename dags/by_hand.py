"""DAGs that nothing starts but a person, who says what and why; what they decide is kept with the name of who triggered it."""

import inspect
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from airflow.sdk import DAG, Param

from lake.contracts import Contract, sound_contracts
from runtime.platforms import Platform, current_platform

UTC = timezone.utc  # noqa: UP017 - datetime.UTC is not known to every Python that MWAA runs
# With =, so that no text is taken for another option. Airflow 3.0 does not know who it was.
_DECIDED = ("--why={{ params.why or '' }}", "--who={{ dag_run.triggering_user_name | default('airflow', true) }}")


def _text(description: str) -> Param:
    return Param(None, type=["null", "string"], description=description)


def _by_hand(dag_id: str, description: str, doc: str | None, params: Mapping[str, Param], tags: list[str]) -> DAG:
    return DAG(
        dag_id=dag_id,
        description=description,
        # Markdown takes what is indented for code.
        doc_md=inspect.cleandoc(doc or ""),
        schedule=None,
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        params=dict(params),
        default_args={"owner": "data-engineering", "retries": 1, "retry_delay": timedelta(seconds=30)},
        tags=tags,
    )


def settle(platform: Platform, contract: Contract) -> DAG:
    """# Settle a run that the quality gate holds: what a person decides, with its reason

    **Makes** the held run visible (`accept`) or puts its readings to quarantine (`refuse`). Trigger it with the run (`fleetlake quality list --held`
    names it), the verdict and the reason, which are kept in `ops.publications` with the name of who triggered it. On a laptop
    `fleetlake quality accept` and `refuse` do the same.

    **When it fails.** The sentence says which: the run is not held (any more), there is no reason, or another check fails now than did then. Nothing
    was published; trigger it again with what the sentence asks for.
    """
    params = {
        "run": _text("the held run, as `fleetlake quality list --held` names it"),
        "verdict": Param("accept", type="string", enum=["accept", "refuse"], description="publish it after all, or put it to quarantine"),
        "why": _text("the reason, which is kept"),
    }
    what = f"{contract.name}: a held run accepted or refused by a person"
    with _by_hand(f"settle_{contract.name}", what, settle.__doc__, params, ["maintenance", contract.kind]) as dag:
        # The same id each time: a second try of the same decision is told from another one.
        run_id = "{{ params.verdict }}-{{ params.run or 'none' }}"
        asked = ["{{ params.verdict }}", "--contract", contract.name, "--run-id", run_id, "--run={{ params.run or '' }}"]
        platform.spark_task("settle", [*asked, *_DECIDED])
    return dag


def erase_device(platform: Platform) -> DAG:
    """# Erase one device from the lake and its history, with proof

    **Makes** the device's readings go from every table, older snapshots, objects, queues and the time series. It cannot be taken back: with
    `dry_run`, which is how it is proposed, it only says where the device is. On a laptop `fleetlake lake erase` does the same. The reason is kept with
    the proof in `ops.maintenance` and must not name the device. Its id stands in the parameters of this run: delete the run afterwards.

    **When it fails.** Clear the task: each step finds what is left to do. *run it again* in its log means that somebody may still be writing what was
    there before. *a proof did not hold*: nothing was published; keep the log.
    """
    params = {
        "device": _text("the device's id"),
        "why": _text("the reason, which is kept: without the id"),
        "dry_run": Param(True, type="boolean", description="only say where the device is"),
    }
    with _by_hand("erase_device", "one device gone from the lake, with proof", erase_device.__doc__, params, ["maintenance"]) as dag:
        # The contract is main.py's name for what all of them share.
        asked = ["erase", "--contract", "_shared", "--run-id", "{{ dag.dag_id }}__{{ run_id }}", "--device={{ params.device or '' }}"]
        platform.spark_task("erase", [*asked, *_DECIDED, "--dry-run={{ 'yes' if params.dry_run else 'no' }}"])
    return dag


_platform = current_platform()
erase_device_dag = erase_device(_platform)
for _contract in sound_contracts(_platform.settings.contracts_folder).values():
    globals()[f"settle_{_contract.name}"] = settle(_platform, _contract)
