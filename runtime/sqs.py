"""What SQS says of a message and a queue, in our words."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def sent_time(attributes: Mapping[str, str]) -> datetime | None:
    """SentTimestamp, milliseconds since 1970: when the queue got the message."""
    text = attributes.get("SentTimestamp", "")
    return datetime.fromtimestamp(int(text) / 1000, UTC) if text.isdigit() else None


def receives(attributes: Mapping[str, str]) -> int:
    """How often the message was handed out, this time included."""
    return int(attributes.get("ApproximateReceiveCount", 1))


def queue_arn(sqs: Any, name: str) -> str:
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    return str(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"])
