"""Who a reading is: identities made from the device's message alone, never from a queue's id or a clock."""

import hashlib
from collections.abc import Iterable
from typing import Any

import orjson
import rfc8785

_SEPARATOR = "\x1f"
_EXACT = 2**53
# Numbers between these are written without an exponent by everybody.
_LEAST, _MOST = 1e-4, 1e15


def event_id(device_id: str, contract: str, ts_ms: int, boot: str, seq: int) -> str:
    """First 32 hex digits of SHA-256 over device, contract, time (ms), boot and seq, joined by the unit separator."""
    return _short(_SEPARATOR.join((device_id, contract, str(ts_ms), boot, str(seq))).encode())


def event_id_digests(contract: str, messages: Iterable[tuple[str, str, int]], times_ms: Iterable[int], seqs: Iterable[int]) -> list[bytes]:
    """Of many readings of one contract the SHA-256 of each, of which `event_id` is the first 16 bytes in hex.

    `messages` says of device, boot and how many of the readings, one after the other, are theirs.
    """
    sha256 = hashlib.sha256
    begins: list[bytes] = []
    middles: list[bytes] = []
    for device_id, boot, count in messages:
        begins += [f"{device_id}{_SEPARATOR}{contract}{_SEPARATOR}".encode()] * count
        middles += [f"{_SEPARATOR}{boot}{_SEPARATOR}".encode()] * count
    members = zip(begins, times_ms, middles, seqs, strict=True)
    # One after the other, as each loop by itself stays in the processor's cache.
    texts = [b"%b%d%b%d" % member for member in members]
    return [sha256(text).digest() for text in texts]


def event_id_of_content(device_id: str, contract: str, canonical: bytes) -> str:
    """The same for a reading without boot or seq: over device, contract and the reading as RFC 8785 JSON."""
    return _short(_SEPARATOR.join((device_id, contract, "")).encode() + canonical)


def canonical_json(value: Any) -> bytes:
    """RFC 8785 JSON. Raises rfc8785.CanonicalizationError for what it cannot hold (an int beyond 2^53, NaN, a lone surrogate)."""
    return _flat(value) or rfc8785.dumps(value)


def quarantine_id(topic: str, content: bytes, index: int | None) -> str:
    """SHA-256 of topic, bytes and place in the pack; a whole message has no place."""
    place = "" if index is None else str(index)
    return hashlib.sha256(_SEPARATOR.join((topic, place, "")).encode(errors="surrogatepass") + content).hexdigest()


def _flat(value: Any) -> bytes | None:
    """The same text twenty times faster, for what readings are: one object of plain values; None where it might differ."""
    if type(value) is not dict:
        return None
    plain = {}
    for key, member in value.items():
        kind = type(member)
        if kind is float:
            if member.is_integer() and -_EXACT < member < _EXACT:
                member = int(member)
            elif not _LEAST <= abs(member) < _MOST:
                return None
        elif not (kind is str or kind is bool or member is None or (kind is int and -_EXACT < member < _EXACT)):
            return None
        plain[key] = member
    try:
        # Keys beyond ASCII sort by UTF-16 units, not by their bytes.
        return orjson.dumps(plain, option=orjson.OPT_SORT_KEYS) if "".join(plain).isascii() else None
    except TypeError:
        return None


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
