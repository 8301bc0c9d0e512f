"""The telemetry queue as the worker uses it. A batch call's answer is read entry by entry: a 200 says nothing of any one.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-batch-api-actions.html
"""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ingestion.message import Message
from runtime.platforms import Platform

# The most that SQS takes or gives in one call.
TEN = 10


@dataclass(frozen=True)
class Failure:
    """A message that a batch call did not do; `is_final`: the same request would fail again."""

    message: Message
    code: str
    words: str
    is_final: bool

    def __str__(self) -> str:
        return f"message {self.message.message_id}: {self.code}: {self.words}"


class TelemetryQueue:
    def __init__(self, platform: Platform, name: str) -> None:
        self.name = name
        self._sqs = platform.client("sqs")
        self._url = self._sqs.get_queue_url(QueueName=name)["QueueUrl"]

    def receive(self, wait_seconds: int, visibility_seconds: int) -> list[Message]:
        # Hidden from the moment of the call at the latest: counted from here, an extension never comes too late.
        began = time.monotonic()
        answer = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=TEN,
            WaitTimeSeconds=wait_seconds,
            VisibilityTimeout=visibility_seconds,
            AttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
        )
        hidden_at = max(began, time.monotonic() - visibility_seconds / 4)
        return [Message.of(entry, hidden_at) for entry in answer.get("Messages", ())]

    def hide(self, messages: list[Message], seconds: int) -> list[Failure]:
        """Keep up to ten messages invisible for `seconds` from now on; 0 gives them back at once."""
        call = self._sqs.change_message_visibility_batch
        return self._batch(call, messages, VisibilityTimeout=seconds)

    def delete(self, messages: list[Message]) -> list[Failure]:
        """Delete up to ten messages; those that are still there."""
        return self._batch(self._sqs.delete_message_batch, messages)

    def _batch(self, call: Callable[..., dict[str, Any]], messages: list[Message], **each: Any) -> list[Failure]:
        entries = [{"Id": str(i), "ReceiptHandle": message.receipt, **each} for i, message in enumerate(messages)]
        answer = call(QueueUrl=self._url, Entries=entries)
        done = {entry["Id"] for entry in answer.get("Successful", ())}
        told = {entry["Id"]: entry for entry in answer.get("Failed", ())}
        return [_failure(message, told.get(str(i), {})) for i, message in enumerate(messages) if str(i) not in done]


def _failure(message: Message, entry: dict[str, Any]) -> Failure:
    words = str(entry.get("Message") or "the answer does not say how this entry ended")
    return Failure(message, str(entry.get("Code") or "NoAnswer"), words, bool(entry.get("SenderFault")))


def tens(messages: Iterable[Message]) -> Iterator[list[Message]]:
    """As many as one call takes."""
    rest = iter(messages)
    while part := list(itertools.islice(rest, TEN)):
        yield part
