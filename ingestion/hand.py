"""What the worker holds: messages received and neither deleted nor given back. Bounded, and kept invisible to others.

The bounds are the back-pressure: while a sink is slow nothing more is received. Nor is received far ahead of what is written: every
message in hand has one try less when the worker dies, and after its last it is a dead letter, good as it may be.
"""

import threading
import time
from collections.abc import Callable, Iterable

from ingestion.counters import call_failed
from ingestion.failures import away
from ingestion.message import named
from runtime.log import logger
from runtime.sqs import TEN, Message, Queue, tens

# A message has at most this many bytes: what AWS IoT takes (128 KiB) in base64 with its envelope. So many are kept free for each
# message of a call under way.
_MESSAGE_BYTES = 192 * 1024
_LONGEST_END = 5.0
log = logger("worker")


class Hand:
    def __init__(self, most_messages: int, most_bytes: int, calls: int = 1) -> None:
        self._most_messages, self._most_bytes = most_messages, most_bytes
        # As many as the calls that may be under way can bring at once; or another batch as large as the last.
        self._least_ahead = self._most_ahead = calls * TEN
        self._messages: set[Message] = set()
        self._bytes = 0
        self._calls = 0
        self._ahead = 0
        self._changed = threading.Condition()

    def __contains__(self, message: Message) -> bool:
        with self._changed:
            return message in self._messages

    def __len__(self) -> int:
        with self._changed:
            return len(self._messages)

    def begin_call(self, seconds: float) -> bool:
        """Keep room for what a receive may bring; False where there is none within `seconds`. Else `end_call` must follow."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._has_room() and not self._is_ahead(), seconds):
                return False
            self._calls += 1
            return True

    def end_call(self, received: Iterable[Message]) -> None:
        with self._changed:
            self._calls -= 1
            for message in received:
                self._messages.add(message)
                self._bytes += message.size
                self._ahead += 1
            self._changed.notify_all()

    def take(self, messages: int, batch: int) -> None:
        """So many messages are part of a batch now, which has `batch` of them."""
        with self._changed:
            self._ahead -= messages
            self._most_ahead = max(self._least_ahead, batch)
            self._changed.notify_all()

    def release(self, messages: Iterable[Message]) -> None:
        """They are deleted, or the queue's again."""
        with self._changed:
            for message in messages:
                if message in self._messages:
                    self._messages.remove(message)
                    self._bytes -= message.size
            self._changed.notify_all()

    @property
    def is_full(self) -> bool:
        """Nothing more is received until something is released."""
        with self._changed:
            return not self._calls and not self._has_room()

    def late(self, now: float, seconds: float) -> list[Message]:
        """Those hidden for `seconds` or longer."""
        with self._changed:
            return [message for message in self._messages if now - message.hidden_at >= seconds]

    def _has_room(self) -> bool:
        if not self._messages and not self._calls:
            # However small the bound is, one call goes on.
            return True
        calls = self._calls + 1
        return len(self._messages) + calls * TEN <= self._most_messages and self._bytes + calls * TEN * _MESSAGE_BYTES <= self._most_bytes

    def _is_ahead(self) -> bool:
        return self._ahead + self._calls * TEN >= self._most_ahead


class Keeper:
    """A thread that extends the invisibility of what is in hand at half of its life, whatever the rest of the worker waits for.

    `died` is told the error that ends it: without it every message in hand would come twice.
    """

    def __init__(
        self, hand: Hand, queue: Queue, seconds: int, extended: Callable[[int], None], died: Callable[[BaseException], None]
    ) -> None:
        self._hand, self._queue, self._seconds, self._extended, self._died = hand, queue, seconds, extended, died
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def leave(self) -> None:
        """No more extensions, and nobody waits for one under way."""
        self._done.set()

    def stop(self) -> None:
        self.leave()
        # A call under way may wait for long; it changes nothing any more.
        self._thread.join(_LONGEST_END)

    def _run(self) -> None:
        try:
            while not self._done.wait(self._seconds / 16):
                self._try_to_extend()
        except BaseException as error:  # noqa: BLE001 - a thread has nobody to raise to
            self._died(error)

    def _try_to_extend(self) -> None:
        try:
            self.extend(time.monotonic())
        except Exception as error:
            call_failed(is_tried_again=away(error))
            if not away(error):
                raise
            log.warning(f"extend visibility: {error}; trying again")

    def extend(self, now: float) -> int:
        """Extend what is half over; how many messages that were."""
        late = self._hand.late(now, self._seconds / 2)
        for part in tens(late):
            failed = {failure.message: failure for failure in self._queue.hide(part, self._seconds)}
            for message in part:
                # What is the queue's again stays so however often it is asked.
                if message not in failed or failed[message].is_final:
                    message.hidden_at = now
            # What was deleted meanwhile cannot be extended, and need not be.
            still = [failure for failure in failed.values() if failure.message in self._hand]
            for failure in still:
                log.warning(f"extend visibility: {failure}; it may come twice", extra=named([failure.message]))
            self._extended(len(part) - len(failed))
        return len(late)
