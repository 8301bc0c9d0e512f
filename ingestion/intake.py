"""A few messages of a queue at once: decoded each by itself and put together; the answer is which of them to give back.

The Lambda function and the error queue's reader take messages this way. A message that nobody foresaw costs no other: what
cannot be written together is halved until it stands alone.
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ingestion.arrival import decode_message
from ingestion.contract_folder import ContractFolder
from ingestion.counters import queue_seconds
from ingestion.decode import Decoded
from ingestion.delivery import deliver, unwatched
from ingestion.failures import away, cannot_go_on
from ingestion.message import named
from ingestion.projection import Projection
from ingestion.rows import Rows
from lake.contracts import Contracts
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


_Opened = tuple[Message, Decoded]


@dataclass(frozen=True)
class _Batch:
    intake: Intake
    contracts: Contracts
    seconds_left: Callable[[], float]
    to_write: float

    def take(self, messages: Sequence[Message]) -> list[str]:
        opened: list[_Opened] = []
        failed: list[str] = []
        for message in messages:
            decoded = self._decode(message)
            if decoded is None:
                failed.append(message.message_id)
            else:
                opened.append((message, decoded))
        return failed + self._write(opened)

    def _decode(self, message: Message) -> Decoded | None:
        if self.seconds_left() < 2 * self.to_write:
            log.warning("decode: the time is nearly over; the message goes back to the queue", extra=named([message]))
            return None
        try:
            return decode_message(message.body, message.sent_at, self.contracts, self.intake.platform.settings)
        except Exception:
            # The edge: no content may cost another message. After its last try this one is in the dead-letter queue.
            log.exception("decode: unexpected error; the message goes back to the queue", extra=named([message]))
            return None

    def _write(self, opened: Sequence[_Opened]) -> list[str]:
        """Ids of what could not be written."""
        ids = [message.message_id for message, _ in opened]
        if not opened:
            return []
        if self.seconds_left() < self.to_write:
            log.warning(
                f"write: the time is nearly over; {len(ids)} messages go back to the queue", extra=named([message for message, _ in opened])
            )
            return ids
        try:
            self._deliver(opened)
        except Exception as error:
            # Away, or not allowed: none of the messages is the cause, and all go back to the queue.
            self.intake.emit(failures=1)
            cause = cannot_go_on(error, self.intake.platform.settings)
            if cause or away(error):
                log.error(
                    f"write: {cause or error}; {len(ids)} messages go back to the queue", extra=named([message for message, _ in opened])
                )
                return ids
            log.exception(f"write: unexpected error with {len(ids)} messages", extra=named([message for message, _ in opened]))
            half = len(opened) // 2
            self.intake.emit(batches_split=int(half > 0))
            return self._write(opened[:half]) + self._write(opened[half:]) if half else ids
        return []

    def _deliver(self, opened: Sequence[_Opened]) -> None:
        rows = Rows.of(self.contracts, (decoded.rows for _, decoded in opened))
        refused = [row for _, decoded in opened for row in decoded.quarantined]
        put_at, began = self.intake.clock.now(), time.monotonic()
        delivered = deliver(self.intake.projection, rows, refused, self.contracts, put_at, self.intake.boundary, self._may_project)
        messages = [message for message, _ in opened]
        now = self.intake.clock.now().timestamp()
        more: dict[str, Value] = {"write_seconds": time.monotonic() - began, "queue_seconds": queue_seconds(messages, now)}
        delivered.emit(sys.stdout, self.intake.source, more)
        log.info(f"delivered {delivered.bronze} readings to bronze", extra=named(messages))

    def _may_project(self) -> bool:
        """Whether there is time for the time series, which is made good from the lake; a message that comes twice is worse."""
        return self.seconds_left() >= self.to_write
