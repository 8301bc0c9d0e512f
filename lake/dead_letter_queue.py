"""The dead-letter queue, looked at without taking anything away.

SQS has no look without a receive. Here each message that was received is shown to everybody again at the end; the receives are
counted, but on this queue nothing depends on the count, and where something would (a redrive policy of its own) it is refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

from runtime.errors import ServiceError, UserError
from runtime.log import logger
from runtime.platforms import Platform
from runtime.settings import Settings
from runtime.sqs import TEN, Failure, Message, Queue, tens

_ATTRIBUTES = ["SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp", "DeadLetterQueueSourceArn"]
# A receive that finds nothing new may have asked some of SQS's servers alone.
_MISSES = 3
# The first page of a look must not come again before its last; a receive is counted with ten times what it takes.
_HIDDEN_SECONDS = 30
_LETTERS_A_SECOND = 100
log = logger("dead_letters")


def hidden_seconds(letters: int) -> int:
    """For how long a look at so many hides them from others; whoever is killed meanwhile has hidden them for the rest of it."""
    return _HIDDEN_SECONDS + letters // _LETTERS_A_SECOND


class DeadLetterQueue:
    """Raises ServiceError where the queue cannot be asked, UserError where looking would change something."""

    def __init__(self, platform: Platform) -> None:
        self._settings = platform.settings
        self.name = self._settings.dead_letter_queue
        self.sqs = platform.client("sqs")
        with asking(self.name, self._settings):
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
        with asking(self.name, self._settings):
            return self._queue.waiting()

    def look(self, most: int) -> Iterator[list[Message]]:
        """Up to `most` messages by the handful, each once, hidden from others until `show_again` makes them visible."""
        expected = min(most, self.waiting())
        hidden_for = hidden_seconds(expected)
        seen: dict[str, Message] = {}
        misses = 0
        while len(seen) < most and misses < (_MISSES if len(seen) < expected else 1):
            with asking(self.name, self._settings):
                # A long poll asks all of SQS's servers.
                wait_seconds = 1 if len(seen) < expected else 0
                most_now = min(TEN, most - len(seen))
                found = self._queue.receive(wait_seconds, hidden_for, most_now, _ATTRIBUTES, MessageAttributeNames=["All"])
            fresh = [letter for letter in found if letter.message_id not in seen]
            misses = 0 if fresh else misses + 1
            for letter in found:
                # One that came again is given back by its newest receipt.
                seen.setdefault(letter.message_id, letter).receipt = letter.receipt
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
        with asking(self.name, self._settings):
            return self._queue.delete([letter])

    def show_again(self, letters: list[Message]) -> None:
        for part in tens(letters):
            try:
                failed = self._queue.hide(part, 0)
            except (ClientError, BotoCoreError) as error:
                log.warning(f"dead-letter queue {self.name}: messages stay hidden for up to {hidden_seconds(len(letters))} s: {error}")
                continue
            for failure in failed:
                log.warning(f"dead-letter queue {self.name}: stays hidden for up to {hidden_seconds(len(letters))} s: {failure}")


@contextmanager
def asking(queue: str, settings: Settings) -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise ServiceError(
            f"dead-letter queue {queue} (FLEETLAKE_DEAD_LETTER_QUEUE): {error}; {how_to_be_answered(error, settings)}"
        ) from None


def how_to_be_answered(error: Exception, settings: Settings) -> str:
    """What to do where a queue cannot be asked."""
    if settings.platform == "local":
        return "is it there? `fleetlake up` makes it on a laptop"
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the process a role"
    return (
        f"is it there, in region {settings.region} (FLEETLAKE_REGION), and may these credentials ask it? the infrastructure code makes it"
    )
