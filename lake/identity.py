"""Who a reading is: identities made from the device's message alone, never from a queue's id or a clock."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import rfc8785

_SEPARATOR = "\x1f"
_EXACT = 2**53
_LITERALS = {None: "null", True: "true", False: "false"}
# The standard library's text of a string, written in C; its escapes are those of RFC 8785.
_quoted = json.encoder.encode_basestring


def event_id(device_id: str, contract: str, ts_ms: int, boot: str, seq: int) -> str:
    """First 32 hex digits of SHA-256 over device, contract, time (ms), boot and seq, joined by the unit separator."""
    return _short(_SEPARATOR.join((device_id, contract, str(ts_ms), boot, str(seq))).encode())


def event_id_of_content(device_id: str, contract: str, canonical: bytes) -> str:
    """The same for a reading without boot or seq: over device, contract and the reading as RFC 8785 JSON."""
    return _short(_SEPARATOR.join((device_id, contract, "")).encode() + canonical)


def canonical_json(value: Any) -> bytes:
    """RFC 8785 JSON. Raises rfc8785.CanonicalizationError for what it cannot hold (an int beyond 2^53, NaN, a lone surrogate)."""
    return _flat(value) or rfc8785.dumps(value)


def reading_digest(canonical: bytes) -> str:
    """SHA-256 of a reading's canonical JSON."""
    return hashlib.sha256(canonical).hexdigest()


def object_digest(members: Iterable[tuple[str, str]]) -> str:
    """Name of an object by its content: SHA-256 of the sorted pairs (event id, digest of the reading)."""
    digest = hashlib.sha256()
    for identity, reading in sorted(members):
        digest.update(f"{identity}{_SEPARATOR}{reading}\n".encode())
    return digest.hexdigest()


def quarantine_id(topic: str, content: bytes, index: int | None) -> str:
    """SHA-256 of topic, bytes and place in the pack; a whole message has no place."""
    place = "" if index is None else str(index)
    return hashlib.sha256(_SEPARATOR.join((topic, place, "")).encode(errors="surrogatepass") + content).hexdigest()


def _flat(value: Any) -> bytes | None:
    """The same text, several times faster, for what readings are: one object of plain values; None where it might differ."""
    if type(value) is not dict:
        return None
    parts = []
    for key in sorted(value):
        # Keys beyond ASCII sort by UTF-16 units, not as Python sorts them.
        text = _plain(value[key]) if type(key) is str and key.isascii() else None
        if text is None:
            return None
        parts.append(f"{_quoted(key)}:{text}")
    try:
        return f"{{{','.join(parts)}}}".encode()
    except UnicodeEncodeError:
        return None


def _plain(value: Any) -> str | None:
    kind = type(value)
    if kind is float:
        # Python's shortest digits are ECMAScript's, but for the form with an exponent (and for nan and inf).
        text = repr(value)
        if value == 0 or "e" in text or "n" in text:
            return "0" if value == 0 else None
        return text.removesuffix(".0")
    if kind is int:
        return str(value) if -_EXACT < value < _EXACT else None
    if kind is str:
        return _quoted(value)
    return _LITERALS.get(value) if kind in (bool, type(None)) else None


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
