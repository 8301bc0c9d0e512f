"""A bare MQTT client for tests: what the broker answers, in its own words."""

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import paho.mqtt.client as paho

from local.provisioning import DeviceFiles

SECONDS = 10.0


class Session:
    def __init__(self, files: DeviceFiles, client_id: str, version: int = paho.MQTTv5) -> None:
        self._answers: queue.Queue[str] = queue.Queue()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=client_id, protocol=version)  # type: ignore[arg-type]
        self._client.tls_set(str(files.ca), str(files.certificate), str(files.key))
        self._client.on_connect = lambda client, data, flags, reason, properties: self._answers.put(f"connected: {reason}")
        self._client.on_publish = lambda client, data, mid, reason, properties: self._answers.put(f"published: {reason}")
        self._client.on_disconnect = lambda client, data, flags, reason, properties: self._answers.put("disconnected")

    def connect(self, address: tuple[str, int]) -> str:
        self._client.connect(*address)
        self._client.loop_start()
        return self._answers.get(timeout=SECONDS)

    def publish(self, topic: str, payload: bytes) -> str:
        """``published: Success``, ``published: Not authorized`` or ``disconnected``."""
        self._client.publish(topic, payload, qos=1)
        return self._answers.get(timeout=SECONDS)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def session(address: tuple[str, int], files: DeviceFiles, client_id: str, **options: Any) -> Iterator[Session]:
    """A connected session."""
    opened = Session(files, client_id, **options)
    try:
        assert opened.connect(address) == "connected: Success"
        yield opened
    finally:
        opened.close()
