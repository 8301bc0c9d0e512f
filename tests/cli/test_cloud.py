"""`fleetlake status` and `down`, as a person types them."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.cloud import app
from local.provisioning import provision
from runtime.settings import REPOSITORY
from tests.cloud import running_cloud
from tests.local.mqtt import session
from tests.waiting import eventually


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FLEETLAKE_HOME", str(tmp_path))
    # Wide enough that no row of a table is broken.
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def test_status_and_down_of_a_home_where_nothing_runs_say_so(home: Path) -> None:
    status = CliRunner().invoke(app, ["status"])
    assert (status.exit_code, "is not running; `fleetlake up` starts it" in status.output) == (0, True)
    assert json.loads(CliRunner().invoke(app, ["status", "--json"]).output)["processes"] == []
    down = CliRunner().invoke(app, ["down"])
    assert (down.exit_code, down.output.strip()) == (0, "it was not running")


@pytest.mark.cloud
def test_status_shows_processes_ports_addresses_and_hops(home: Path) -> None:
    with running_cloud(home, ["emulator", "worker"], contracts_folder=REPOSITORY / "contracts") as cloud:
        files = provision(cloud.platform, ["room-1"])["room-1"]
        with session(cloud.platform.mqtt_endpoint(), files, "room-1") as device:
            device.publish("dt/fleetlake/room-1/environment", b"not JSON")
        eventually(lambda: {hop["name"]: hop["readings"] for hop in told()["hops"]}["quarantined"] == 1, 20, "it is quarantined")
        facts = told()
        shown = CliRunner().invoke(app, ["status"]).output
    assert [(row["name"], row["state"]) for row in facts["processes"]] == [("emulator", "healthy"), ("worker", "healthy")]
    assert [hop["name"] for hop in facts["hops"]] == ["sent", "queued", "bronze", "quarantined", "silver", "time series"]
    mqtt_port = facts["endpoints"]["mqtt_port"]
    assert mqtt_port in facts["processes"][0]["ports"]
    assert f"127.0.0.1:{mqtt_port} (mutual TLS)" in shown
    assert "quarantined" in shown


def told() -> dict[str, Any]:
    return dict(json.loads(CliRunner().invoke(app, ["status", "--json"]).output))
