"""The state of a process is its own, whatever becomes of what it has started."""

import os
import subprocess
from collections.abc import Iterator

import pytest

from local import sessions
from local.processes import PROCESSES
from local.status import Row, _row
from runtime.settings import Settings

POSTGRES = next(process for process in PROCESSES if process.name == "airflow-database")


@pytest.fixture
def leader() -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


@pytest.fixture(autouse=True)
def _is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.health.trouble", lambda _name, _settings: None)


def row(process: "subprocess.Popen[bytes]") -> Row:
    return _row(POSTGRES, process.pid, Settings())


def test_a_task_that_ends_while_it_is_looked_at_does_not_make_its_scheduler_crashed(
    leader: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch
) -> None:
    task = subprocess.Popen(["true"])
    task.wait()
    monkeypatch.setattr(sessions, "members", lambda pid: [pid, task.pid])
    found = row(leader)
    assert (found.state, found.pid) == ("healthy", leader.pid)
    assert found.megabytes > 0


def test_a_process_that_was_killed_is_crashed_before_and_after_somebody_has_waited_for_it(leader: "subprocess.Popen[bytes]") -> None:
    leader.kill()
    os.waitid(os.P_PID, leader.pid, os.WEXITED | os.WNOWAIT)
    assert row(leader).state == "crashed"
    leader.wait()
    assert row(leader).state == "crashed"
