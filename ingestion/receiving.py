"""Receiving beside the rest: several calls are under way while a batch is decoded and written, as long as the hand has room.

One receiver asks always; the others join it while answers come full, so that an idle queue costs one call at a time.
"""

import queue
import threading
import time
from collections.abc import Callable

from ingestion.counters import call_failed
from ingestion.hand import Hand
from ingestion.retry import Patience
from runtime.log import logger
from runtime.sqs import TEN, Message, Queue

WAIT_SECONDS = 1
# How long a receiver sleeps at most before it looks whether it should end.
_LOOK_SECONDS = 0.5
log = logger("worker")

# What receivers hand over: messages (none: the queue was empty), or the error that ended one.
Inbox = queue.SimpleQueue[list[Message] | BaseException]


class Receivers:
    def __init__(
        self, source: Queue, hand: Hand, calls: int, visibility_seconds: int, patience: Patience, boundary: Callable[[str], None]
    ) -> None:
        self.inbox: Inbox = queue.SimpleQueue()
        self._source, self._hand, self._visibility_seconds = source, hand, visibility_seconds
        self._patience, self._boundary = patience, boundary
        self._stopping = threading.Event()
        self._plenty = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(number,), name=f"receiver-{number}", daemon=True) for number in range(calls)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float) -> list[Message]:
        """No more calls; those under way get `seconds` to end. What was not taken yet; what a later one brings comes back by itself."""
        self._stopping.set()
        self._plenty.set()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        messages: list[Message] = []
        while not self.inbox.empty():
            found = self.inbox.get()
            if isinstance(found, list):
                messages += found
            else:
                log.warning(f"telemetry queue: {found}; it is no longer asked")
        return messages

    def _run(self, number: int) -> None:
        try:
            while not self._stopping.is_set():
                if number == 0 or self._plenty.wait(_LOOK_SECONDS):
                    self._receive()
        except BaseException as error:  # noqa: BLE001 - a thread has nobody to raise to but the inbox
            self.inbox.put(error)

    def _receive(self) -> None:
        if self._stopping.is_set() or not self._hand.begin_call(_LOOK_SECONDS):
            return
        found: list[Message] = []
        try:
            found = self._patience.call(self._ask, self._stopping, _say)
        finally:
            self._hand.end_call(found)
        if found:
            self._boundary("received")
        if len(found) >= TEN:
            self._plenty.set()
        elif not found and not self._stopping.is_set():
            self._plenty.clear()
        self.inbox.put(found)

    def _ask(self) -> list[Message]:
        return self._source.receive(min(WAIT_SECONDS, max(1, self._visibility_seconds // 4)), self._visibility_seconds)


def _say(error: BaseException) -> None:
    call_failed(is_tried_again=True)
    log.warning(f"telemetry queue: {error}; trying again")
