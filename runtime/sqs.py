"""SQS: a queue's message, and receive, delete and hide with a batch answer read entry by entry: a 200 says nothing of any one.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-batch-api-actions.html
"""

import itertools
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
AGE_NAMESPACE, AGE_METRIC = "AWS/SQS", "ApproximateAgeOfOldestMessage"
# The most that SQS takes or gives in one call.
TEN = 10
# A refused entry of a delete is asked again so often, after a short pause.
_DELETE_TRIES = 3
_LONGEST_DELETE_PAUSE = 0.2
_ATTRIBUTES = ("ApproximateReceiveCount", "SentTimestamp")
_COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")


# Known by identity: the same message may come twice, with two receipts.
@dataclass(eq=False)
class Message:
    """`receives`: how often it was handed out, this time included; `sent_at`: when the queue got it."""

    message_id: str
    body: str
    receipt: str = ""
    receives: int = 1
    sent_at: datetime | None = None
    # When it became invisible to others, by the monotonic clock.
    hidden_at: float = 0.0
    # Of a dead letter, the queue that gave it up, where SQS says so.
    source: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, entry: Mapping[str, Any], hidden_at: float = 0.0) -> "Message":
        """Of an answer to ReceiveMessage."""
        known = entry.get("Attributes", {})
        return cls(
            message_id=entry.get("MessageId", ""),
            body=entry["Body"],
            receipt=entry["ReceiptHandle"],
            receives=_receives(known),
            sent_at=_sent_at(known),
            hidden_at=hidden_at,
            source=known.get("DeadLetterQueueSourceArn", "").rpartition(":")[2] or None,
            attributes=entry.get("MessageAttributes", {}),
        )

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "Message":
        """Of an event that Lambda hands to a function, whose names begin small."""
        known = record.get("attributes", {})
        return cls(record["messageId"], record["body"], record.get("receiptHandle", ""), _receives(known), _sent_at(known))

    @property
    def size(self) -> int:
        return len(self.body)


def _receives(attributes: Mapping[str, str]) -> int:
    return int(attributes.get("ApproximateReceiveCount", 1))


def _sent_at(attributes: Mapping[str, str]) -> datetime | None:
    """SentTimestamp is milliseconds since 1970."""
    text = attributes.get("SentTimestamp", "")
    return datetime.fromtimestamp(int(text) / 1000, UTC) if text.isdigit() else None


@dataclass(frozen=True)
class Failure:
    """A message that a batch call did not do; `is_final`: the same request would fail again."""

    message: Message
    code: str
    words: str
    is_final: bool

    def __str__(self) -> str:
        return f"message {self.message.message_id}: {self.code}: {self.words}"


class Queue:
    """Each call raises what boto3 raises."""

    def __init__(self, sqs: Any, name: str) -> None:
        self.name, self.sqs = name, sqs
        self.url = str(sqs.get_queue_url(QueueName=name)["QueueUrl"])

    def receive(
        self, wait_seconds: int, visibility_seconds: int, most: int = TEN, names: Iterable[str] = _ATTRIBUTES, **more: Any
    ) -> list[Message]:
        """Up to `most` messages with the attributes of these `names`."""
        # Hidden from the moment of the call at the latest: counted from here, an extension never comes too late.
        began = time.monotonic()
        answer = self.sqs.receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=most,
            WaitTimeSeconds=wait_seconds,
            VisibilityTimeout=visibility_seconds,
            AttributeNames=list(names),
            **more,
        )
        hidden_at = max(began, time.monotonic() - visibility_seconds / 4)
        return [Message.of(entry, hidden_at) for entry in answer.get("Messages", ())]

    def hide(self, messages: Iterable[Message], seconds: int) -> list[Failure]:
        """Keep messages invisible for `seconds` from now on, 0 gives them back at once; those that it was not done for."""
        return self._batch(self.sqs.change_message_visibility_batch, messages, VisibilityTimeout=seconds)

    def delete(self, messages: Iterable[Message]) -> list[Failure]:
        """Delete messages; those that are still there. What may succeed later was tried again."""
        return [failure for part in tens(messages) for failure in self._delete(part)]

    def _delete(self, messages: list[Message]) -> list[Failure]:
        failed = self._batch(self.sqs.delete_message_batch, messages)
        for _ in range(1, _DELETE_TRIES):
            again = [failure.message for failure in failed if not failure.is_final]
            if not again:
                break
            time.sleep(random.uniform(0, _LONGEST_DELETE_PAUSE))
            final = [failure for failure in failed if failure.is_final]
            failed = final + self._batch(self.sqs.delete_message_batch, again)
        return failed

    def try_out(self) -> None:
        """Whether messages may be hidden and deleted, with a receipt of none: nothing is received or changed. Raises ClientError."""
        nobody = [Message("none", "", "none")]
        self._ask(self.sqs.change_message_visibility_batch, nobody, VisibilityTimeout=0)
        self._ask(self.sqs.delete_message_batch, nobody)

    def waiting(self) -> int:
        """Messages there, as far as the queue knows, hidden and delayed ones included."""
        found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=list(_COUNTS))["Attributes"]
        return sum(int(found.get(name, 0)) for name in _COUNTS)

    def _batch(self, call: Callable[..., dict[str, Any]], messages: Iterable[Message], **each: Any) -> list[Failure]:
        return [failure for part in tens(messages) for failure in self._ask(call, part, **each)]

    def _ask(self, call: Callable[..., dict[str, Any]], messages: list[Message], **each: Any) -> list[Failure]:
        entries = [{"Id": str(i), "ReceiptHandle": message.receipt, **each} for i, message in enumerate(messages)]
        answer = call(QueueUrl=self.url, Entries=entries)
        done = {entry["Id"] for entry in answer.get("Successful", ())}
        told = {entry["Id"]: entry for entry in answer.get("Failed", ())}
        return [_failure(message, told.get(str(i), {})) for i, message in enumerate(messages) if str(i) not in done]


def _failure(message: Message, entry: Mapping[str, Any]) -> Failure:
    words = str(entry.get("Message") or "the answer does not say how this entry ended")
    return Failure(message, str(entry.get("Code") or "NoAnswer"), words, bool(entry.get("SenderFault")))


def tens(messages: Iterable[Message]) -> Iterator[list[Message]]:
    """As many as one call takes."""
    rest = iter(messages)
    while part := list(itertools.islice(rest, TEN)):
        yield part


def queue_arn(sqs: Any, name: str) -> str:
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    return str(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"])
