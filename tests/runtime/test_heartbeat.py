"""A process that has not written its state for a minute does not live."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from runtime.heartbeat import silence
from runtime.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "run").mkdir()
    return replace(Settings(), home=tmp_path)


def tell(settings: Settings, seconds_ago: float, **state: object) -> None:
    file = settings.home / "run" / "worker.json"
    file.write_text(json.dumps(state))
    told = time.time() - seconds_ago
    os.utime(file, (told, told))


def test_a_state_that_is_young_is_a_life(settings: Settings) -> None:
    tell(settings, 30, received=1)
    assert silence(settings, "worker") is None
    assert silence(settings, "worker", longest=10) == "it has not written its state for 30 s"


def test_a_state_of_a_minute_ago_or_none_or_the_last_one_is_not(settings: Settings) -> None:
    assert silence(settings, "worker") == "it has not written its state yet"
    tell(settings, 90)
    assert silence(settings, "worker") == "it has not written its state for 90 s"
    tell(settings, 0, ended=True)
    assert silence(settings, "worker") == "it has ended"


def test_as_a_command_it_exits_as_a_container_asks(settings: Settings) -> None:
    def run() -> subprocess.CompletedProcess[str]:
        environment = {"FLEETLAKE_HOME": str(settings.home), "PATH": os.environ["PATH"]}
        command = [sys.executable, "-m", "runtime.heartbeat", "worker"]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert (run().returncode, run().stderr) == (1, "worker: it has not written its state yet\n")
    tell(settings, 0)
    assert (run().returncode, run().stderr) == (0, "")
