"""What Lambda hands to a function for messages of a queue, in the form that AWS documents."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.ingestion.builders import NOON_MS

SENT_MS = NOON_MS + 3_600_000


def record(message_id: str, body: str, receives: int = 1) -> dict[str, Any]:
    return {
        "messageId": message_id,
        "receiptHandle": f"receipt of {message_id}",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": str(receives),
            "SentTimestamp": str(SENT_MS),
            "SenderId": "AROAEXAMPLE:rule",
            "ApproximateFirstReceiveTimestamp": str(SENT_MS + 5),
        },
        "messageAttributes": {},
        "md5OfBody": "00000000000000000000000000000000",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:fleetlake-telemetry",
        "awsRegion": "us-east-1",
    }


def event(*records: dict[str, Any]) -> dict[str, Any]:
    return {"Records": list(records)}


@dataclass
class Time:
    """A Lambda context whose time a test uses up."""

    milliseconds: int = 60_000
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:fleetlake-ingest"
    asked: int = 0
    on_ask: Callable[["Time"], None] = field(default=lambda time: None)

    def get_remaining_time_in_millis(self) -> int:
        self.asked += 1
        self.on_ask(self)
        return self.milliseconds
