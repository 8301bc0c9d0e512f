"""`make proof-repeat`, `make proof-contract` and `make proof-cmapss`, small, one after the other in one cloud: an Airflow costs as much
to start as a pipeline to run."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from urllib.parse import quote

import pytest

from cli import main
from lake import backfill
from lake.contracts import Contract, load_contracts
from local.airflow_client import Airflow, Task
from local.simulator.fleet import simulate
from local.simulator.plan import Plan
from tests.cloud import Cloud, running_cloud
from tests.proofs import Size, cmapss, contract, repeat
from tests.proofs._journey import add_contracts, drained, submitted
from tests.waiting import eventually

pytestmark = [pytest.mark.cloud, pytest.mark.spark, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """With one contract, which no file of the repository has."""
    folder = tmp_path_factory.mktemp("journeys")
    contract.first_version(folder / "contracts")
    parts = ("emulator", "worker", "airflow")
    with running_cloud(folder / "home", parts, schedules=False, contracts_folder=folder / "contracts") as running:
        yield running


def test_a_new_contract_needs_one_file_and_running_twice_or_late_gives_what_one_run_gives(cloud: Cloud) -> None:
    assert repeat.prove(Size.SMALL, cloud)["tables"] > 0


def test_a_backfill_of_a_week_runs_just_its_two_failed_days_and_its_stale_one(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    last = datetime.now(UTC).date() - timedelta(days=1)
    first, failed, stale = last - timedelta(days=6), [last - timedelta(days=5), last - timedelta(days=4)], last - timedelta(days=2)
    airflow = Airflow.of(cloud.settings)
    fail_days(airflow, "rebuild_lift", failed)
    noon = datetime(stale.year, stale.month, stale.day, 12, tzinfo=UTC)
    simulate(cloud.platform, Plan({"lift": 1}, noon, noon + timedelta(minutes=30), seed=9, prefix="stale-"))
    drained(cloud)
    submitted(cloud, "silver", "--contract", "lift", "--run-id", "stale")
    monkeypatch.setenv("FLEETLAKE_HOME", str(cloud.settings.home))
    monkeypatch.setenv("FLEETLAKE_CONTRACTS_FOLDER", str(cloud.settings.contracts_folder))
    asked = ["--contract", "lift", "--from", str(first), "--to", str(last)]
    assert main.run(["backfill", "run", *asked, "--yes"]) == 0
    assert airflow.days("rebuild_lift", first, last) == dict.fromkeys([*failed, stale], "success")
    assert {day.status for day in backfill.plan(cloud.platform, contract_of(cloud, "lift"), first, last)} == {backfill.Status.FINE}


def fail_days(airflow: Airflow, dag_id: str, days: Sequence[date]) -> None:
    """Runs of the days, without a hole, that a person ended as failed while their task was running."""
    airflow.wait_for_dag(dag_id)
    assert airflow.backfill(dag_id, days[0], days[-1], max_active_runs=1) is not None
    for run_id in sorted(airflow.run_ids(dag_id)):
        eventually(partial(running_tasks, airflow, dag_id, run_id), 60, "its task runs")
        airflow._call("PATCH", f"dags/{dag_id}/dagRuns/{quote(run_id, safe='')}", {"state": "failed"})


def running_tasks(airflow: Airflow, dag_id: str, run_id: str) -> list[Task]:
    return [task for task in airflow.run(dag_id, run_id).tasks if task.state == "running"]


def contract_of(cloud: Cloud, name: str) -> Contract:
    return load_contracts(cloud.settings.contracts_folder)[name]


def test_real_engines_are_replayed_learnt_from_and_judged(cloud: Cloud) -> None:
    add_contracts(cloud, cmapss.CONTRACTS)
    assert cmapss.prove(Size.SMALL, cloud)["engines"] == 12
