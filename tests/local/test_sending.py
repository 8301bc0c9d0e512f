"""Simulated devices over the real broker: mutual TLS, topic rule, queue."""

import base64
import json
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local import sending
from local.device import Device
from local.message import REFUSED, Message, SentReading
from local.provisioning import DeviceFiles, provision
from local.replay import Replay, replay
from local.sending import Progress, send
from local.simulator.fault_kinds import every_fault
from local.simulator.fleet import simulate, stream
from local.truth import Truth
from runtime.errors import ServiceError
from tests.cloud import Cloud, running_cloud
from tests.local.simulator.fleets import CONTRACTS, plan
from tests.local.test_replay import cmapss

pytestmark = pytest.mark.cloud
SMALL: dict[str, Any] = {"hours": 12, "devices": {"turbofan": 3, "pump": 2}, "pack": 20}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running_cloud(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(autouse=True)
def _empty_queue(cloud: Cloud) -> None:
    arrived(cloud)


def arrived(cloud: Cloud) -> list[dict[str, Any]]:
    """What the rule wrote to the queue, taken out of it."""
    sqs = cloud.platform.client("sqs")
    url = sqs.get_queue_url(QueueName=cloud.settings.telemetry_queue)["QueueUrl"]
    found: list[dict[str, Any]] = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        found += [json.loads(message["Body"]) for message in messages]
        entries = [{"Id": str(i), "ReceiptHandle": message["ReceiptHandle"]} for i, message in enumerate(messages)]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    return found


def lines(file: Path, kind: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, file.read_text().splitlines()) if line["kind"] == kind]


def one_message(device_id: str, topic_device: str, content: bytes = b'{"ts": 1793620800000}') -> Message:
    return Message(device_id, topic_device, "pump", content, (SentReading(content, 0, fate=REFUSED),))


def test_every_acknowledged_message_reaches_the_queue_byte_for_byte_from_its_own_device(cloud: Cloud) -> None:
    sent = simulate(cloud.platform, plan(**SMALL))
    assert (sent.acknowledged, sent.refused) == (sent.readings, 0)
    expected = Counter((m.device_id, m.contract, m.payload) for m in stream(plan(**SMALL), CONTRACTS))
    found = arrived(cloud)
    assert Counter((body["client_id"], body["contract"], base64.b64decode(body["payload"])) for body in found) == expected
    assert all(body["client_id"] == body["device_id"] for body in found)


def test_with_every_fault_only_what_names_another_device_s_topic_is_refused(cloud: Cloud) -> None:
    asked = plan(**SMALL | {"faults": every_fault(0.2)})
    sent = simulate(cloud.platform, asked)
    readings = lines(sent.truth_file, "reading")
    answers = {line["message"]: line for line in lines(sent.truth_file, "ack")}
    foreign = [line for line in readings if line["fault"] == "foreign_topic"]
    assert foreign
    (told,) = lines(sent.truth_file, "run")
    assert told["plan"]["unsent"] == {"silence": sent.faults["silence"]}
    assert sent.faults.keys() == every_fault(0.2).keys()
    assert {answers[line["message"]]["result"] for line in foreign} == {"refused"}
    assert {answers[line["message"]]["reason"] for line in foreign} == {"Not authorized"}
    assert {answers[line["message"]]["result"] for line in readings if line["fault"] != "foreign_topic"} == {"acknowledged"}
    assert sent.refused == len(foreign)
    refused = {base64.b64decode(line["bytes"]) for line in foreign}
    assert not any(content in base64.b64decode(body["payload"]) for body in arrived(cloud) for content in refused)


def test_a_resent_message_arrives_twice_over_two_connections(cloud: Cloud) -> None:
    sent = simulate(cloud.platform, plan(**SMALL | {"faults": {"resend": 1.0}}))
    payloads = Counter(base64.b64decode(body["payload"]) for body in arrived(cloud))
    full = {m.payload for m in stream(plan(**SMALL | {"faults": {"resend": 1.0}}), CONTRACTS) if m.reconnect}
    assert full
    assert all(payloads[payload] >= 2 for payload in full)
    assert sent.acknowledged == sent.readings


def test_device_a_on_its_own_certificate_is_refused_on_b_s_topic_and_truth_says_so(cloud: Cloud, tmp_path: Path) -> None:
    provision(cloud.platform, ["pump-b"])
    messages = [one_message("pump-a", "pump-b"), one_message("pump-a", "pump-a", b'{"ts": 1}')]
    with Truth(tmp_path / "t.jsonl", "run", {}) as truth:
        sent = send(cloud.platform, messages, truth)
    assert (sent.acknowledged, sent.refused) == (1, 1)
    (reading,) = [line for line in lines(truth.file, "reading") if line["device_id"] == "pump-b"]
    assert reading["client_id"] == "pump-a"
    assert {line["result"] for line in lines(truth.file, "ack") if line["message"] == reading["message"]} == {"refused"}
    assert [body["device_id"] for body in arrived(cloud)] == ["pump-a"]


def test_a_recording_is_sent_as_devices_of_its_own(cloud: Cloud, tmp_path: Path) -> None:
    sent = replay(cloud.platform, Replay(cmapss(tmp_path, {1: 3, 2: 5}), failures=True))
    assert (sent.readings, sent.acknowledged) == (10, 10)
    assert Counter((body["device_id"], body["contract"]) for body in arrived(cloud)) == {
        ("train_X-1", "turbofan"): 1, ("train_X-2", "turbofan"): 1, ("train_X-1", "maintenance"): 1, ("train_X-2", "maintenance"): 1,
    }  # fmt: skip


def test_progress_tells_connections_then_counts_up_to_all(cloud: Cloud) -> None:
    told: list[Progress] = []
    sent = simulate(cloud.platform, plan(**SMALL), progress=told.append)
    assert [now.connected for now in told[:5]] == [1, 2, 3, 4, 5]
    assert told[-1] == Progress(sent.readings, sent.readings, sent.readings, 0, 5, 5)
    assert all(now.acknowledged <= now.sent <= now.planned for now in told)


def test_a_hundred_devices_connect_and_send(cloud: Cloud) -> None:
    sent = simulate(cloud.platform, plan(hours=2, devices={"environment": 100}))
    assert (sent.readings, sent.acknowledged) == (2400, 2400)
    assert len({body["client_id"] for body in arrived(cloud)}) == 100


def test_while_the_broker_is_silent_progress_is_told_and_may_end_the_sending(tmp_path: Path) -> None:
    with running_cloud(tmp_path / "home") as doomed:

        def watch(now: Progress) -> None:
            if now.sent == 1 and not killed:
                killed.append(True)
                doomed.supervisor.stop()
            elif killed:
                raise ServiceError("the cloud is gone")

        killed: list[bool] = []
        messages = [one_message("pump-a", "pump-a") for _ in range(1000)]
        with Truth(tmp_path / "t.jsonl", "run", {}) as truth, pytest.raises(ServiceError, match="is gone"):
            send(doomed.platform, messages, truth, watch)
    assert lines(truth.file, "reading")


def test_a_silent_broker_is_spoken_of_before_it_is_given_up(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sending, "_QUIET_SECONDS", 1)
    monkeypatch.setattr(sending, "_PATIENCE_SECONDS", 2)
    with Truth(tmp_path / "t.jsonl", "run", {}) as truth:
        senders = sending.Senders(cloud.platform, [], truth, lambda _: None)
        monkeypatch.setattr(senders, "_window", threading.Semaphore(0))
        with pytest.raises(ServiceError, match="acknowledged nothing for 2 s"):
            senders.wait()
    assert caplog.messages == ["the broker has acknowledged nothing for 1 s; after 2 s the sending ends"]


def test_a_device_whose_certificate_nobody_knows_is_told_so(cloud: Cloud, tmp_path: Path) -> None:
    mine = provision(cloud.platform, ["pump-a"])["pump-a"]
    key, certificate = _foreign_certificate(tmp_path)
    device = Device("pump-a", DeviceFiles(key, certificate, mine.ca), cloud.platform.mqtt_endpoint(), lambda token, refusal: None)

    def connect() -> None:
        device.begin()
        device.ready()

    with pytest.raises(ServiceError, match=r"device pump-a.*certificate registered"):
        connect()


def test_a_broker_that_is_not_there_is_said_in_one_line(cloud: Cloud) -> None:
    files = provision(cloud.platform, ["pump-a"])["pump-a"]
    with pytest.raises(ServiceError, match="is the cloud up"):
        Device("pump-a", files, ("127.0.0.1", 1), lambda token, refusal: None).begin()


def _foreign_certificate(folder: Path) -> tuple[Path, Path]:
    from local.authority import Authority

    key, certificate = Authority.at(folder / "other").issue("pump-a")
    (folder / "a.key").write_text(key)
    (folder / "a.pem").write_text(certificate)
    return folder / "a.key", folder / "a.pem"
