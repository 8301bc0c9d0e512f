"""Who a reading is: identities made from the device's message alone, never from a queue's id or a clock."""

import hashlib
from collections.abc import Iterable
from typing import Any

import rfc8785

_SEPARATOR = "\x1f"


def event_id(device_id: str, contract: str, ts_ms: int, boot: str, seq: int) -> str:
    """First 32 hex digits of SHA-256 over device, contract, time (ms), boot and seq, joined by the unit separator."""
    return _short(_SEPARATOR.join((device_id, contract, str(ts_ms), boot, str(seq))).encode())


def event_id_of_content(device_id: str, contract: str, canonical: bytes) -> str:
    """The same for a reading without boot or seq: over device, contract and the reading as RFC 8785 JSON."""
    return _short(_SEPARATOR.join((device_id, contract, "")).encode() + canonical)


def canonical_json(value: Any) -> bytes:
    """RFC 8785 JSON. Raises rfc8785.CanonicalizationError for what it cannot hold (an int beyond 2^53, NaN, a lone surrogate)."""
    return rfc8785.dumps(value)


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


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
