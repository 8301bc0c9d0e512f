"""The two ways to a shadow of the laptop's cloud, boto3 and a device on its connection, for tests that hold of both."""

import json
import queue
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol

import paho.mqtt.client as paho
from botocore.exceptions import ClientError

from local.provisioning import DeviceFiles

SECONDS = 20.0
# 200 and the answer's document, or the error's code and message.
Answer = tuple[int, Any]


class Entrance(Protocol):
    """One shadow."""

    def update(self, payload: bytes) -> Answer: ...
    def get(self) -> Answer: ...
    def delete(self) -> Answer: ...


class OverHttp:
    def __init__(self, data: Any, thing: str, name: str | None) -> None:
        self._data = data
        self._shadow = {"thingName": thing} | ({} if name is None else {"shadowName": name})

    def update(self, payload: bytes) -> Answer:
        return self._answer(self._data.update_thing_shadow, payload=payload)

    def get(self) -> Answer:
        return self._answer(self._data.get_thing_shadow)

    def delete(self) -> Answer:
        return self._answer(self._data.delete_thing_shadow)

    def _answer(self, call: Any, **arguments: Any) -> Answer:
        try:
            return 200, json.loads(call(**self._shadow, **arguments)["payload"].read())
        except ClientError as error:
            return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Message"]


class ConnectedDevice:
    """A device over mutual TLS; what it hears waits in order."""

    def __init__(self, files: DeviceFiles, client_id: str) -> None:
        self._answers: queue.Queue[str] = queue.Queue()
        self._heard: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=client_id, protocol=paho.MQTTv5)  # type: ignore[arg-type]
        self._client.tls_set(str(files.ca), str(files.certificate), str(files.key))
        self._client.on_connect = lambda client, data, flags, reason, properties: self._answers.put(str(reason))
        self._client.on_publish = lambda client, data, mid, reason, properties: self._answers.put(str(reason))
        self._client.on_subscribe = lambda client, data, mid, reasons, properties: self._answers.put(str(reasons[0]))
        self._client.on_disconnect = lambda client, data, flags, reason, properties: self._answers.put("disconnected")
        self._client.on_message = lambda client, data, message: self._heard.put((message.topic, json.loads(message.payload)))

    def connect(self, address: tuple[str, int]) -> str:
        self._client.connect(*address)
        self._client.loop_start()
        return self._answers.get(timeout=SECONDS)

    def subscribe(self, topic_filter: str) -> str:
        """The broker's word: ``Granted QoS 1`` or ``Not authorized``."""
        self._client.subscribe(topic_filter, qos=1)
        return self._answers.get(timeout=SECONDS)

    def publish(self, topic: str, payload: bytes) -> str:
        """The broker's word: ``Success``, ``Not authorized`` or ``disconnected``."""
        self._client.publish(topic, payload, qos=1)
        return self._answers.get(timeout=SECONDS)

    def hear(self) -> tuple[str, Any]:
        """The next message: its topic and its document."""
        return self._heard.get(timeout=SECONDS)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class OverMqtt:
    """A shadow of the device's own."""

    def __init__(self, device: ConnectedDevice, thing: str, name: str | None) -> None:
        self._device = device
        self._topic = topic_of(thing, name)
        for verb in ("update", "get", "delete"):
            for end in ("accepted", "rejected"):
                assert device.subscribe(f"{self._topic}/{verb}/{end}") == "Granted QoS 1"

    def update(self, payload: bytes) -> Answer:
        return self._answer("update", payload)

    def get(self) -> Answer:
        return self._answer("get", b"")

    def delete(self) -> Answer:
        return self._answer("delete", b"")

    def _answer(self, verb: str, payload: bytes) -> Answer:
        assert self._device.publish(f"{self._topic}/{verb}", payload) == "Success"
        topic, document = self._device.hear()
        if topic == f"{self._topic}/{verb}/accepted":
            return 200, document
        assert topic == f"{self._topic}/{verb}/rejected"
        assert set(document) <= {"code", "message", "timestamp", "clientToken"}
        return document["code"], document["message"]


def topic_of(thing: str, name: str | None) -> str:
    return f"$aws/things/{thing}/shadow" + ("" if name is None else f"/name/{name}")


@contextmanager
def connected(address: tuple[str, int], files: DeviceFiles, client_id: str) -> Iterator[ConnectedDevice]:
    device = ConnectedDevice(files, client_id)
    try:
        assert device.connect(address) == "Success"
        yield device
    finally:
        device.close()


def race_over_http(data: Any, thing: str, writers: int, updates: int) -> list[int]:
    """The versions that `writers` threads were given, who each update the classic shadow of `thing` so often, with a key of their own."""

    def write(writer: int) -> list[int]:
        versions = []
        for number in range(updates):
            code, answered = OverHttp(data, thing, None).update(json.dumps({"state": {"reported": {f"w{writer}": number}}}).encode())
            assert code == 200, answered
            versions.append(answered["version"])
        return versions

    with ThreadPoolExecutor(writers) as pool:
        return [version for versions in pool.map(write, range(writers)) for version in versions]
