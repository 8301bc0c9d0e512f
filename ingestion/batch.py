"""What the worker holds between receiving and deleting: messages, their readings, how long they stay invisible."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ingestion.arrival import decode_message
from ingestion.bronze import Row
from lake.contracts import Contract
from lake.quarantine import Quarantined
from runtime import sqs
from runtime.log import logger
from runtime.settings import Settings

log = logger("worker")


@dataclass
class Message:
    body: str
    receipt: str
    receives: int
    # When it became invisible to others, by the monotonic clock.
    hidden_at: float
    # When the queue got it.
    sent_at: datetime | None = None

    @classmethod
    def of(cls, entry: dict[str, Any], now: float) -> "Message":
        attributes = entry.get("Attributes", {})
        return cls(entry["Body"], entry["ReceiptHandle"], sqs.receives(attributes), now, sqs.sent_time(attributes))


@dataclass
class Batch:
    """Decoded by one set of contracts, so that what is put fits the table that its contract says."""

    settings: Settings
    contracts: Mapping[str, Contract]
    messages: list[Message] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    size: int = 0
    begun: float = 0.0

    @property
    def is_empty(self) -> bool:
        return not self.messages

    def add(self, message: Message) -> None:
        """Decode a message into the batch. One that breaks the decoder is left to the queue, which gives it up in time."""
        try:
            self._decode(message)
        except Exception:
            # The loop's edge: no content may stop the worker. After its last try the message is in the dead-letter queue.
            log.exception("decode: unexpected error; the message goes back to the queue")
            return
        if not self.messages:
            self.begun = message.hidden_at
        self.messages.append(message)
        self.size += len(message.body)

    def _decode(self, message: Message) -> None:
        decoded = decode_message(message.body, message.sent_at, self.contracts, self.settings)
        self.rows += decoded.rows
        self.quarantined += decoded.quarantined

    def alone(self, message: Message) -> "Batch":
        """A batch of one message of this one."""
        single = Batch(self.settings, self.contracts)
        single.add(message)
        return single

    def is_due(self, now: float) -> bool:
        if self.is_empty:
            return False
        is_full = len(self.rows) + len(self.quarantined) >= self.settings.batch_readings or self.size >= self.settings.batch_bytes
        return is_full or now - self.begun >= self.settings.batch_seconds

    def seconds_left(self, now: float) -> float:
        """Until the batch is old enough to be written."""
        return max(0.0, self.begun + self.settings.batch_seconds - now)

    def extend(self, sqs: Any, queue: str, now: float) -> None:
        """Keep messages invisible whose time is half over."""
        seconds = self.settings.visibility_seconds
        late = [message for message in self.messages if now - message.hidden_at >= seconds / 2]
        for start in range(0, len(late), 10):
            part = late[start : start + 10]
            entries = [{"Id": str(i), "ReceiptHandle": m.receipt, "VisibilityTimeout": seconds} for i, m in enumerate(part)]
            answer = sqs.change_message_visibility_batch(QueueUrl=queue, Entries=entries)
            for failure in answer.get("Failed", ()):
                log.warning(f"extend visibility: {json.dumps(failure, default=str)}; the message may come twice")
            for message in part:
                message.hidden_at = now
