"""A supervisor that is killed outright leaves nothing, however long its processes would take to end."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from cli.main import run
from local import daemon, sessions
from local.instance import Instance
from runtime.settings import Settings
from tests.cloud import running_cloud, settings_for
from tests.local.test_supervisor import processes_of
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
