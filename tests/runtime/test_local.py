"""Where the laptop's cloud is asked: only while its supervisor holds the home."""

import dataclasses
import fcntl
import json
from pathlib import Path

import pytest

from runtime.errors import ServiceError
from runtime.local import LocalPlatform
from runtime.settings import Settings


def told(home: Path) -> LocalPlatform:
    """A home whose supervisor has told its addresses."""
    (home / "run").mkdir()
    (home / "run" / "endpoints.json").write_text(
        json.dumps({"aws_endpoint": "http://127.0.0.1:9", "mqtt_host": "127.0.0.1", "mqtt_port": 9})
    )
    (home / "run" / "supervisor.lock").touch()
    return LocalPlatform(dataclasses.replace(Settings(), home=home))


def test_the_addresses_of_a_supervisor_that_was_killed_are_not_believed(tmp_path: Path) -> None:
    platform = told(tmp_path)
    sentence = f"^the laptop's cloud in {tmp_path} is not running; start it with `fleetlake up`$"
    with pytest.raises(ServiceError, match=sentence):
        platform.client("s3")
    with pytest.raises(ServiceError, match=sentence):
        platform.mqtt_endpoint()


def test_those_of_one_that_holds_the_home_are(tmp_path: Path) -> None:
    platform = told(tmp_path)
    with (tmp_path / "run" / "supervisor.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert platform.aws_endpoint == "http://127.0.0.1:9"
        assert platform.mqtt_endpoint() == ("127.0.0.1", 9)
