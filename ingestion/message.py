"""What a log line says of messages of a queue: their ids, devices and traces, as the rule wrote them."""

import json
from collections.abc import Sequence
from typing import Any

from runtime.sqs import Message

_MOST_IDS = 100
# The rule's names, and what its error action calls the same.
_TRACES = ("trace_id", "cloudwatchTraceId")


def named(messages: Sequence[Message]) -> dict[str, Any]:
    """For a log record's `extra`; of a long list its beginning. Never raises."""
    shown = messages[:_MOST_IDS]
    heads = [_head(message.body) for message in shown]
    return {
        "messages": len(messages),
        "message_ids": [message.message_id for message in shown],
        "device_ids": sorted({device for device, _ in heads if device}),
        "trace_ids": [trace for _, trace in heads if trace],
    }


def _head(body: str) -> tuple[str, str]:
    """Device and trace; empty where nothing says so."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(document, dict):
        return "", ""
    return _device(document), next((str(document[name]) for name in _TRACES if document.get(name)), "")


def _device(document: dict[str, Any]) -> str:
    """Of a rule's error only the topic names it: ``dt/fleetlake/{device_id}/{contract}``."""
    if "device_id" in document:
        return str(document["device_id"])
    parts = str(document.get("topic", "")).rsplit("/", 2)
    return parts[1] if len(parts) == 3 else ""
