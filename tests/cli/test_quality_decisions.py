"""Accepting a held run by the command line, through spark-submit and the real gate, and refusing one in the session that is there."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from pyspark.sql import SparkSession

from cli.main import run
from lake.contracts import load_contracts
from lake.publications import State, read_publications
from lake.tables import silver
from runtime.errors import GateFailed
from spark_jobs import silver as silver_job
from spark_jobs.main import parse, steps
from spark_jobs.session import SparkLake, session_of
from tests.cloud import Cloud, running_cloud
from tests.spark import put_bronze, quarantined, reading, rows_of

pytestmark = [pytest.mark.spark, pytest.mark.cloud, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running_cloud(tmp_path_factory.mktemp("cloud"), ("emulator",)) as running:
        yield running


@pytest.fixture
def lake(cloud: Cloud, spark_session: SparkSession) -> SparkLake:
    return SparkLake(session_of(spark_session, cloud.platform), cloud.platform, load_contracts(cloud.settings.contracts_folder))


def stuck_room(lake: SparkLake, device_id: str) -> list[dict[str, Any]]:
    """Forty readings; the temperature moves, the other sensors stand still."""
    return [reading(lake.contracts["environment"], device_id, minutes=5 * n, seq=n, temperature_celsius=20 + n % 7) for n in range(40)]


def hold(lake: SparkLake, device_id: str, run_id: str) -> str:
    """A silver run over a stuck room's readings; the sentence it ends with."""
    put_bronze(lake, "environment", stuck_room(lake, device_id), put_at=datetime.now(UTC))
    with pytest.raises(GateFailed) as failure:
        silver_job.run(lake, "environment", run_id)
    return str(failure.value)


def test_a_person_accepts_one_held_run_and_refuses_another(
    cloud: Cloud,
    lake: SparkLake,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name, value in cloud.settings.environment().items():
        monkeypatch.setenv(name, value)
    assert "run day-1.1 is held by the quality gate: stuck: 11 readings in which" in hold(lake, "room-1", "day-1")
    hold(lake, "room-2", "day-2")

    assert run(["quality", "accept", "day-1.1", "--why", "the room was sealed"]) == 0
    assert "run accept-day-1.1.1 is visible" in capsys.readouterr().out
    assert {row["device_id"] for row in rows_of(lake, silver(lake.contracts["environment"]))} == {"room-1"}

    def run_here(_platform: object, arguments: Sequence[str], _what: str) -> str:
        """What spark-submit would run, and its last sentence. How a command starts Spark, accepting has shown."""
        options = parse(arguments)
        with caplog.at_level("INFO", "fleetlake"):
            steps()[options.jobs](lake, options)
        return caplog.messages[-1]

    monkeypatch.setattr("cli.spark_job.run_spark_job", run_here)
    assert run(["quality", "refuse", "day-2.1", "--why", "the sensor is broken"]) == 0
    assert "40 readings are in quarantine" in capsys.readouterr().out
    assert [(row["device_id"], row["reason"]) for row in quarantined(lake, "environment")] == [("room-2", "gate_refused")] * 40
    states = {found.run_id: found.state for found in read_publications(cloud.platform)}
    assert states == {"day-1.1": State.ACCEPTED, "accept-day-1.1.1": State.VISIBLE, "day-2.1": State.REFUSED}

    assert run(["quality", "accept", "day-2.1", "--why", "after all"]) == 1
    assert "it is not held but refused" in capsys.readouterr().err
    assert run(["quality", "show", "day-1.1"]) == 0
    assert "accepted by run accept-day-1.1.1: the room was sealed" in capsys.readouterr().out
