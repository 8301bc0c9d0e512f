"""What is asked before a fleet is planned."""

import dataclasses
from pathlib import Path

import pytest

from local.simulator.fleet import simulate
from runtime.errors import ServiceError
from runtime.local import LocalPlatform
from runtime.settings import Settings
from tests.local.simulator.fleets import plan


def test_whether_a_cloud_runs_is_asked_before_the_fleet_is_planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def planned(*_: object) -> None:
        raise AssertionError("it plans for nobody")

    monkeypatch.setattr("local.simulator.fleet.samples", planned)
    with pytest.raises(ServiceError, match="is not running"):
        simulate(LocalPlatform(dataclasses.replace(Settings(), home=tmp_path)), plan())
