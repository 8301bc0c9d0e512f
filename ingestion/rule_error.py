"""What the IoT rule's error action writes when an action of the rule failed: the device's bytes are in it, unchanged.

AWS IoT says neither who published it nor when it came; the queue's own time of sending stands for the arrival.
https://docs.aws.amazon.com/iot/latest/developerguide/rule-error-handling.html
"""

import re
from collections.abc import Iterator
from datetime import datetime

from ingestion.envelope import BadEnvelope, Envelope, optional_text, payload_in, read_document

_ORIGINAL = "base64OriginalPayload"
# Basic Ingest's prefix, which the rule itself does not see.
_BASIC_INGEST = re.compile(r"^\$aws/rules/[^/]+/")
_NOBODY = {"n/a", ""}


def is_rule_error(body: str) -> bool:
    """Whether it may be one; a look, so that the many messages that are none cost nothing."""
    return f'"{_ORIGINAL}"' in body


def read_rule_error(body: str, topic_prefix: str, sent_at: datetime | None) -> Envelope:
    """The envelope of the message that the action failed for. Raises BadEnvelope."""
    document = read_document(body)
    topic = _BASIC_INGEST.sub("", optional_text(document, "topic") or "")
    device_id, slash, contract = topic.removeprefix(f"{topic_prefix}/").partition("/")
    if not topic.startswith(f"{topic_prefix}/") or not device_id or not slash:
        raise BadEnvelope(f"the rule's error is about topic {topic[:120]!r}, which is not {topic_prefix}/DEVICE/CONTRACT")
    if sent_at is None:
        raise BadEnvelope("nothing says when the rule's error came")
    client = optional_text(document, "clientId")
    return Envelope(
        payload=payload_in(document, _ORIGINAL),
        device_id=device_id,
        contract=contract,
        topic=topic,
        received_at=sent_at,
        principal=None,
        client_id=None if client is None or client.lower() in _NOBODY else client,
        trace_id=optional_text(document, "cloudwatchTraceId"),
    )


def failures(body: str) -> Iterator[str]:
    """What failed, in words, for the log; nothing for another message."""
    try:
        found = read_document(body).get("failures")
    except BadEnvelope:
        return
    for failure in found if isinstance(found, list) else ():
        if isinstance(failure, dict):
            action, resource, message = (failure.get(name) for name in ("failedAction", "failedResource", "errorMessage"))
            yield f"{action} to {resource}: {message}"
