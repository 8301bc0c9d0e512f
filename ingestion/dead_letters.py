"""What a dead letter says: whose it is, its bytes, and what decode makes of it now."""

import base64
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ingestion.arrival import decode_message, read_message
from ingestion.envelope import BadEnvelope
from lake.contracts import Contract
from runtime.settings import Settings
from runtime.sqs import Message


@dataclass(frozen=True)
class Content:
    """What a dead letter says; the names are empty where its envelope cannot be read. `says` is what decode makes of it now."""

    device_id: str
    contract: str
    topic: str
    readings: int | None
    says: str
    payload: bytes


def content_of(letter: Message, contracts: Mapping[str, Contract], settings: Settings) -> Content:
    """What the letter says, and what would become of it now."""
    try:
        envelope = read_message(letter.body, letter.sent_at, settings.topic_prefix)
    except BadEnvelope as bad:
        return Content("", "", "", None, f"refuses it as bad_envelope: {bad}", letter.body.encode(errors="surrogatepass"))
    readings, says = _outcome(letter, contracts, settings)
    return Content(envelope.device_id, envelope.contract, envelope.topic, readings, says, envelope.payload)


def _outcome(letter: Message, contracts: Mapping[str, Contract], settings: Settings) -> tuple[int | None, str]:
    try:
        decoded = decode_message(letter.body, letter.sent_at, contracts, settings)
    except Exception as error:  # noqa: BLE001 - what broke the worker breaks here too, and that is what is asked for
        return None, f"breaks: {type(error).__name__}: {error}"
    refused = Counter(row.reason.value for row in decoded.quarantined)
    parts = [f"takes {len(decoded.rows)}"] if decoded.rows else []
    parts += [f"refuses {number} as {reason}" for reason, number in refused.most_common()]
    return len(decoded.rows) + len(decoded.quarantined), ", ".join(parts)


def facts(letter: Message, content: Content, now: datetime) -> dict[str, Any]:
    """For a script; whole bodies are for `show`."""
    return {
        "message_id": letter.message_id,
        "sent_at": letter.sent_at.isoformat() if letter.sent_at else None,
        "age_seconds": round((now - letter.sent_at).total_seconds(), 1) if letter.sent_at else None,
        "receives": letter.receives,
        "source": letter.source,
        "device_id": content.device_id,
        "contract": content.contract,
        "topic": content.topic,
        "readings": content.readings,
        "says": content.says,
    }


def whole(letter: Message, content: Content, now: datetime) -> dict[str, Any]:
    """`facts` and everything that is in the message: its body, and the device's bytes as text where they are text."""
    try:
        envelope: Any = json.loads(letter.body)
    except (ValueError, RecursionError):
        envelope = None
    try:
        text: str | None = content.payload.decode()
    except UnicodeDecodeError:
        text = None
    told = {"body": letter.body, "envelope": envelope, "payload": text, "payload_base64": base64.b64encode(content.payload).decode()}
    return facts(letter, content, now) | told
