"""A supervisor that is killed outright leaves nothing, however long its processes would take to end."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from cli.main import run
from local import daemon, sessions
from local.airflow_client import Airflow
from local.instance import Instance
from runtime.settings import Settings
from tests.cloud import running_cloud, settings_for
from tests.local.test_airflow import CONTRACT, DAG_FILE, sleepers
from tests.local.test_supervisor import is_alive, processes_of
from tests.waiting import eventually

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(300)]

# Neither the kernel's wish nor a polite one ends it.
STUBBORN = """
import signal, time
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(600)
"""


def stubborn(home: Path, name: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, sessions.MARK: sessions.mark(home, name)}
    started = subprocess.Popen([sys.executable, "-c", STUBBORN], env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert started.stdout
    assert started.stdout.readline() == "deaf\n"
    return started


def kill_supervisor(settings: Settings) -> int:
    pid = int((Instance(settings.home).state() or {})["pid"])
    os.kill(pid, signal.SIGKILL)
    return pid


def test_what_does_not_end_when_it_is_asked_is_ended_and_down_says_what_there_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_for(tmp_path)
    daemon.start(settings, ["emulator"], lambda sentence: None)
    job = stubborn(tmp_path, "airflow-scheduler")
    pid = kill_supervisor(settings)
    assert job.wait(10) == -signal.SIGKILL
    eventually(lambda: not processes_of(tmp_path), 10, "nothing of it is left")
    assert Instance(tmp_path).endpoints() == {}
    monkeypatch.setenv("FLEETLAKE_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    assert [run(["status"]), run(["down"]), run(["down"])] == [0, 0, 0]
    said = capsys.readouterr().out.splitlines()
    assert f"it stopped because of: its supervisor (pid {pid}) was killed" in said
    killed = f"its supervisor (pid {pid}) was killed before; ended since: emulator"
    assert said[-2:] == [killed, "it was not running"]


def test_down_ends_and_names_what_is_left_where_the_survivor_was_killed_too(tmp_path: Path) -> None:
    left = stubborn(tmp_path, "worker")
    instance = Instance(tmp_path)
    instance.tell(pid=left.pid, state="running")
    instance.tell_processes({"worker": (left.pid, psutil.Process(left.pid).create_time()), "emulator": (left.pid, 1.0)})
    assert daemon.stop(settings_for(tmp_path)) == f"its supervisor (pid {left.pid}) was killed before; ended since: worker"
    assert left.wait(5) == -signal.SIGKILL


def test_a_start_right_after_the_death_waits_until_the_old_one_is_gone(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    daemon.start(settings, ["emulator"], lambda sentence: None)
    job = stubborn(tmp_path, "worker")
    kill_supervisor(settings)
    with running_cloud(tmp_path) as cloud:
        assert job.wait(5) == -signal.SIGKILL
        cloud.supervisor.check()
        assert cloud.platform.client("s3").list_buckets()["Buckets"]


def test_airflow_and_its_running_task_end_within_seconds(tmp_path: Path) -> None:
    for name, file, text in (("contracts", "kiln.yaml", CONTRACT), ("dags", "kiln.py", DAG_FILE)):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text(text.replace("sleep 611", "sleep 622"))
    places = {"contracts_folder": tmp_path / "contracts", "dags_folder": tmp_path / "dags"}
    settings = settings_for(tmp_path / "home", **places)
    daemon.start(settings, ["airflow"], lambda sentence: None)
    family = [psutil.Process(pid) for pid, _ in Instance(settings.home).processes().values() if psutil.pid_exists(pid)]
    Airflow.of(settings).trigger("ends_slowly")
    eventually(lambda: len(sleepers("622")) == 3, 60, "the task sleeps, and so do both that it started")
    family += [child for process in list(family) for child in process.children(recursive=True)]
    kill_supervisor(settings)
    eventually(lambda: not sleepers("622") and not any(is_alive(process) for process in family), 10, "all of it has ended")
    eventually(lambda: not processes_of(settings.home), 10, "nobody else is left")
    assert daemon.stop(settings).startswith("its supervisor")
