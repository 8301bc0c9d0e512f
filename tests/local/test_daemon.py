"""The supervisor in the background: it starts, says why it cannot, starts what crashed again, and leaves nothing."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from local import daemon
from local.instance import Instance
from local.status import rows
from runtime.errors import ServiceError
from runtime.settings import REPOSITORY
from tests.cloud import settings_for
from tests.local.test_supervisor import ports_of, processes_of
from tests.waiting import eventually

pytestmark = pytest.mark.cloud


def test_the_daemon_starts_reports_and_stops(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    said: list[str] = []
    daemon.start(settings, ["emulator"], said.append)
    try:
        assert [sentence.split(":")[0] for sentence in said] == ["starting emulator", "starting cloud-resources"]
        row = {row.name: row for row in rows(settings)}["emulator"]
        assert row.state == "healthy"
        assert sorted(ports_of(Instance(tmp_path).endpoints())) == list(row.ports)
    finally:
        assert daemon.stop(settings) == "stopped"
    assert processes_of(tmp_path) == []
    assert rows(settings) == []
    assert daemon.stop(settings) == "it was not running"


START = """
import signal, sys
from pathlib import Path
from local import daemon
from tests.cloud import settings_for
signal.signal(signal.SIGINT, signal.default_int_handler)
print("starting", flush=True)
daemon.start(settings_for(Path(sys.argv[1])), ["emulator", "worker", "airflow"], lambda sentence: print(sentence, flush=True))
"""


@pytest.mark.parametrize("moment", ["starting", "starting emulator", "starting cloud-resources", "starting airflow-database-setup"])
def test_an_interrupt_at_any_moment_of_the_start_leaves_nothing(tmp_path: Path, moment: str) -> None:
    command = [sys.executable, "-c", START, str(tmp_path)]
    starting = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert starting.stdout
    assert any(line.startswith(moment) for line in starting.stdout)
    starting.send_signal(signal.SIGINT)
    errors = starting.communicate(timeout=60)[1]
    assert "KeyboardInterrupt" in errors
    assert processes_of(tmp_path) == []
    assert not Instance(tmp_path).is_claimed()


def test_the_daemon_that_loses_the_emulator_stops_and_leaves_the_reason(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    daemon.start(settings, ["emulator"], lambda sentence: None)
    os.kill(Instance(tmp_path).processes()["emulator"][0], signal.SIGKILL)
    eventually(lambda: not processes_of(tmp_path), 15, "everything stopped")
    assert "emulator ended (killed by SIGKILL)" in str((Instance(tmp_path).state() or {})["why"])


def test_the_daemon_starts_a_crashed_worker_again_and_says_so(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    daemon.start(settings, ["emulator", "worker"], lambda sentence: None)
    try:
        before = Instance(tmp_path).processes()["worker"][0]
        os.kill(before, signal.SIGKILL)
        eventually(lambda: (Instance(tmp_path).state() or {})["crashes"], 10, "the crash is noted")
        eventually(lambda: [row.state for row in rows(settings)] == ["healthy", "healthy"], 20, "the worker is well again")
        assert Instance(tmp_path).processes()["worker"][0] != before
        crash = (Instance(tmp_path).state() or {})["crashes"][0]
        assert crash == f"worker ended (killed by SIGKILL); see the end of its log {tmp_path}/logs/worker.log"
    finally:
        daemon.stop(settings)
    assert processes_of(tmp_path) == []


def test_a_daemon_that_cannot_start_says_why(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServiceError, match=f"cannot listen on 127.0.0.1:{port}"):
            daemon.start(settings_for(tmp_path, aws_port=port), ["emulator"], lambda sentence: None)
    assert processes_of(tmp_path) == []


def test_of_two_starts_at_once_the_slower_says_that_there_is_another(tmp_path: Path) -> None:
    quicker = Instance(tmp_path)
    quicker.claim()
    quicker.tell(state="starting", said=[])
    with pytest.raises(ServiceError, match=rf"another start of it was quicker \(pid {os.getpid()}\); `fleetlake status` shows it"):
        daemon.start(settings_for(tmp_path), ["emulator"], lambda _: None)
    quicker.release()
