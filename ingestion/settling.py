"""How a message's way ends at its queue: deleted after it was put, or given back."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from ingestion.counters import Counters, call_failed
from ingestion.hand import Hand
from ingestion.message import named
from runtime.log import logger
from runtime.sqs import Message, Queue, tens

# A receipt that is no longer valid says either.
NOT_DELETED = "its readings are in the lake; somebody else received it since, or it comes back and changes nothing"
log = logger("worker")


@dataclass
class Settling:
    queue: Queue
    hand: Hand
    counters: Counters
    boundary: Callable[[str], None]
    calls: int

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(self.calls, "deleter")

    def stop(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def delete(self, messages: Sequence[Message]) -> int:
        """Delete those that are in hand, several calls at once; how many the queue deleted."""
        return sum(self._pool.map(self._delete, tens(message for message in messages if message in self.hand)))

    def _delete(self, messages: list[Message]) -> int:
        failed = self.queue.delete(messages)
        for failure in failed:
            call_failed(is_tried_again=False)
            log.warning(f"{self.queue.name} did not delete {failure}; {NOT_DELETED}", extra=named([failure.message]))
        self.hand.release(messages)
        return len(messages) - len(failed)

    def give_back(self, messages: Sequence[Message]) -> None:
        """Another worker may have them at once. Where the queue does not answer they come back when their time is over."""
        held = [message for message in messages if message in self.hand]
        self.hand.release(held)
        for part in tens(held):
            try:
                failed = self.queue.hide(part, 0)
            except (ClientError, BotoCoreError) as error:
                log.warning(f"give back: {error}; the messages come back by themselves", extra=named(part))
                continue
            for failure in failed:
                log.warning(f"give back: {failure}; it comes back by itself", extra=named([failure.message]))
            self.counters.give_back(len(part) - len(failed))
            self.boundary("given_back")
