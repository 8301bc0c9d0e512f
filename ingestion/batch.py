"""Messages that are decoded and written together, and when that is due."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ingestion.arrival import decode_message_into
from ingestion.delivery import Delivered
from ingestion.message import named
from ingestion.rows import Rows
from lake.contracts import Contract
from lake.quarantine import Quarantined
from runtime.log import logger
from runtime.settings import Settings
from runtime.sqs import Message

log = logger("worker")


@dataclass
class Batch:
    """Decoded by one set of contracts, so that what is put fits the table that its contract says."""

    settings: Settings
    contracts: Mapping[str, Contract]
    messages: list[Message] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    size: int = 0
    begun: float = 0.0

    def __post_init__(self) -> None:
        self.rows = Rows(self.contracts)

    @property
    def is_empty(self) -> bool:
        return not self.messages

    def add(self, message: Message) -> bool:
        """Decode a message into the batch; False for one that breaks the decoder, which is left to the queue."""
        try:
            self._decode(message)
        except Exception:
            # The loop's edge: no content may stop the worker. After its last try the message is in the dead-letter queue.
            log.exception("decode: unexpected error; the message goes back to the queue", extra=named([message]))
            return False
        if not self.messages:
            self.begun = message.hidden_at
        self.messages.append(message)
        self.size += message.size
        return True

    def _decode(self, message: Message) -> None:
        self.quarantined += decode_message_into(self.rows, message.body, message.sent_at, self.settings)

    def halves(self) -> tuple["Batch", ...]:
        """The same messages in two batches, so that the one that cannot be written is found in few steps; none of a single one."""
        middle = len(self.messages) // 2
        return tuple(self._of(part) for part in (self.messages[:middle], self.messages[middle:])) if middle else ()

    def _of(self, messages: list[Message]) -> "Batch":
        part = Batch(self.settings, self.contracts)
        for message in messages:
            part.add(message)
        return part

    @property
    def is_full(self) -> bool:
        return len(self.rows) + len(self.quarantined) >= self.settings.batch_readings or self.size >= self.settings.batch_bytes

    def is_old(self, now: float) -> bool:
        return now - self.begun >= self.settings.batch_seconds

    def seconds_left(self, now: float) -> float:
        """Until the batch is old enough to be written."""
        return max(0.0, self.begun + self.settings.batch_seconds - now)


@dataclass
class Due:
    """A batch on its way into the lake; `delivered` when it is there, and its messages are only to be deleted."""

    batch: Batch
    delivered: Delivered | None = None
