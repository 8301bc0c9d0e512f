"""What a device publishes: one MQTT message, and for each reading in it what must become of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SILVER = "silver"
CONFLICT = "conflict"
REFUSED = "refused"


def quarantine(reason: str) -> str:
    """The fate of a reading that decode must refuse for `reason`."""
    return f"quarantine:{reason}"


@dataclass(frozen=True, slots=True)
class SentReading:
    """A reading as its bytes in a message; the fields are those of the truth file (see `local.truth`)."""

    content: bytes
    index: int | None
    boot: str | None = None
    seq: int | None = None
    ts_ms: int | None = None
    event_id: str | None = None
    values: Mapping[str, Any] | None = None
    fault: str | None = None
    fate: str = SILVER


@dataclass(frozen=True, slots=True)
class Message:
    """`device_id` publishes it; `topic_device` is the device its topic names. `reconnect`: the connection drops before it."""

    device_id: str
    topic_device: str
    contract: str
    payload: bytes
    readings: tuple[SentReading, ...]
    reconnect: bool = False
