"""Sends the messages of many devices, each on its own connection, and keeps the truth of it."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType

from local.device import Device
from local.message import Message
from local.provisioning import provision
from local.truth import Truth
from runtime.errors import ServiceError
from runtime.log import logger
from runtime.platforms import Platform

# Messages that may wait for their PUBACK at once, of all devices; a device's own stay in their order.
_WINDOW = 64
_PATIENCE_SECONDS = 60
_QUIET_SECONDS = 5
log = logger("sending")


@dataclass(frozen=True)
class Progress:
    """Counts of readings; `connected` of `devices` while the fleet connects."""

    planned: int
    sent: int = 0
    acknowledged: int = 0
    refused: int = 0
    connected: int = 0
    devices: int = 0


@dataclass(frozen=True)
class Sent:
    """What became of a run: readings and messages, and readings by fault."""

    messages: int
    readings: int
    acknowledged: int
    refused: int
    faults: dict[str, int]


Watch = Callable[[Progress], None]


def send(platform: Platform, messages: Sequence[Message], truth: Truth, watch: Watch = lambda _: None) -> Sent:
    """Send all messages in their order, as fast as the broker acknowledges; returns when each was answered.

    Devices that are not provisioned are. Raises ServiceError where the broker cannot be reached, refuses a connection, or
    falls silent; what was sent until then stands in the truth.
    """
    with Senders(platform, messages, truth, watch) as senders:
        for message in messages:
            senders.send(message)
        senders.wait()
    faults = Counter(reading.fault for message in messages for reading in message.readings if reading.fault)
    return Sent(truth.messages, truth.readings, truth.acknowledged, truth.refused, dict(sorted(faults.items())))


class Senders:
    """The connections of the devices that `messages` name, open within the block."""

    def __init__(self, platform: Platform, messages: Sequence[Message], truth: Truth, watch: Watch) -> None:
        self._platform = platform
        self._truth = truth
        self._watch = watch
        self._planned = sum(len(message.readings) for message in messages)
        self._ids = list(dict.fromkeys(message.device_id for message in messages))
        self._devices: dict[str, Device] = {}
        self._window = threading.Semaphore(_WINDOW)

    def __enter__(self) -> "Senders":
        try:
            self._connect()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close()

    def send(self, message: Message) -> None:
        """Write it down, publish it; waits while too many are unanswered."""
        self._take()
        device = self._devices[message.device_id]
        if message.reconnect:
            device.reconnect()
        settings = self._platform.settings
        topic = f"{settings.topic_prefix}/{message.topic_device}/{message.contract}"
        device.publish(topic, message.payload, self._truth.sending(message, topic))
        self._tell()

    def wait(self) -> None:
        """Until every message was answered."""
        for _ in range(_WINDOW):
            self._take()
        self._tell()

    def _take(self) -> None:
        """A place in the window; while there is none, `watch` is called, which may find out that the cloud is gone and raise."""
        for second in range(_PATIENCE_SECONDS):
            if self._window.acquire(timeout=1.0):
                return
            if second + 1 == _QUIET_SECONDS:
                log.warning(f"the broker has acknowledged nothing for {_QUIET_SECONDS} s; after {_PATIENCE_SECONDS} s the sending ends")
            self._tell()
        waiting = self._truth.readings - self._truth.acknowledged - self._truth.refused
        raise ServiceError(
            f"send to the broker: it has acknowledged nothing for {_PATIENCE_SECONDS} s; {waiting} readings wait; is the cloud up?"
        )

    def _answered(self, token: str, refusal: str | None) -> None:
        if refusal is None:
            self._truth.acknowledge(token)
        else:
            self._truth.refuse(token, refusal)
        self._window.release()

    def _connect(self) -> None:
        files = provision(self._platform, self._ids)
        address = self._platform.mqtt_endpoint()
        for device_id in self._ids:
            device = Device(device_id, files[device_id], address, self._answered)
            self._devices[device_id] = device
            device.begin()
        for connected, device in enumerate(self._devices.values(), start=1):
            device.ready()
            self._watch(Progress(self._planned, connected=connected, devices=len(self._ids)))

    def _close(self) -> None:
        for device in self._devices.values():
            device.close()

    def _tell(self) -> None:
        truth = self._truth
        devices = len(self._ids)
        self._watch(Progress(self._planned, truth.readings, truth.acknowledged, truth.refused, devices, devices))
