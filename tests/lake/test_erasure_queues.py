"""A device's messages taken out of the queues of a running cloud; all others stay, and can be received at once."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from lake.erased_device import Device
from lake.erasure_queues import Looked, erase_queued
from runtime.sqs import Queue
from tests.cloud import Cloud, running_cloud, send

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running_cloud(tmp_path_factory.mktemp("erasure")) as running:
        yield running


def message(device: str, payload: bytes = b"{}") -> dict[str, Any]:
    return {"payload": base64.b64encode(payload).decode(), "device_id": device, "contract": "boiler", "received_at": 1}


def test_its_messages_go_from_all_three_queues_and_no_others(cloud: Cloud) -> None:
    settings = cloud.settings
    for number in range(12):
        send(cloud, settings.telemetry_queue, message("b-1", f"{number}".encode()))
        send(cloud, settings.telemetry_queue, message("b-10", f"{number}".encode()))
    # Another device's message that says to be of this one, and what the rule's error action writes.
    send(cloud, settings.dead_letter_queue, message("b-2", b'{"device_id": "b-1"}'))
    send(cloud, settings.dead_letter_queue, message("b-2", b'{"device_id": "b-10"}'))
    # What only has the word in it is another's, and so is what another sent about it.
    send(cloud, settings.dead_letter_queue, message("b-2", b'{"neighbour": "b-1", "note": "b-1"}'))
    failed = {"topic": "$aws/rules/fleetlake_telemetry/dt/fleetlake/{}/boiler", "base64OriginalPayload": "e30="}
    for device in ("b-1", "b-2"):
        send(cloud, settings.error_queue, failed | {"topic": failed["topic"].format(device)})
    found = {looked.queue: looked for looked in erase_queued(cloud.platform, Device("b-1"))}
    assert found == {
        settings.telemetry_queue: Looked(settings.telemetry_queue, 24, 12, 0),
        settings.error_queue: Looked(settings.error_queue, 2, 1, 0),
        settings.dead_letter_queue: Looked(settings.dead_letter_queue, 3, 1, 0),
    }
    again = {looked.queue: (looked.seen, looked.deleted) for looked in erase_queued(cloud.platform, Device("b-1"))}
    assert again == {settings.telemetry_queue: (12, 0), settings.error_queue: (1, 0), settings.dead_letter_queue: (2, 0)}
    left = Queue(cloud.platform.client("sqs"), settings.telemetry_queue).receive(0, 0)
    assert {json.loads(letter.body)["device_id"] for letter in left} == {"b-10"}
