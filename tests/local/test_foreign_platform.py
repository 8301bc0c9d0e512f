"""What is made for the laptop's cloud is never made on AWS."""

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cli.main import run
from local.cloud_resources import create
from local.supervisor import Supervisor
from runtime.aws import AwsPlatform
from runtime.errors import SettingsError
from runtime.settings import REPOSITORY, Settings
from tests.cloud import settings_for

SENTENCE = "laptop's cloud: it runs on a laptop, and FLEETLAKE_PLATFORM is aws; set it to local"


class Untouchable(AwsPlatform):
    def client(self, service: str) -> Any:
        raise AssertionError(f"it asks AWS for {service}")


@pytest.mark.parametrize("command", ["up", "demo"])
def test_a_command_that_starts_the_cloud_is_refused_in_one_line_before_anything_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    monkeypatch.setenv("FLEETLAKE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FLEETLAKE_PLATFORM", "aws")
    assert run([command]) == 1
    assert capsys.readouterr() == ("", f"fleetlake: {SENTENCE}\n")
    assert not (tmp_path / "home").exists()


def test_the_supervisor_refuses_before_anything_is_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="FLEETLAKE_PLATFORM is aws"):
        Supervisor(settings_for(tmp_path / "home", platform="aws"), ["emulator"]).start()
    assert not (tmp_path / "home").exists()


def test_the_resources_of_the_laptops_cloud_are_not_created_on_aws() -> None:
    with pytest.raises(SettingsError, match="FLEETLAKE_PLATFORM is aws"):
        create(Untouchable(dataclasses.replace(Settings(), platform="aws")))


def test_the_process_that_creates_them_says_so_in_one_line(tmp_path: Path) -> None:
    # An endpoint where nobody listens: were it asked, the answer would be another one.
    environment = Settings.from_environment().environment() | {"FLEETLAKE_PLATFORM": "aws", "FLEETLAKE_AWS_ENDPOINT": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-m", "local.cloud_resources"], env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, f"{SENTENCE}\n")
