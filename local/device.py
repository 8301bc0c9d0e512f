"""One device on its MQTT 5 connection over mutual TLS: it publishes with QoS 1 and hears what the broker says of each message."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from local.provisioning import DeviceFiles
from runtime.errors import ServiceError

_CONNECT_SECONDS = 20.0
_KEEPALIVE_SECONDS = 60
# Connections that the broker may close before it has taken one: it may be starting.
_MOST_LOSSES = 3
# `token` of a publish, and the broker's word where it refused, else None.
Answer = Callable[[str, str | None], None]


class Device:
    """`answered` is called from the connection's own thread, once for each publish that was answered."""

    def __init__(self, device_id: str, files: DeviceFiles, address: tuple[str, int], answered: Answer) -> None:
        self.device_id = device_id
        self._address = address
        self._answered = answered
        self._tokens: dict[int, str] = {}
        self._early: dict[int, str | None] = {}
        self._heard = threading.Event()
        self._is_connected = False
        self._refusal = ""
        self._losses = 0
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=device_id, protocol=MQTTProtocolVersion.MQTTv5)
        try:
            self._client.tls_set(str(files.ca), str(files.certificate), str(files.key))
        except (OSError, ssl.SSLError) as error:
            raise ServiceError(f"device {device_id}: its key or certificate cannot be read: {error}; provision it again") from None
        self._client.max_queued_messages_set(0)
        self._client.reconnect_delay_set(0.1, 5)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish

    def begin(self) -> None:
        """Open the connection; `ready` waits for the broker's word. Raises ServiceError."""
        try:
            self._client.connect(*self._address, keepalive=_KEEPALIVE_SECONDS)
        except (OSError, ssl.SSLError) as error:
            raise ServiceError(f"device {self.device_id}: cannot connect to {self._place}: {error}; is the cloud up?") from None
        self._client.loop_start()

    def ready(self) -> None:
        """Wait until the broker has taken the connection. Raises ServiceError where it refuses or says nothing."""
        self._heard.wait(_CONNECT_SECONDS)
        if not self._is_connected:
            self.close()
            why = self._refusal or f"no answer within {_CONNECT_SECONDS:g} s"
            raise ServiceError(f"device {self.device_id}: {self._place} refuses the connection: {why}")

    def publish(self, topic: str, payload: bytes, token: str) -> None:
        """Hand a message over. One that the connection loses is sent again by itself when it is back."""
        mid = self._client.publish(topic, payload, qos=1).mid
        self._tokens[mid] = token
        # The answer may have overtaken us here: whoever takes the token out passes it on, so it is passed on once.
        if mid in self._early and self._tokens.pop(mid, None) is not None:
            self._answered(token, self._early.pop(mid))

    def reconnect(self) -> None:
        """Lose the connection without a word, answers under way included, and come back. Raises ServiceError."""
        self._heard.clear()
        self._is_connected, self._losses = False, 0
        with contextlib.suppress(OSError, AttributeError):
            # Shut, not closed: the connection's thread still waits on this very descriptor.
            self._client.socket().shutdown(socket.SHUT_RDWR)
        self.ready()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def _place(self) -> str:
        return f"{self._address[0]}:{self._address[1]}"

    def _on_connect(self, _client: paho.Client, _data: object, _flags: object, reason: ReasonCode, _properties: Properties | None) -> None:
        self._is_connected = not reason.is_failure
        self._refusal = str(reason)
        self._heard.set()

    def _on_disconnect(
        self, _client: paho.Client, _data: object, _flags: object, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        """A broker that knows no such certificate closes without a word, again and again."""
        self._losses += 1
        if not self._is_connected and self._losses >= _MOST_LOSSES:
            self._refusal = f"it closes the connection ({reason}); is the device's certificate registered?"
            self._heard.set()

    def _on_publish(self, _client: paho.Client, _data: object, mid: int, reason: ReasonCode, _properties: Properties | None) -> None:
        refusal = str(reason) if reason.is_failure else None
        token = self._tokens.pop(mid, None)
        if token is None:
            self._early[mid] = refusal
            token = self._tokens.pop(mid, None)
            if token is None:
                return
            self._early.pop(mid, None)
        self._answered(token, refusal)
