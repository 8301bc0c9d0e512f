"""What a log line says of messages of a queue: their ids, devices and traces, as the rule or its error action wrote them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from runtime.sqs import Message

_MOST_IDS = 10


class _Head(msgspec.Struct, gc=False):
    """The payload beside it is only stepped over."""

    device_id: str = ""
    trace_id: str | None = None
    cloudwatchTraceId: str | None = None
    topic: str | None = None

    @property
    def device(self) -> str:
        """Of a rule's error only the topic names it: ``dt/fleetlake/{device_id}/{contract}``."""
        parts = (self.topic or "").rsplit("/", 2)
        return self.device_id or (parts[1] if len(parts) == 3 else "")


_head = msgspec.json.Decoder(_Head).decode


def named(messages: Sequence[Message]) -> dict[str, Any]:
    """For a log record's `extra`; of a long list its beginning. Never raises, whatever a message's body is."""
    shown = messages[:_MOST_IDS]
    more = [f"and {len(messages) - _MOST_IDS} more"] if len(messages) > _MOST_IDS else []
    heads = [_head_of(message.body) for message in shown]
    return {
        "messages": len(messages),
        "message_ids": [message.message_id for message in shown] + more,
        "device_ids": sorted({head.device for head in heads if head.device}),
        "trace_ids": sorted({trace for head in heads if (trace := head.trace_id or head.cloudwatchTraceId)}),
    }


def _head_of(body: str) -> _Head:
    try:
        return _head(body)
    except (ValueError, TypeError, RecursionError):
        # Not text, not JSON, or not of a rule: its id names it.
        return _Head()
