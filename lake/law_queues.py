"""Messages that have not reached the lake: waiting in the telemetry queue or the error queue, or given up.

The dead-letter queue is read without removing anything. The other two are only counted: reading them would count as a
delivery, and five of those make a dead letter.
"""

import base64
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lake.dead_letter_queue import DeadLetterQueue
from runtime.errors import ServiceError
from runtime.platforms import Platform
from runtime.sqs import Queue

_MOST = 10_000


@dataclass(frozen=True)
class Message:
    topic: str
    payload: bytes


@dataclass(frozen=True)
class Queues:
    """`waiting`: messages in the telemetry and the error queue; None where the queues could not be asked."""

    waiting: int | None
    dead: tuple[Message, ...] = ()


UNREACHABLE = Queues(None)


def read_queues(platform: Platform, wait_seconds: float = 0, pause: Callable[[float], None] = time.sleep) -> Queues:
    """What is in the queues, after waiting up to `wait_seconds` for the telemetry and the error queue to be empty."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        waiting = _waiting(platform)
        deadline = time.monotonic() + wait_seconds
        while waiting and time.monotonic() < deadline:
            pause(0.5)
            waiting = _waiting(platform)
        dead = [letter.body for letter in DeadLetterQueue(platform).read(_MOST)]
    except (ServiceError, BotoCoreError, ClientError):
        return UNREACHABLE
    return Queues(waiting, tuple(message_of(body, platform) for body in dead))


def queue_counts(platform: Platform) -> dict[str, int]:
    """Messages in each queue, by the queue's part: telemetry, errors, dead letters."""
    return {part: _count(platform, name) for part, name in queue_names(platform).items()}


def queue_names(platform: Platform) -> dict[str, str]:
    settings = platform.settings
    return {"telemetry": settings.telemetry_queue, "errors": settings.error_queue, "dead letters": settings.dead_letter_queue}


def _waiting(platform: Platform) -> int:
    # The error queue last: nothing goes from there to the telemetry queue.
    return _count(platform, platform.settings.telemetry_queue) + _count(platform, platform.settings.error_queue)


def _count(platform: Platform, queue: str) -> int:
    return Queue(platform.client("sqs"), queue).waiting()


def message_of(body: str, platform: Platform) -> Message:
    """A message as the rule wrote it, or as its error action did."""
    document = _object(body)
    if "base64OriginalPayload" in document:
        # A message of Basic Ingest may be told with the prefix that the rule itself does not see.
        topic = re.sub(r"^\$aws/rules/[^/]+/", "", str(document.get("topic", "")))
        return Message(topic, _bytes(document["base64OriginalPayload"]))
    topic = f"{platform.settings.topic_prefix}/{document.get('device_id') or ''}/{document.get('contract') or ''}"
    return Message(topic, _bytes(document.get("payload")))


def _object(body: str) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _bytes(text: object) -> bytes:
    try:
        return base64.b64decode(str(text or ""))
    except ValueError:
        return b""
