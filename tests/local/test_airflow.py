"""The laptop's Airflow: the real scheduler runs a DAG, its log can be read, and however it ends nothing of a running task is left."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from local import daemon
from local.airflow_client import Airflow, Run
from local.airflow_environment import socket_folder
from local.instance import Instance
from local.ports import answers
from local.status import rows
from runtime.errors import ServiceError
from tests.cloud import Cloud, running_cloud
from tests.local.test_emulator import listeners
from tests.local.test_supervisor import is_alive, processes_of
from tests.waiting import eventually

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(300)]

CONTRACT = """
contract: kiln
version: 1
kind: measurement
description: A kiln.
cadence_seconds: 60
late_days: 7
unknown_fields: keep
fields:
  temperature: {type: float64, unit: degC, min: 0, max: 2000, required: true}
"""
DAG_FILE = """
from datetime import datetime, timezone
from airflow.sdk import DAG, Asset
from airflow.providers.standard.operators.bash import BashOperator

for name, command in {
    "well": "echo the kiln is $WHAT",
    "badly": "echo it cracked; exit 3",
    "slowly": "setsid --fork sleep 6111; sleep 6112 & exec sleep 6113",
}.items():
    with DAG(dag_id=f"ends_{name}", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=timezone.utc)) as dag:
        BashOperator(
            task_id="only", bash_command=command, pool="compute", append_env=True, env={"WHAT": "{{ dag_run.conf.get('what', 'cold') }}"}
        )
    globals()[dag.dag_id] = dag

clay = Asset(name="clay", uri="fleetlake://clay")
with DAG(dag_id="makes_clay", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=timezone.utc)) as makes:
    BashOperator(task_id="only", bash_command="true", outlets=[clay])
with DAG(dag_id="takes_clay", schedule=[clay], start_date=datetime(2026, 1, 1, tzinfo=timezone.utc)) as takes:
    BashOperator(task_id="only", bash_command="true")
with DAG(dag_id="every_hour", schedule="@hourly", catchup=False, start_date=datetime(2024, 1, 1, tzinfo=timezone.utc)) as yearly:
    BashOperator(task_id="only", bash_command="true")
"""
# Airflow only reads files that speak of it.
BROKEN_FILE = "from airflow.sdk import DAG\nimport no_such_module_anywhere\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("airflow")
    for name, file, text in (("contracts", "kiln.yaml", CONTRACT), ("dags", "kiln.py", DAG_FILE), ("dags", "broken.py", BROKEN_FILE)):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / file).write_text(text)
    return folder


@pytest.fixture(scope="module")
def stack() -> Iterator[ExitStack]:
    """What runs for the tests here; closing it stops it."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def cloud(folder: Path, stack: ExitStack) -> Cloud:
    places: dict[str, Any] = {"contracts_folder": folder / "contracts", "dags_folder": folder / "dags"}
    return stack.enter_context(running_cloud(folder / "home", ["airflow"], schedules=False, **places))


@pytest.fixture(scope="module")
def airflow(cloud: Cloud) -> Airflow:
    return Airflow.of(cloud.settings)


def test_a_triggered_run_ends_well_and_its_log_can_be_read(airflow: Airflow) -> None:
    run_id = airflow.trigger("ends_well", {"what": "hot"})
    seen: list[Run] = []
    run = airflow.wait("ends_well", run_id, 60, seen.append)
    assert (run.state, [(task.task_id, task.state, task.try_number) for task in run.tasks]) == ("success", [("only", "success", 1)])
    assert seen[-1] == run
    assert "the kiln is hot" in airflow.log("ends_well", run_id, "only")
    assert run_id in airflow.run_ids("ends_well")


def test_without_schedules_nothing_runs_by_the_clock_but_new_data_sets_off_its_dags(airflow: Airflow) -> None:
    airflow.wait("makes_clay", airflow.trigger("makes_clay"), 60)
    following = eventually(lambda: airflow.run_ids("takes_clay"), 20, "the asset set it off")
    assert airflow.wait("takes_clay", following[0], 60).state == "success"
    # The scheduler has been at work for two runs, and had known of the schedule before.
    assert airflow.has_dag("every_hour")
    assert airflow.run_ids("every_hour") == []
    # Nor at the next full hour, in the midst of what was started.
    due = datetime.fromisoformat(airflow._call("GET", "dags/every_hour")["next_dagrun_run_after"])
    assert due > datetime.now(UTC) + timedelta(hours=12)


def test_a_failed_run_says_so_with_what_the_task_wrote(airflow: Airflow) -> None:
    run_id = airflow.trigger("ends_badly")
    run = airflow.wait("ends_badly", run_id, 60)
    assert run.state == "failed"
    assert "it cracked" in airflow.log("ends_badly", run_id, "only")


def test_a_dag_that_is_not_there_is_an_error_that_names_the_broken_file(airflow: Airflow) -> None:
    with pytest.raises(ServiceError, match=r"DAG no_such_dag did not appear(.|\n)*broken.py.*no_such_module_anywhere"):
        airflow.trigger("no_such_dag", seconds=1)


def test_a_run_that_takes_too_long_is_an_error_and_not_a_hang(airflow: Airflow) -> None:
    run_id = airflow.trigger("ends_slowly")
    with pytest.raises(ServiceError, match="has not ended after 0 s"):
        airflow.wait("ends_slowly", run_id, 0)


def test_the_status_tells_that_each_process_is_well_and_where_it_listens(cloud: Cloud) -> None:
    found = {row.name: (row.state, row.ports) for row in rows(cloud.settings)}
    port = int(str(cloud.supervisor.endpoints["airflow_url"]).rsplit(":", 1)[1])
    assert found == {
        "airflow-database": ("healthy", ()),
        "airflow-api-server": ("healthy", (port,)),
        "airflow-scheduler": ("healthy", ()),
        "airflow-dag-processor": ("healthy", ()),
    }


def test_every_listener_of_airflow_is_on_the_loopback_interface_and_only_one_there_is(cloud: Cloud) -> None:
    names = ("airflow-database", "airflow-api-server", "airflow-scheduler", "airflow-dag-processor")
    found = {name: listeners(cloud.supervisor.pid(name)) for name in names}
    assert found == {name: {"127.0.0.1"} if name == "airflow-api-server" else set() for name in names}


# The last ones: they stop what the others use.
def test_stopping_ends_a_running_task_and_whatever_it_started_and_the_next_start_knows(
    cloud: Cloud, airflow: Airflow, stack: ExitStack
) -> None:
    port = int(str(cloud.supervisor.endpoints["airflow_url"]).rsplit(":", 1)[1])
    # The pool has one slot, and a test before this one may have left a run in it.
    run_id = next(iter(airflow.run_ids("ends_slowly")), None) or airflow.trigger("ends_slowly")
    eventually(lambda: len(sleepers()) == 3, 60, "the task sleeps, and so do both that it started")
    family = descendants(cloud)
    stopping = time.monotonic()
    stack.close()
    stopped_in = time.monotonic() - stopping
    assert [process for process in family if is_alive(process)] == []
    assert processes_of(cloud.settings.home) == []
    assert sleepers() == []
    assert not answers("127.0.0.1", port)
    assert not socket_folder(cloud.settings).exists()
    # A busy machine takes its time; the task would have slept on for much longer.
    assert stopped_in < 60
    stack.callback(daemon.stop, cloud.settings)
    daemon.start(cloud.settings, ["airflow"], lambda _: None)
    # The task has told its end while it could: its run is not waited for.
    assert Airflow.of(cloud.settings).wait("ends_slowly", run_id, 20).state == "failed"
    eventually(lambda: Airflow.of(cloud.settings).run_ids("every_hour"), 20, "the schedule is kept")


def test_when_the_supervisor_is_killed_airflow_and_its_running_task_end_within_seconds(cloud: Cloud) -> None:
    Airflow.of(cloud.settings).trigger("ends_slowly")
    eventually(lambda: len(sleepers()) == 3, 60, "the task sleeps, and so do both that it started")
    family = descendants(cloud)
    os.kill(int((Instance(cloud.settings.home).state() or {})["pid"]), signal.SIGKILL)
    eventually(lambda: not sleepers() and not any(is_alive(process) for process in family), 10, "all of it has ended")
    eventually(lambda: not processes_of(cloud.settings.home), 10, "nobody else is left")
    assert daemon.stop(cloud.settings).startswith("its supervisor")


def descendants(cloud: Cloud) -> list[psutil.Process]:
    leaders = [psutil.Process(row.pid) for row in rows(cloud.settings) if row.pid]
    assert len(leaders) == 4
    return leaders + [child for leader in leaders for child in leader.children(recursive=True)]


def sleepers() -> list[str]:
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if line.strip() in {"sleep 6111", "sleep 6112", "sleep 6113"}]
