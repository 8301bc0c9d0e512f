"""A worker that dies between two of its effects: its messages come back, and nothing is lost or there twice that was not before.

On the emulator's queue and bucket, with workers as processes of their own.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ingestion.contract_folder import ContractFolder
from ingestion.counters import Counters
from ingestion.worker import BOUNDARIES, Worker
from lake.identity import event_id, quarantine_id
from lake.objects import list_keys
from runtime.settings import REPOSITORY
from tests.cloud import Cloud, running_cloud
from tests.ingestion.builders import NOON_MS, body, contracts_in, pack, reading
from tests.waiting import eventually

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    home = tmp_path_factory.mktemp("killed")
    contracts_in(home / "contracts")
    with running_cloud(home, contracts_folder=home / "contracts", visibility_seconds=2, batch_seconds=0.2) as running:
        yield running


def queue_of(cloud: Cloud) -> str:
    return str(cloud.platform.client("sqs").get_queue_url(QueueName=cloud.settings.telemetry_queue)["QueueUrl"])


def left(cloud: Cloud) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = cloud.platform.client("sqs").get_queue_attributes(QueueUrl=queue_of(cloud), AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


def start(cloud: Cloud, *command: str) -> "subprocess.Popen[bytes]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FLEETLAKE_")}
    environment |= cloud.settings.environment() | {"PYTHONPATH": str(REPOSITORY)}
    return subprocess.Popen([sys.executable, "-m", *command], cwd=REPOSITORY, env=environment, stdout=subprocess.DEVNULL)


def finish(cloud: Cloud) -> Counters:
    """A healthy worker, in this process, until the queue is empty; what it did."""
    worker = Worker(cloud.platform, ContractFolder(cloud.settings.contracts_folder))

    def is_empty() -> bool:
        worker.step()
        return worker.is_idle and left(cloud) == 0

    eventually(is_empty, 30, "the queue is empty")
    return worker.counters


def rows(cloud: Cloud, prefix: str, device: str) -> list[dict[str, Any]]:
    files = [cloud.platform.object_uri(key).removeprefix("file://") for key in list_keys(cloud.platform, prefix)]
    return [row for file in files for row in pq.read_table(Path(file)).to_pylist() if row["device_id"] == device]


@pytest.mark.parametrize("boundary", ["decoded", "put_bronze", "wrote_timeseries", "deleted"])
def test_a_worker_killed_at_a_boundary_loses_nothing(cloud: Cloud, boundary: str) -> None:
    device = f"b-{boundary}"
    wrong = json.dumps(reading(2, water=500)).encode()
    message = body(pack(reading(0), reading(1), reading(2, water=500)), device_id=device)
    cloud.platform.client("sqs").send_message(QueueUrl=queue_of(cloud), MessageBody=message)

    killed = start(cloud, "tests.ingestion.killed_worker", boundary)
    assert killed.wait(30) == -signal.SIGKILL
    was_deleted = boundary == "deleted"
    assert left(cloud) == (0 if was_deleted else 1)
    put_before = len(rows(cloud, "bronze/", device))
    assert put_before == (2 if BOUNDARIES.index(boundary) >= BOUNDARIES.index("put_bronze") else 0)

    told = finish(cloud)
    assert told.redelivered == (0 if was_deleted else 1)
    # The same name again is met (412), unless the hour turned meanwhile: then a duplicate is in bronze for silver to drop.
    if put_before and not was_deleted:
        assert told.existing == 1 or len(rows(cloud, "bronze/", device)) == 4
    expected = {event_id(device, "boiler", NOON_MS + count * 60_000, "b7", count) for count in (0, 1)}
    assert {row["event_id"] for row in rows(cloud, "bronze/", device)} == expected
    refused = {row["quarantine_id"] for row in rows(cloud, "quarantine/", device)}
    assert refused == {quarantine_id(f"dt/fleetlake/{device}/boiler", wrong, 2)}
    start_of_all, end_of_all = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    assert len(cloud.platform.time_series().range("boiler", device, start_of_all, end_of_all)) == 2


def test_many_messages_through_many_deaths_are_all_there(cloud: Cloud) -> None:
    device = "b-many"
    received = NOON_MS + 86_400_000
    sqs, queue = cloud.platform.client("sqs"), queue_of(cloud)
    for count in range(60):
        sqs.send_message(
            QueueUrl=queue, MessageBody=body(pack(reading(count), reading(60 + count)), device_id=device, received_ms=received)
        )
    deaths = 0
    for boundary in ("wrote_timeseries", "put_bronze", "wrote_timeseries"):
        deaths += start(cloud, "tests.ingestion.killed_worker", boundary).wait(30) == -signal.SIGKILL
    assert deaths == 3
    told = finish(cloud)
    assert told.redelivered > 0
    found = [row["event_id"] for row in rows(cloud, "bronze/", device)]
    assert set(found) == {event_id(device, "boiler", NOON_MS + count * 60_000, "b7", count) for count in range(120)}
    dead = sqs.get_queue_url(QueueName=cloud.settings.dead_letter_queue)["QueueUrl"]
    depth = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    assert depth == {"ApproximateNumberOfMessages": "0"}


def test_a_worker_that_is_asked_to_stop_finishes_its_batch(cloud: Cloud) -> None:
    file = cloud.settings.home / "run" / "worker.json"
    file.unlink(missing_ok=True)
    worker = start(cloud, "ingestion.worker")
    eventually(file.exists, 30, "the worker has started")
    cloud.platform.client("sqs").send_message(QueueUrl=queue_of(cloud), MessageBody=body(pack(reading(0)), device_id="b-last"))
    eventually(lambda: json.loads(file.read_text())["received"] == 1, 30, "the worker has the message in hand")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0
    told = json.loads(file.read_text())
    assert (told["deleted"], told["bronze"], left(cloud)) == (1, 1, 0)
