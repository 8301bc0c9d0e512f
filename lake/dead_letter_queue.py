"""The dead-letter queue, looked at without taking anything away.

SQS has no look without a receive. Here each message that was received is shown to everybody again at the end; the receives are
counted, but on this queue nothing depends on the count, and where something would (a redrive policy of its own) it is refused.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from runtime.errors import ServiceError, UserError
from runtime.log import logger
from runtime.platforms import Platform
from runtime.sqs import receives, sent_time

# Hidden for so long while it is looked at; whoever dies meanwhile has hidden it for the rest of it.
_HIDDEN_SECONDS = 120
_ATTRIBUTES = ["SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp", "DeadLetterQueueSourceArn"]
# A receive that finds nothing new may have asked some of SQS's servers alone.
_MISSES = 3
log = logger("dead_letters")


@dataclass(frozen=True)
class DeadLetter:
    message_id: str
    body: str
    receipt: str
    sent_at: datetime | None
    receives: int
    # The queue that gave it up, where SQS says so.
    source: str | None
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> "DeadLetter":
        known = entry.get("Attributes", {})
        return cls(
            message_id=entry["MessageId"],
            body=entry["Body"],
            receipt=entry["ReceiptHandle"],
            sent_at=sent_time(known),
            receives=receives(known),
            source=known.get("DeadLetterQueueSourceArn", "").rpartition(":")[2] or None,
            attributes=entry.get("MessageAttributes", {}),
        )


class DeadLetterQueue:
    """Raises ServiceError where the queue cannot be asked, UserError where looking would change something."""

    def __init__(self, platform: Platform) -> None:
        self.name = platform.settings.dead_letter_queue
        self.sqs = platform.client("sqs")
        with asking(self.name):
            self.url = self.sqs.get_queue_url(QueueName=self.name)["QueueUrl"]
            names = ["QueueArn", "RedrivePolicy"]
            found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names).get("Attributes", {})
        if found.get("RedrivePolicy"):
            raise UserError(
                f"dead-letter queue {self.name}: it has a redrive policy of its own, so looking would move its messages on; remove the policy"
            )
        self.arn = found["QueueArn"]

    def waiting(self) -> int:
        """Messages there, those that somebody looks at now included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        with asking(self.name):
            found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    def look(self, most: int, hidden_seconds: int = _HIDDEN_SECONDS) -> Iterator[list[DeadLetter]]:
        """Up to `most` messages by the handful, each once, hidden from others until `show_again` makes them visible."""
        expected = min(most, self.waiting())
        seen: set[str] = set()
        misses = 0
        while len(seen) < most and misses < (_MISSES if len(seen) < expected else 1):
            with asking(self.name):
                answer = self.sqs.receive_message(
                    QueueUrl=self.url,
                    MaxNumberOfMessages=min(10, most - len(seen)),
                    VisibilityTimeout=hidden_seconds,
                    # A long poll asks all of SQS's servers.
                    WaitTimeSeconds=1 if len(seen) < expected else 0,
                    AttributeNames=_ATTRIBUTES,
                    MessageAttributeNames=["All"],
                )
            fresh = [DeadLetter.of(entry) for entry in answer.get("Messages", ()) if entry["MessageId"] not in seen]
            misses = 0 if fresh else misses + 1
            seen.update(letter.message_id for letter in fresh)
            yield fresh

    def read(self, most: int) -> list[DeadLetter]:
        """Up to `most` messages, the oldest first, all visible to others again."""
        letters: list[DeadLetter] = []
        try:
            for some in self.look(most):
                letters += some
        finally:
            self.show_again(letters)
        return sorted(letters, key=lambda letter: (letter.sent_at or datetime.min.replace(tzinfo=UTC), letter.message_id))

    def show_again(self, letters: list[DeadLetter]) -> None:
        for start in range(0, len(letters), 10):
            entries = [
                {"Id": str(i), "ReceiptHandle": letter.receipt, "VisibilityTimeout": 0}
                for i, letter in enumerate(letters[start : start + 10])
            ]
            try:
                self.sqs.change_message_visibility_batch(QueueUrl=self.url, Entries=entries)
            except (ClientError, BotoCoreError) as error:
                log.warning(f"dead-letter queue {self.name}: messages stay hidden for up to {_HIDDEN_SECONDS} s: {error}")


@contextmanager
def asking(queue: str) -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise ServiceError(f"dead-letter queue {queue}: {error}; are the queues there? `fleetlake up` makes them on a laptop") from None
