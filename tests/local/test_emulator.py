"""Each hazard of the emulator, with the launcher on: FACTS says what it does without."""

import base64
import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import psutil
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from local.authority import Authority
from local.provisioning import DeviceFiles, provision
from runtime.settings import REPOSITORY
from tests.cloud import Cloud, running_cloud
from tests.local.mqtt import Session, session
from tests.waiting import eventually

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture(scope="module")
def devices(cloud: Cloud) -> dict[str, DeviceFiles]:
    return provision(cloud.platform, ["engine-a", "engine-b"])


def test_a_thing_that_is_there_is_provisioned_as_it_is(cloud: Cloud) -> None:
    iot = cloud.platform.client("iot")
    iot.create_thing_type(thingTypeName="turbofan")
    iot.create_thing(thingName="engine-typed", thingTypeName="turbofan", attributePayload={"attributes": {"site": "hall-3"}})
    files = provision(cloud.platform, ["engine-typed"])["engine-typed"]
    thing = iot.describe_thing(thingName="engine-typed")
    assert (thing["thingTypeName"], thing["attributes"]) == ("turbofan", {"site": "hall-3"})
    assert files.certificate.exists()
    assert len(iot.list_thing_principals(thingName="engine-typed")["principals"]) == 1


@pytest.fixture
def messages(cloud: Cloud) -> "Messages":
    queue = Messages(cloud)
    queue.take()
    return queue


class Messages:
    """The telemetry queue, emptied as it is read."""

    def __init__(self, cloud: Cloud) -> None:
        self._sqs = cloud.platform.client("sqs")
        self._url = self._sqs.get_queue_url(QueueName=cloud.settings.telemetry_queue)["QueueUrl"]

    def take(self) -> list[dict[str, Any]]:
        bodies: list[dict[str, Any]] = []
        while received := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages"):
            for message in received:
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
                bodies.append(json.loads(message["Body"]))
        return bodies


def listeners(pid: int) -> set[str]:
    return {connection.laddr.ip for connection in psutil.Process(pid).net_connections("tcp") if connection.status == "LISTEN"}


def write_files(folder: Path, key: str, certificate: str, ca: Path) -> DeviceFiles:
    folder.mkdir()
    (folder / "device.key").write_text(key)
    (folder / "device.pem").write_text(certificate)
    return DeviceFiles(folder / "device.key", folder / "device.pem", ca)


def saved(home: Path, service: str, text: str) -> bool:
    file = home / "cloud" / "state" / f"{service}.json"
    return file.exists() and text in file.read_text()


def refused(cloud: Cloud, files: DeviceFiles, client_id: str) -> bool:
    """Whether the broker turns the certificate away, at the handshake or at the first packet."""
    attempt = Session(files, client_id)
    try:
        return attempt.connect(cloud.platform.mqtt_endpoint()) != "connected: Success"
    except (ssl.SSLError, ConnectionError):
        return True
    finally:
        attempt.close()


@pytest.mark.parametrize(
    "payload",
    [
        b'{"boot": "b1", "readings": []}',
        b"not JSON at all",
        b"\xff\xfe\x00binary",
        b"",
        b'{"value": 1e400, "device_id": "engine-b"}',
        b"[" * 5000 + b"]" * 5000,
        b'{"value": ' + b"7" * 5000 + b"}",
        b"NaN",
    ],
    ids=["pack", "text", "binary", "empty", "clash", "deep", "long number", "NaN"],
)
def test_the_queue_gets_the_bytes_that_the_device_sent(
    cloud: Cloud, devices: dict[str, DeviceFiles], messages: Messages, payload: bytes
) -> None:
    with session(cloud.platform.mqtt_endpoint(), devices["engine-a"], "engine-a") as device:
        assert device.publish("dt/fleetlake/engine-a/turbofan", payload) == "published: Success"
        assert device.publish("dt/fleetlake/engine-a/turbofan", b"after") == "published: Success"
    received = sorted(messages.take(), key=lambda message: bool(message["payload"] == base64.b64encode(b"after").decode()))
    assert [base64.b64decode(message["payload"]) for message in received] == [payload, b"after"]
    assert {(message["device_id"], message["contract"], message["client_id"]) for message in received} == {
        ("engine-a", "turbofan", "engine-a")
    }
    assert all(message["trace_id"] and message["principal"] and isinstance(message["received_at"], int) for message in received)


def test_basic_ingest_reaches_the_same_rule_with_the_same_topic_parts(
    cloud: Cloud, devices: dict[str, DeviceFiles], messages: Messages
) -> None:
    with session(cloud.platform.mqtt_endpoint(), devices["engine-a"], "engine-a") as device:
        assert device.publish("$aws/rules/fleetlake_telemetry/dt/fleetlake/engine-a/pump", b"{}") == "published: Success"
    assert [(message["device_id"], message["contract"]) for message in messages.take()] == [("engine-a", "pump")]


@pytest.mark.parametrize(
    "topic",
    [
        "dt/fleetlake/engine-b/turbofan",
        "$aws/rules/fleetlake_telemetry/dt/fleetlake/engine-b/turbofan",
        "dt/fleetlake/engine-a",
        "$aws/things/engine-b/shadow/update",
    ],
)
def test_a_device_is_refused_every_topic_but_its_own(cloud: Cloud, devices: dict[str, DeviceFiles], messages: Messages, topic: str) -> None:
    with session(cloud.platform.mqtt_endpoint(), devices["engine-a"], "engine-a") as device:
        assert device.publish(topic, b'{"device_id": "engine-b"}') == "published: Not authorized"
    assert messages.take() == []


def test_an_old_mqtt_client_is_disconnected_for_a_foreign_topic(cloud: Cloud, devices: dict[str, DeviceFiles], messages: Messages) -> None:
    with session(cloud.platform.mqtt_endpoint(), devices["engine-a"], "engine-a", version=paho.MQTTv311) as device:
        assert device.publish("dt/fleetlake/engine-b/turbofan", b"{}") == "disconnected"
    assert messages.take() == []


def test_a_device_cannot_connect_under_another_name(cloud: Cloud, devices: dict[str, DeviceFiles]) -> None:
    assert refused(cloud, devices["engine-a"], "engine-b")


def test_a_certificate_of_ours_that_was_never_registered_is_refused(cloud: Cloud, devices: dict[str, DeviceFiles], tmp_path: Path) -> None:
    key, certificate = Authority.at(cloud.settings.home / "authority").issue("engine-a")
    assert refused(cloud, write_files(tmp_path / "device", key, certificate, devices["engine-a"].ca), "engine-a")


def test_a_certificate_that_was_deactivated_is_refused(cloud: Cloud) -> None:
    files = provision(cloud.platform, ["engine-retired"])["engine-retired"]
    fingerprint = x509.load_pem_x509_certificate(files.certificate.read_bytes()).fingerprint(hashes.SHA256()).hex()
    cloud.platform.client("iot").update_certificate(certificateId=fingerprint, newStatus="INACTIVE")
    assert refused(cloud, files, "engine-retired")


def test_a_certificate_of_a_foreign_authority_is_refused_even_when_registered(
    cloud: Cloud, devices: dict[str, DeviceFiles], tmp_path: Path
) -> None:
    key, certificate = Authority.at(tmp_path / "foreign").issue("engine-a")
    iot = cloud.platform.client("iot")
    arn = iot.register_certificate_without_ca(certificatePem=certificate, status="ACTIVE")["certificateArn"]
    iot.attach_policy(policyName="fleetlake-device", target=arn)
    iot.attach_thing_principal(thingName="engine-a", principal=arn)
    assert refused(cloud, write_files(tmp_path / "device", key, certificate, devices["engine-a"].ca), "engine-a")


def test_a_client_without_a_certificate_is_refused(cloud: Cloud, devices: dict[str, DeviceFiles]) -> None:
    context = ssl.create_default_context(cafile=str(devices["engine-a"].ca))
    plain = socket.create_connection(cloud.platform.mqtt_endpoint(), timeout=5)
    with plain, context.wrap_socket(plain, server_hostname="localhost") as tls:
        # With TLS 1.3 the client hears of the refusal at its first read: an alert, or just the end.
        assert _answer_to_connect(tls, client_id=b"engine-a") == b""


def _answer_to_connect(tls: ssl.SSLSocket, client_id: bytes) -> bytes:
    """What the broker says to an MQTT 3.1.1 CONNECT; nothing where it hangs up."""
    body = b"\x00\x04MQTT\x04\x02\x00\x3c" + len(client_id).to_bytes(2, "big") + client_id
    try:
        tls.sendall(bytes([0x10, len(body)]) + body)
        return tls.recv(4)
    except (ssl.SSLError, ConnectionError):
        return b""


def test_mqtt_over_websocket_is_refused(cloud: Cloud) -> None:
    port = int(str(cloud.supervisor.endpoints["aws_endpoint"]).rsplit(":", 1)[1])
    request = (
        "GET /mqtt HTTP/1.1\r\nHost: a1b2c3-ats.iot.us-east-1.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(request.encode())
        assert connection.recv(200).startswith(b"HTTP/1.1 403")


def test_a_message_larger_than_aws_takes_is_not_taken(cloud: Cloud, devices: dict[str, DeviceFiles], messages: Messages) -> None:
    with session(cloud.platform.mqtt_endpoint(), devices["engine-a"], "engine-a", version=paho.MQTTv311) as device:
        assert device.publish("dt/fleetlake/engine-a/turbofan", b"x" * 300_000) == "disconnected"
    assert messages.take() == []


def test_every_listener_is_on_the_loopback_interface(cloud: Cloud) -> None:
    assert listeners(cloud.supervisor.pid("emulator")) == {"127.0.0.1"}


def test_the_sftp_service_opens_no_port(cloud: Cloud) -> None:
    pid = cloud.supervisor.pid("emulator")
    before = len([c for c in psutil.Process(pid).net_connections("tcp") if c.status == "LISTEN"])
    cloud.platform.client("transfer").create_server()
    after = [c for c in psutil.Process(pid).net_connections("tcp") if c.status == "LISTEN"]
    assert len(after) == before


def test_whatever_asks_for_all_interfaces_gets_the_loopback_one() -> None:
    script = (
        "import socket; from local.emulator_hardening import _bind_only; _bind_only('127.0.0.1'); "
        "s = socket.socket(); s.bind(('0.0.0.0', 0)); t = socket.socket(); t.bind(('', 0)); "
        "print(s.getsockname()[0], t.getsockname()[0])"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert ran.stdout.split() == ["127.0.0.1", "127.0.0.1"]


def test_its_temporary_files_and_its_docker_are_of_its_own_home(cloud: Cloud) -> None:
    script = "import os, sys; from local.emulator import environment; from runtime.settings import Settings; "
    script += "import json; print(json.dumps(environment(Settings.from_environment(), 1, 2)))"
    variables = {**os.environ, **cloud.settings.environment()}
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=REPOSITORY, check=True, env=variables)
    chosen = json.loads(ran.stdout)
    home = str(cloud.settings.home)
    assert all(chosen[name].startswith(home) for name in ("TMPDIR", "STATE_DIR", "S3_DATA_DIR"))
    assert chosen["DOCKER_HOST"].startswith(f"unix://{home}")


def test_killing_the_emulator_loses_neither_messages_nor_devices_nor_objects_even_on_another_port(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with running_cloud(home) as cloud:
        files = provision(cloud.platform, ["engine-a"])["engine-a"]
        with session(cloud.platform.mqtt_endpoint(), files, "engine-a") as device:
            device.publish("dt/fleetlake/engine-a/turbofan", b"kept")
        cloud.platform.client("s3").put_object(Bucket=cloud.settings.lake_bucket, Key="a/b=c/d.parquet", Body=b"object")
        eventually(lambda: saved(home, "sqs", base64.b64encode(b"kept").decode()), 10, "the message is saved")
        eventually(lambda: saved(home, "iot", "engine-a"), 10, "the device is saved")
        cloud.supervisor.kill("emulator")
    with running_cloud(home) as cloud:
        assert [base64.b64decode(message["payload"]) for message in Messages(cloud).take()] == [b"kept"]
        with session(cloud.platform.mqtt_endpoint(), files, "engine-a") as device:
            assert device.publish("dt/fleetlake/engine-a/turbofan", b"again") == "published: Success"
        stored = cloud.platform.client("s3").get_object(Bucket=cloud.settings.lake_bucket, Key="a/b=c/d.parquet")
        assert stored["Body"].read() == b"object"


def test_an_object_is_a_plain_file_under_the_address_the_platform_gives(cloud: Cloud) -> None:
    cloud.platform.client("s3").put_object(Bucket=cloud.settings.lake_bucket, Key="x/hour=07/part.parquet", Body=b"bytes")
    uri = cloud.platform.object_uri("x/hour=07/part.parquet")
    assert uri.startswith("file:///")
    assert Path(uri.removeprefix("file://")).read_bytes() == b"bytes"


def test_the_authority_signs_with_a_curve_that_devices_know(tmp_path: Path) -> None:
    authority = Authority.at(tmp_path / "authority")
    key, certificate = authority.issue("engine-1")
    leaf = x509.load_pem_x509_certificate(certificate.encode())
    leaf.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.certificate.encode()))
    assert leaf.subject.rfc4514_string() == "CN=engine-1,O=fleetlake"
    assert serialization.load_pem_private_key(key.encode(), None).public_key() == leaf.public_key()
    assert Authority.at(tmp_path / "authority") == authority
    assert oct((tmp_path / "authority/ca.key").stat().st_mode & 0o777) == "0o600"
