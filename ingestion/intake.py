"""A few messages of a queue at once: decoded each by itself and put together; the answer is which of them to give back.

The Lambda function and the error queue's reader take messages this way. A message that nobody foresaw costs no other: what
cannot be written together is halved until it stands alone.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ingestion.arrival import decode_message_into
from ingestion.contract_folder import ContractFolder
from ingestion.delivery import deliver, unwatched
from ingestion.failures import away, cannot_go_on
from ingestion.projection import Projection
from ingestion.rows import Rows
from lake.contracts import Contracts
from lake.quarantine import Quarantined
from runtime.clock import Clock, SystemClock
from runtime.log import logger
from runtime.metrics import count
from runtime.platforms import Platform

# A write is not begun with less time left than this, or than a quarter of all there was.
_TO_WRITE_SECONDS = 5.0
log = logger("intake")


@dataclass(frozen=True)
class Arrival:
    """A message as the queue gave it."""

    message_id: str
    body: str
    sent_at: datetime | None = None
    receives: int = 1


def unlimited() -> float:
    return float("inf")


@dataclass
class Intake:
    platform: Platform
    folder: ContractFolder
    clock: Clock = field(default_factory=SystemClock)
    boundary: Callable[[str], None] = unwatched

    def __post_init__(self) -> None:
        self.projection = Projection(self.platform)

    def take(self, arrivals: Sequence[Arrival], seconds_left: Callable[[], float] = unlimited) -> list[str]:
        """Ids of the messages that are not in the lake; the others may be deleted. Never raises for what a message holds."""
        batch = _Batch(self, self.folder.contracts(), seconds_left, min(_TO_WRITE_SECONDS, seconds_left() / 4))
        failed = batch.take(arrivals)
        if not failed and seconds_left() >= 2 * batch.to_write:
            # One thing that the time series is behind with, while there is time.
            self.projection.keep_up(batch.contracts, self.clock.now())
        count(sys.stdout, "messages_received", len(arrivals))
        count(sys.stdout, "messages_redelivered", sum(arrival.receives > 1 for arrival in arrivals))
        count(sys.stdout, "messages_failed", len(failed))
        sys.stdout.flush()
        return failed


@dataclass
class _Opened:
    """Messages that are decoded, and their readings."""

    rows: Rows
    arrivals: list[Arrival] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)


@dataclass(frozen=True)
class _Batch:
    intake: Intake
    contracts: Contracts
    seconds_left: Callable[[], float]
    to_write: float

    def take(self, arrivals: Sequence[Arrival]) -> list[str]:
        opened = self._open(arrivals)
        return [arrival.message_id for arrival in arrivals if arrival not in opened.arrivals] + self._write(opened)

    def _open(self, arrivals: Sequence[Arrival]) -> _Opened:
        """What can be decoded of them, in time."""
        opened = _Opened(Rows(self.contracts))
        for arrival in arrivals:
            refused = self._decode(arrival, opened.rows)
            if refused is not None:
                opened.arrivals.append(arrival)
                opened.quarantined += refused
        return opened

    def _decode(self, arrival: Arrival, rows: Rows) -> list[Quarantined] | None:
        if self.seconds_left() < 2 * self.to_write:
            log.warning("decode: the time is nearly over; the message goes back to the queue", extra={"message_id": arrival.message_id})
            return None
        try:
            return decode_message_into(rows, arrival.body, arrival.sent_at, self.intake.platform.settings)
        except Exception:
            # The edge: no content may cost another message. After its last try this one is in the dead-letter queue.
            log.exception("decode: unexpected error; the message goes back to the queue", extra={"message_id": arrival.message_id})
            return None

    def _write(self, opened: _Opened) -> list[str]:
        """Ids of what could not be written."""
        ids = [arrival.message_id for arrival in opened.arrivals]
        if not ids:
            return []
        if self.seconds_left() < self.to_write:
            log.warning(f"write: the time is nearly over; {len(ids)} messages go back to the queue", extra={"message_ids": ids})
            return ids
        try:
            self._deliver(opened)
        except Exception as error:
            # Away, or not allowed: none of the messages is the cause, and all go back to the queue.
            cause = cannot_go_on(error, self.intake.platform.settings)
            if cause or away(error):
                log.error(f"write: {cause or error}; {len(ids)} messages go back to the queue", extra={"message_ids": ids})
                return ids
            log.exception(f"write: unexpected error with {len(ids)} messages", extra={"message_ids": ids})
            half = len(ids) // 2
            return self.take(opened.arrivals[:half]) + self.take(opened.arrivals[half:]) if half else ids
        return []

    def _deliver(self, opened: _Opened) -> None:
        put_at = self.intake.clock.now()
        projection, boundary = self.intake.projection, self.intake.boundary
        delivered = deliver(projection, opened.rows, opened.quarantined, self.contracts, put_at, boundary, self._may_project)
        delivered.count(sys.stdout)

    def _may_project(self) -> bool:
        """Whether there is time for the time series, which is made good from the lake; a message that comes twice is worse."""
        return self.seconds_left() >= self.to_write
