"""What the IoT rule writes to the queue: the device's bytes, and who sent them when."""

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

# What arrives outside of these was not written by a rule; and no sum with such a moment overflows.
_YEARS = range(2000, 9000)


# There is one for each message, and a frozen dataclass takes five times as long to make.
class Envelope(msgspec.Struct, frozen=True):
    payload: bytes
    device_id: str
    contract: str
    topic: str
    received_at: datetime
    principal: str | None
    client_id: str | None
    trace_id: str | None


class BadEnvelope(Exception):
    """The queue's message is not what the rule writes; its text says why."""


class _Written(msgspec.Struct, gc=False):
    """What the rule writes as a rule; anything else is left to the exact way."""

    payload: bytes
    device_id: Annotated[str, msgspec.Meta(min_length=1)]
    contract: Annotated[str, msgspec.Meta(min_length=1)]
    # Milliseconds of the years 2001 to 8998, within _YEARS wherever the day begins.
    received_at: Annotated[int, msgspec.Meta(ge=978_307_200_000, le=221_813_000_000_000)]
    topic: str | None = None
    principal: str | None = None
    client_id: str | None = None
    trace_id: str | None = None


_written = msgspec.json.Decoder(_Written).decode


def read_envelope(body: str, topic_prefix: str) -> Envelope:
    """The envelope in a message of the telemetry queue. Raises BadEnvelope."""
    # Without a backslash no text hides half a character, and the decoder's base64 is the library's own, several times faster.
    if body.isascii() and "\\" not in body:
        try:
            return _envelope(_written(body), topic_prefix)
        except (msgspec.MsgspecError, RecursionError):
            pass
    return _read_exactly(body, topic_prefix)


def _envelope(written: _Written, topic_prefix: str) -> Envelope:
    contract, topic = written.contract, written.topic
    prefix = f"{topic_prefix}/{written.device_id}/"
    if topic:
        contract = topic.removeprefix(prefix) or contract
    else:
        topic = prefix + contract
    received_at = datetime.fromtimestamp(written.received_at / 1000, UTC)
    # By position: there is one for each message.
    return Envelope(
        written.payload, written.device_id, contract, topic, received_at, written.principal, written.client_id, written.trace_id
    )


def _read_exactly(body: str, topic_prefix: str) -> Envelope:
    document = read_document(body)
    device_id = _text(document, "device_id")
    prefix = f"{topic_prefix}/{device_id}/"
    topic = optional_text(document, "topic")
    # A topic that ends there names no contract, and one of more levels one that there is none of: all of what follows the device.
    contract = "" if topic == prefix and document.get("contract") in ("", None) else _text(document, "contract")
    topic = topic or prefix + contract
    return Envelope(
        payload=payload_in(document, "payload"),
        device_id=device_id,
        contract=topic.removeprefix(prefix) or contract,
        topic=topic,
        received_at=_moment(document),
        principal=optional_text(document, "principal"),
        client_id=optional_text(document, "client_id"),
        trace_id=optional_text(document, "trace_id"),
    )


def _text(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise BadEnvelope(f"{name} is missing")
    return _whole(name, value)


def read_document(body: str) -> dict[str, Any]:
    """The object that a queue's message is. Raises BadEnvelope."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise BadEnvelope("the message is not JSON") from None
    if not isinstance(document, dict):
        raise BadEnvelope("the message is not an object")
    return document


def optional_text(document: dict[str, Any], name: str) -> str | None:
    value = document.get(name)
    return _whole(name, value) if isinstance(value, str) else None


def _whole(name: str, value: str) -> str:
    """A text that can be stored: JSON can spell half a character, which no file format takes."""
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise BadEnvelope(f"{name} holds half of a surrogate pair")
    return value


def payload_in(document: dict[str, Any], name: str) -> bytes:
    """The device's bytes. Raises BadEnvelope."""
    text = document.get(name)
    try:
        # The rule's encode() of an empty payload is an empty text. A null is no text: as one it would be base64 of three bytes.
        return base64.b64decode(text if isinstance(text, str) else "?", validate=True)
    except (binascii.Error, ValueError):
        raise BadEnvelope(f"{name} is not base64") from None


def _moment(document: dict[str, Any]) -> datetime:
    value = document.get("received_at")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadEnvelope("received_at is not epoch milliseconds")
    try:
        moment = datetime.fromtimestamp(value / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        raise BadEnvelope("received_at is no moment") from None
    if moment.year not in _YEARS:
        raise BadEnvelope(f"received_at lies in the year {moment.year}")
    return moment
