"""The dead-letter queue, looked at without taking anything away.

SQS has no look without a receive. Here each message that was received is shown to everybody again at the end; the receives are
counted, but on this queue nothing depends on the count, and where something would (a redrive policy of its own) it is refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError

from runtime.errors import ServiceError, UserError
from runtime.log import logger
from runtime.platforms import Platform
from runtime.sqs import TEN, Failure, Message, Queue, tens

# Hidden for so long while it is looked at; whoever dies meanwhile has hidden it for the rest of it.
_HIDDEN_SECONDS = 120
_ATTRIBUTES = ["SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp", "DeadLetterQueueSourceArn"]
# A receive that finds nothing new may have asked some of SQS's servers alone.
_MISSES = 3
log = logger("dead_letters")


class DeadLetterQueue:
    """Raises ServiceError where the queue cannot be asked, UserError where looking would change something."""

    def __init__(self, platform: Platform) -> None:
        self.name = platform.settings.dead_letter_queue
        self.sqs = platform.client("sqs")
        with asking(self.name):
            self._queue = Queue(self.sqs, self.name)
            self.url = self._queue.url
            names = ["QueueArn", "RedrivePolicy"]
            found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names).get("Attributes", {})
        if found.get("RedrivePolicy"):
            raise UserError(
                f"dead-letter queue {self.name}: it has a redrive policy of its own, so looking would move its messages on; remove the policy"
            )
        self.arn = found["QueueArn"]

    def waiting(self) -> int:
        """Messages there, those that somebody looks at now included."""
        with asking(self.name):
            return self._queue.waiting()

    def look(self, most: int, hidden_seconds: int = _HIDDEN_SECONDS) -> Iterator[list[Message]]:
        """Up to `most` messages by the handful, each once, hidden from others until `show_again` makes them visible."""
        expected = min(most, self.waiting())
        seen: set[str] = set()
        misses = 0
        while len(seen) < most and misses < (_MISSES if len(seen) < expected else 1):
            with asking(self.name):
                # A long poll asks all of SQS's servers.
                wait_seconds = 1 if len(seen) < expected else 0
                most_now = min(TEN, most - len(seen))
                found = self._queue.receive(wait_seconds, hidden_seconds, most_now, _ATTRIBUTES, MessageAttributeNames=["All"])
            fresh = [letter for letter in found if letter.message_id not in seen]
            misses = 0 if fresh else misses + 1
            seen.update(letter.message_id for letter in fresh)
            yield fresh

    def read(self, most: int) -> list[Message]:
        """Up to `most` messages, the oldest first, all visible to others again."""
        letters: list[Message] = []
        try:
            for some in self.look(most):
                letters += some
        finally:
            self.show_again(letters)
        return sorted(letters, key=lambda letter: (letter.sent_at or datetime.min.replace(tzinfo=UTC), letter.message_id))

    def delete(self, letter: Message) -> list[Failure]:
        with asking(self.name):
            return self._queue.delete([letter])

    def show_again(self, letters: list[Message]) -> None:
        for part in tens(letters):
            try:
                failed = self._queue.hide(part, 0)
            except (ClientError, BotoCoreError) as error:
                log.warning(f"dead-letter queue {self.name}: messages stay hidden for up to {_HIDDEN_SECONDS} s: {error}")
                continue
            for failure in failed:
                log.warning(f"dead-letter queue {self.name}: stays hidden for up to {_HIDDEN_SECONDS} s: {failure}")


@contextmanager
def asking(queue: str) -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise ServiceError(f"dead-letter queue {queue}: {error}; are the queues there? `fleetlake up` makes them on a laptop") from None
