"""What waits in the queues of a running cloud, read without taking anything away."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from lake.law_queues import UNREACHABLE, Message, read_queues
from runtime.local import LocalPlatform
from tests.cloud import Cloud, running_cloud, send, settings_for

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running_cloud(tmp_path_factory.mktemp("queues")) as running:
        yield running


def test_dead_letters_are_read_and_stay_and_the_queues_that_are_taken_from_are_only_counted(cloud: Cloud) -> None:
    payload = base64.b64encode(b'{"ts": 1}').decode()
    envelope = {"payload": payload, "device_id": "b-1", "contract": "boiler", "received_at": 1}
    for _ in range(12):
        send(cloud, cloud.settings.dead_letter_queue, envelope)
    failed = {"topic": "$aws/rules/fleetlake_telemetry/dt/fleetlake/b-1/boiler", "base64OriginalPayload": payload}
    send(cloud, cloud.settings.dead_letter_queue, failed)
    send(cloud, cloud.settings.error_queue, failed)
    send(cloud, cloud.settings.telemetry_queue, envelope)
    message = Message("dt/fleetlake/b-1/boiler", b'{"ts": 1}')
    for _ in range(3):
        found = read_queues(cloud.platform)
        assert (found.waiting, found.dead) == (2, (message,) * 13)


def test_a_cloud_that_does_not_run_cannot_be_asked(tmp_path: Path) -> None:
    assert read_queues(LocalPlatform(settings_for(tmp_path))) == UNREACHABLE
