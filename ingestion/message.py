"""A message of the telemetry queue in the worker's hand."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from runtime.sqs import receives, sent_time

_MOST_IDS = 100


class _Sender(msgspec.Struct):
    device_id: Any = ""


# Over the payload, which is nearly all of a message, it only skips.
_sender = msgspec.json.Decoder(_Sender).decode


# Known by identity: the same message may come twice, with two receipts.
@dataclass(eq=False)
class Message:
    body: str
    receipt: str
    receives: int
    # When it became invisible to others, by the monotonic clock.
    hidden_at: float
    # When the queue got it.
    sent_at: datetime | None = None
    message_id: str = ""

    @classmethod
    def of(cls, entry: dict[str, Any], now: float) -> "Message":
        attributes = entry.get("Attributes", {})
        return cls(entry["Body"], entry["ReceiptHandle"], receives(attributes), now, sent_time(attributes), entry.get("MessageId", ""))

    @property
    def size(self) -> int:
        return len(self.body)

    @property
    def device_id(self) -> str:
        """As the rule wrote it; empty where no rule did. For log lines, so it never raises."""
        try:
            return str(_sender(self.body).device_id)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return ""


def named(messages: list[Message]) -> dict[str, Any]:
    """What a log line says of messages: their ids and devices, of a long list its beginning."""
    shown = messages[:_MOST_IDS]
    devices = sorted({device for message in shown if (device := message.device_id)})
    return {"messages": len(messages), "message_ids": [message.message_id for message in shown], "device_ids": devices}
