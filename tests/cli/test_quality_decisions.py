"""Holding, accepting and refusing a run by the command line, through spark-submit and the real gate."""

import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from cli.main import run
from lake.contracts import load_contracts
from lake.publications import State, read_publications
from lake.tables import silver
from runtime.settings import REPOSITORY
from spark_jobs.session import SparkLake
from tests.cloud import Cloud, running_cloud
from tests.spark import put_bronze, quarantined, reading, rows_of

# Four Spark jobs, one after the other.
pytestmark = [pytest.mark.spark, pytest.mark.cloud, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running_cloud(tmp_path_factory.mktemp("cloud"), ("emulator",)) as running:
        yield running


def lake_of(cloud: Cloud) -> SparkLake:
    # No session: the jobs have their own.
    return SparkLake(None, cloud.platform, load_contracts(cloud.settings.contracts_folder))  # type: ignore[arg-type]


def stuck_room(lake: SparkLake, device_id: str) -> list[dict[str, Any]]:
    """Forty readings; the temperature moves, the other sensors stand still."""
    return [reading(lake.contracts["environment"], device_id, minutes=5 * n, seq=n, temperature_celsius=20 + n % 7) for n in range(40)]


def hold(cloud: Cloud, lake: SparkLake, device_id: str, run_id: str) -> str:
    """A silver run over a stuck room's readings; what it logged."""
    put_bronze(lake, "environment", stuck_room(lake, device_id))
    command = cloud.platform.spark_command(["silver", "--contract", "environment", "--run-id", run_id])
    environment = {**os.environ, **cloud.settings.environment()}
    job = subprocess.run(
        command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=180, check=False
    )
    assert job.returncode == 1, job.stdout
    return job.stdout


def test_a_person_accepts_one_held_run_and_refuses_another(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in cloud.settings.environment().items():
        monkeypatch.setenv(name, value)
    lake = lake_of(cloud)
    log = hold(cloud, lake, "room-1", "day-1")
    assert "run day-1.1 is held by the quality gate: stuck: 11 readings in which" in log
    assert "Traceback" not in log
    hold(cloud, lake, "room-2", "day-2")

    assert run(["quality", "accept", "day-1.1", "--why", "the room was sealed"]) == 0
    assert "run accept-day-1.1.1 is visible" in capsys.readouterr().out
    assert {row["device_id"] for row in rows_of(lake, silver(lake.contracts["environment"]))} == {"room-1"}

    assert run(["quality", "refuse", "day-2.1", "--why", "the sensor is broken"]) == 0
    assert "40 readings are in quarantine" in capsys.readouterr().out
    assert {(row["device_id"], row["reason"]) for row in quarantined(lake, "environment")} == {("room-2", "gate_refused")}
    states = {found.run_id: found.state for found in read_publications(cloud.platform)}
    assert states == {"day-1.1": State.ACCEPTED, "accept-day-1.1.1": State.VISIBLE, "day-2.1": State.REFUSED}

    assert run(["quality", "accept", "day-2.1", "--why", "after all"]) == 1
    assert "it is not held but refused" in capsys.readouterr().err
    assert run(["quality", "show", "day-1.1"]) == 0
    assert "accepted by run accept-day-1.1.1: the room was sealed" in capsys.readouterr().out
