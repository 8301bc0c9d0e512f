"""A few messages of a queue at once: decoded each by itself and put together; the answer is which of them to give back.

The Lambda function and the error queue's reader take messages this way. A message that nobody foresaw costs no other: what
cannot be written together is halved until it stands alone.
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ingestion.arrival import decode_message_into
from ingestion.aside import TimeIsOver, within
from ingestion.contract_folder import ContractFolder
from ingestion.counters import queue_seconds
from ingestion.delivery import Delivered, deliver, unwatched
from ingestion.failures import away, cannot_go_on
from ingestion.message import named
from ingestion.projection import Projection
from ingestion.rows import Rows
from lake.contracts import Contracts
from lake.quarantine import Quarantined
from runtime.clock import Clock, SystemClock
from runtime.log import logger
from runtime.metrics import Source, Value, emit
from runtime.platforms import Platform
from runtime.sqs import Message

# A write is not begun with less time left than this, or than a quarter of all there was.
_TO_WRITE_SECONDS = 5.0
log = logger("intake")


def unlimited() -> float:
    return float("inf")


@dataclass
class Intake:
    platform: Platform
    folder: ContractFolder
    clock: Clock = field(default_factory=SystemClock)
    boundary: Callable[[str], None] = unwatched
    source: Source = Source.LAMBDA

    def __post_init__(self) -> None:
        self.projection = Projection(self.platform)

    def take(self, messages: Sequence[Message], seconds_left: Callable[[], float] = unlimited) -> list[str]:
        """Ids of the messages that are not in the lake; the others may be deleted. Never raises for what a message holds."""
        batch = _Batch(self, self.folder.contracts(), seconds_left, min(_TO_WRITE_SECONDS, seconds_left() / 4))
        failed = batch.take(messages)
        if not failed and seconds_left() >= 2 * batch.to_write:
            # One thing that the time series is behind with, while there is time.
            self.projection.keep_up(batch.contracts, self.clock.now())
        again = sum(message.receives > 1 for message in messages)
        self.emit(messages_received=len(messages), messages_redelivered=again, messages_failed=len(failed))
        return failed

    def emit(self, **values: float) -> None:
        emit(sys.stdout, self.source, values)


@dataclass
class _Opened:
    """Messages that are decoded, and their readings."""

    rows: Rows
    messages: list[Message] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)


@dataclass(frozen=True)
class _Batch:
    intake: Intake
    contracts: Contracts
    seconds_left: Callable[[], float]
    to_write: float

    def take(self, messages: Sequence[Message]) -> list[str]:
        opened = self._open(messages)
        # Known by identity.
        decoded = set(opened.messages)
        return [message.message_id for message in messages if message not in decoded] + self._write(opened)

    def _open(self, messages: Sequence[Message]) -> _Opened:
        """What can be decoded of them, in time."""
        opened = _Opened(Rows(self.contracts))
        for message in messages:
            refused = self._decode(message, opened.rows)
            if refused is not None:
                opened.messages.append(message)
                opened.quarantined += refused
        return opened

    def _decode(self, message: Message, rows: Rows) -> list[Quarantined] | None:
        if self.seconds_left() < 2 * self.to_write:
            log.warning("decode: the time is nearly over; the message goes back to the queue", extra=named([message]))
            return None
        try:
            return decode_message_into(rows, message.body, message.sent_at, self.intake.platform.settings)
        except Exception:
            # The edge: no content may cost another message. After its last try this one is in the dead-letter queue.
            log.exception("decode: unexpected error; the message goes back to the queue", extra=named([message]))
            return None

    def _write(self, opened: _Opened) -> list[str]:
        """Ids of what could not be written."""
        ids = [message.message_id for message in opened.messages]
        if not ids:
            return []
        left = self.seconds_left()
        if left < self.to_write:
            log.warning(f"write: the time is nearly over; {len(ids)} messages go back to the queue", extra=named(opened.messages))
            return ids
        try:
            self._deliver(opened, left)
        except Exception as error:
            # Away, or not allowed: none of the messages is the cause, and all go back to the queue.
            self.intake.emit(failures=1)
            cause = cannot_go_on(error, self.intake.platform.settings)
            if cause or away(error):
                log.error(f"write: {cause or error}; {len(ids)} messages go back to the queue", extra=named(opened.messages))
                return ids
            log.exception(f"write: unexpected error with {len(ids)} messages", extra=named(opened.messages))
            half = len(ids) // 2
            self.intake.emit(batches_split=int(half > 0))
            return self.take(opened.messages[:half]) + self.take(opened.messages[half:]) if half else ids
        return []

    def _deliver(self, opened: _Opened, left: float) -> None:
        """Raises RetryLater when the time to answer comes before the end: what hangs is left to itself, and nothing of it is deleted."""
        began = time.monotonic()
        try:
            delivered = within(left - self.to_write / 2, lambda: self._put(opened), "write")
        except TimeIsOver:
            # It may go on with the old one.
            self.intake.projection = Projection(self.intake.platform)
            raise
        now = self.intake.clock.now().timestamp()
        more: dict[str, Value] = {"write_seconds": time.monotonic() - began, "queue_seconds": queue_seconds(opened.messages, now)}
        delivered.emit(sys.stdout, self.intake.source, more)
        log.info(delivered.told(), extra=named(opened.messages))

    def _put(self, opened: _Opened) -> Delivered:
        intake = self.intake
        put_at = intake.clock.now()
        return deliver(intake.projection, opened.rows, opened.quarantined, self.contracts, put_at, intake.boundary, self._may_project)

    def _may_project(self) -> bool:
        """Whether there is time for the time series, which is made good from the lake; a message that comes twice is worse."""
        return self.seconds_left() >= self.to_write
