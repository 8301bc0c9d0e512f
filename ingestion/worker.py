"""The worker: receives from the telemetry queue, puts bronze and quarantine, writes the time series, deletes. In this order.

``python -m ingestion.worker`` runs until SIGTERM, then finishes the batch it holds and gives the rest back. What it dies with
comes back from the queue, and is met by the same object name or by silver's event id. Where waiting is no use (no permission,
no bucket, a full disk) it ends with a line that says so; nothing is deleted that is not in the lake.
"""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ingestion import delivery
from ingestion.aside import Aside
from ingestion.attempts import Attempts
from ingestion.batch import Batch, Due
from ingestion.contract_folder import ContractFolder
from ingestion.counters import Counters, StatusFile, call_failed
from ingestion.delivery import deliver
from ingestion.failures import away, cannot_go_on, gave_up, given_up
from ingestion.hand import Hand, Keeper
from ingestion.message import named
from ingestion.projection import Projection
from ingestion.receiving import WAIT_SECONDS, Receivers
from ingestion.retry import Patience
from ingestion.settling import Settling
from runtime import log as logging
from runtime.clock import Clock, SystemClock
from runtime.platforms import Platform
from runtime.sqs import Message, Queue

# Between two effects. A worker that dies at one of them is what the fault matrix and the proofs try, by these names.
BOUNDARIES = ("received", "decoded", *delivery.BOUNDARIES, "deleted", "extended", "given_back")
_TELL_SECONDS = 1.0
# A loop that takes longer for a turn, and tries nothing again, does not tell that it lives.
_LONGEST_TURN = 60.0
log = logging.logger("worker")


@dataclass
class Worker:
    platform: Platform
    folder: ContractFolder
    clock: Clock = field(default_factory=SystemClock)
    boundary: Callable[[str], None] = delivery.unwatched
    stopping: threading.Event = field(default_factory=threading.Event)
    counters: Counters = field(default_factory=Counters)
    patience: Patience | None = None

    def __post_init__(self) -> None:
        settings = self.platform.settings
        self._settings = settings
        self._patience = self.patience or Patience(settings.retry_seconds)
        self._attempts = Attempts()
        for service in ("sqs", "s3"):
            self._attempts.watch(self.platform.client(service))
        self._queue = Queue(self.platform.client("sqs"), settings.telemetry_queue)
        self._hand = Hand(settings.hand_messages, settings.hand_bytes, settings.receive_calls)
        self._keeper = Keeper(self._hand, self._queue, settings.visibility_seconds, self._extended, self._lost_keeper)
        self._keeper_error: BaseException | None = None
        self._receivers = Receivers(
            self._queue, self._hand, settings.receive_calls, settings.visibility_seconds, self._patience, self.boundary
        )
        self._batch = Batch(settings, self.folder.contracts())
        self._due: list[Due] = []
        self._status = StatusFile(settings)
        self._projection = Projection(self.platform)
        # The time series has something to catch up: an empty queue is not waited for then.
        self._is_behind = False
        self._got_nothing = False
        self._settling = Settling(self._queue, self._hand, self.counters, self.boundary, settings.receive_calls)
        self._turned = time.monotonic()
        # Why it ends, where it was not asked to.
        self._cause: Exception | None = None

    # ---- running

    def run(self) -> None:
        """Until `stopping` is set; then the batch in hand is finished. Raises CannotGoOn, after the same, where waiting is no use, and
        ServiceError where finishing takes too long. The loop has a thread of its own; this one tells its state, whatever it waits for."""
        living = Aside(self._live, "worker-loop")
        while not self.stopping.wait(_TELL_SECONDS):
            if self._attempts.retrying() or time.monotonic() - self._turned < _LONGEST_TURN:
                self._tell()
        is_over = living.is_over(self._settings.drain_seconds)
        self._tell(has_ended=True)
        if not is_over:
            self._keeper.leave()
            raise given_up(self._cause, self._settings, len(self._hand)) from self._cause
        living.result()

    def _live(self) -> None:
        gives_back = True
        try:
            self._keeper.start()
            self._receivers.start()
            while not self.stopping.is_set():
                self._advance()
                self._turned = time.monotonic()
            if self._keeper_error:
                raise self._keeper_error
        except Exception as error:
            # What was not written stays hidden: a worker that is started again at once must not use up its tries.
            gives_back = False
            call_failed(is_tried_again=False)
            why = cannot_go_on(error, self._settings) or gave_up(error, self._settings, len(self._hand))
            self._cause = why or error
            if why:
                raise why from error
            raise
        finally:
            self.stopping.set()
            self._end(gives_back)

    def _advance(self) -> None:
        """Take what receivers brought, and write the batch where that is due."""
        try:
            found = self._receivers.inbox.get(timeout=self._seconds_to_wait())
        except queue.Empty:
            found = None
        if isinstance(found, BaseException):
            raise found
        if found is not None:
            self._take(found)
        if self._is_due():
            self._flush_in_time()
        if self._batch.is_empty:
            self._keep_up()

    def _keep_up(self) -> None:
        self._is_behind = self._projection.keep_up(self._batch.contracts, self.clock.now())

    def _flush_in_time(self) -> None:
        try:
            self._patience.call(self.flush, self.stopping, self._say)
        except Exception as error:
            # Asked to stop meanwhile: what is left is tried once more, then given back.
            if not (self.stopping.is_set() and away(error)):
                raise

    def _seconds_to_wait(self) -> float:
        if self._is_behind and self.is_idle:
            return 0.001
        return WAIT_SECONDS if self._batch.is_empty else max(0.001, self._batch.seconds_left(time.monotonic()))

    def _is_due(self) -> bool:
        """It is full; or all that is in hand is in it, and it is old enough, nothing more waits, or there is no room for more."""
        if self._batch.is_empty:
            return bool(self._due)
        # What was received while the last batch was written is old already: one by one, each receive would be an object.
        has_more = not self._receivers.inbox.empty()
        return self._batch.is_full or (not has_more and (self._batch.is_old(time.monotonic()) or self._got_nothing or self._hand.is_full))

    def _end(self, gives_back: bool) -> None:
        """Receive no more, finish the batch in hand, give back what was not begun."""
        try:
            waiting = self._receivers.stop(WAIT_SECONDS + 1)
            if gives_back:
                self._settling.give_back(waiting)
            self.drain(gives_back=gives_back)
        finally:
            self._keeper.stop()
            self._settling.stop()

    def _lost_keeper(self, error: BaseException) -> None:
        """Ends the worker, also while it waits for S3."""
        log.error(f"extend visibility: {type(error).__name__}: {error}; the worker ends")
        self._keeper_error = error
        self.stopping.set()

    # ---- the same in one thread

    def step(self) -> None:
        """Write the batch when that is due; else receive once."""
        self._keeper.extend(time.monotonic())
        if self._is_due():
            self.flush()
            self._keep_up()
        elif self._hand.begin_call(0):
            found: list[Message] = []
            try:
                found = self._queue.receive(0, self._settings.visibility_seconds)
            finally:
                self._hand.end_call(found)
            if found:
                self.boundary("received")
            self._take(found)
            if self.is_idle:
                self._keep_up()
        self._tell()

    @property
    def is_idle(self) -> bool:
        """Nothing is in hand, and the last look at the queue found nothing."""
        return self._got_nothing and self._batch.is_empty and not self._due

    def drain(self, *, gives_back: bool = True) -> None:
        """Finish the batch in hand. What cannot be written is given back to the queue, at once or when its time is over."""
        try:
            self.flush()
        except Exception as error:
            why = cannot_go_on(error, self._settings)
            if why is None and not away(error):
                log.exception("stopping: unexpected error")
            left = [message for due in self._due for message in due.batch.messages] + self._batch.messages
            hidden = f"stay hidden, and come back within {self._settings.visibility_seconds} s"
            fate = "go back to the queue" if gives_back else hidden
            log.warning(f"stopping: {why or error}; {len(left)} messages in hand {fate}", extra=named(left))
            if gives_back:
                self._settling.give_back(left)
        self._tell(force=True)

    # ---- the way of a message

    def _take(self, found: list[Message]) -> None:
        self._got_nothing = not found
        if not found:
            return
        self.counters.take(found)
        self._take_new_contracts()
        # What is spoiled is the queue's again when its time is over; after the last try, the dead-letter queue's.
        spoiled = [message for message in found if not self._batch.add(message)]
        self._hand.take(len(found), len(self._batch.messages))
        self._hand.release(spoiled)
        if spoiled:
            self.counters.fail(spoiled)
        self.boundary("decoded")

    def _take_new_contracts(self) -> None:
        contracts = self.folder.contracts()
        if contracts is not self._batch.contracts:
            self._close_batch()

    def _close_batch(self) -> None:
        """What follows goes into a new batch."""
        if not self._batch.is_empty:
            self._due.append(Due(self._batch))
        self._batch = Batch(self._settings, self.folder.contracts())

    def flush(self) -> None:
        """Put, project, delete all that is decoded. Raises where the queue or S3 is away or refuses; what is left stays in hand."""
        self._close_batch()
        while self._due:
            due = self._due[0]
            try:
                self._write(due)
                del self._due[0]
            except Exception as error:
                why = cannot_go_on(error, self._settings)
                if why:
                    raise why from error
                if away(error):
                    raise
                # The loop's edge: neither queue nor S3 is to blame, so some message is, and halving finds it.
                call_failed(is_tried_again=False)
                log.exception("write: unexpected error", extra=named(due.batch.messages))
                self._due[:1] = self._split(due.batch)

    def _split(self, batch: Batch) -> list[Due]:
        """Halves, so that the one message that cannot be written costs no other; it alone is left to the queue, which gives it up in time."""
        halves = batch.halves()
        if not halves:
            log.error("write: this message cannot be written; it goes back to the queue", extra=named(batch.messages))
            self._hand.release(batch.messages)
            self.counters.fail(batch.messages)
        else:
            self.counters.halve()
        return [Due(half) for half in halves if not half.is_empty]

    def _write(self, due: Due) -> None:
        batch = due.batch
        if due.delivered is None:
            began = time.monotonic()
            due.delivered = deliver(self._projection, batch.rows, batch.quarantined, batch.contracts, self.clock.now(), self.boundary)
            self.counters.deliver(batch.messages, due.delivered, time.monotonic() - began, time.time())
            log.info(due.delivered.told(), extra=named(batch.messages))
        began = time.monotonic()
        deleted = self._settling.delete(batch.messages)
        self.boundary("deleted")
        self.counters.delete(deleted, time.monotonic() - began)

    def _extended(self, messages: int) -> None:
        self.counters.extend(messages)
        self.boundary("extended")

    def _tell(self, *, force: bool = False, has_ended: bool = False) -> None:
        more = {"in_hand": len(self._hand), "retrying": self._attempts.retrying()}
        self._status.tell(self.counters, more | {"ended": has_ended}, force=force or has_ended)

    def _say(self, error: BaseException) -> None:
        call_failed(is_tried_again=True)
        held = [message for due in self._due for message in due.batch.messages]
        log.warning(f"write: {error}; the batch stays in hand, trying again", extra=named(held))


if __name__ == "__main__":
    from ingestion.worker_process import leave, main

    leave(main())
