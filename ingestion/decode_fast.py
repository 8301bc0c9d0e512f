"""The same as ingestion/decode.py, several times faster for what devices send as a rule; tests hold the two equal.

A message is read by types made from the contract (ingestion/typed_reading.py), which take less than the reference takes. A reading
that they do not take, or in which a key may stand twice, is cut out and given to the reference; and so is the whole message where
its readings cannot be told apart for certain.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np

from ingestion.decode import MAX_BYTES, MAX_READINGS, decode, read_part
from ingestion.envelope import Envelope
from ingestion.rows import Rows
from ingestion.split import Split, split_pack, start_of_readings
from ingestion.strict_json import Refused, parse
from ingestion.typed_reading import TypedContract
from ingestion.validate import Head, Reading, Validator, check_device, read_boot
from lake.quarantine import Quarantined

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BETWEEN = re.compile(rb"\}\s*,\s*\{")
_AROUND = b'{"readings":[', b"]}"
_QUOTE = ord('"')
# From here on a pass of numpy is cheaper than one of bytes.count.
_LONG = 4096
# A UnicodeDecodeError is a ValueError. Whatever the parser says, the reference knows why.
_NOT_TAKEN = (msgspec.MsgspecError, ValueError, RecursionError)
_encode_lines = msgspec.json.Encoder().encode_lines


def decode_into(rows: Rows, envelope: Envelope, future_seconds: float) -> list[Quarantined]:
    """Every reading of the message, each exactly once: in `rows`, or in the answer."""
    rows.end_message()
    typed = rows.typed(envelope.contract)
    if typed is not None and len(envelope.payload) <= MAX_BYTES:
        bad = _Message(rows, envelope, typed, envelope.received_at + timedelta(seconds=future_seconds)).take()
        if bad is not None:
            return bad
    decoded = decode(envelope, rows.contracts, future_seconds)
    if decoded.rows:
        rows.add_readings(envelope, [reading for reading, _ in decoded.rows], range(len(decoded.rows)))
    return list(decoded.quarantined)


@dataclass
class _Parts:
    """The bytes of a pack's readings in their order, and what the types made of each: None where only the reference knows."""

    contents: list[bytes] = field(default_factory=list)
    readings: list[Any] = field(default_factory=list)

    def taken(self) -> list[int]:
        return [place for place, reading in enumerate(self.readings) if reading is not None]


@dataclass(frozen=True)
class _Message:
    rows: Rows
    envelope: Envelope
    typed: TypedContract
    latest: datetime

    def take(self) -> list[Quarantined] | None:
        """What is quarantined; None where only the reference knows, and then nothing is in `rows`."""
        payload = self.envelope.payload
        if b'"readings"' not in payload:
            return self._single(payload)
        return [] if self._whole(payload) else self._by_parts(payload)

    def _single(self, payload: bytes) -> list[Quarantined] | None:
        readings = [reading for reading in [self._reading(payload)] if reading is not None]
        lines = _encode_lines(readings)
        if not readings or _quotes(payload) != _quotes(lines):
            return None
        self.rows.add_typed(self.envelope, None, readings, lines, [0])
        return []

    def _whole(self, payload: bytes) -> bool:
        """A pack at once, where all of it is as it should be."""
        if not _is_plain(payload):
            return False
        try:
            pack = self.typed.read_pack(payload)
        except _NOT_TAKEN:
            return False
        if not 0 < len(pack.readings) <= MAX_READINGS or not self._are_here([pack.device_id]) or not self._are_sound(pack.readings):
            return False
        lines = _encode_lines(pack.readings)
        if _quotes(payload) != _quotes_of_head(pack) + _quotes(lines):
            return False
        self.rows.add_typed(self.envelope, pack.boot or None, pack.readings, lines, range(len(pack.readings)))
        return True

    def _by_parts(self, payload: bytes) -> list[Quarantined] | None:
        guess = _cut(payload)
        head = None if guess is None else self._head(guess.head)
        parts = None if guess is None or head is None else self._parts(guess)
        if head is None or parts is None or not 0 < len(parts.contents) <= MAX_READINGS:
            return None
        lines = self._told_apart(parts)
        taken = parts.taken()
        if taken:
            self.rows.add_typed(self.envelope, head.boot, [parts.readings[place] for place in taken], lines, taken)
        return self._by_reference(parts, head)

    def _parts(self, guess: Split) -> _Parts | None:
        """The cuts are right where each part is an object, or where the reference's own cutting of it leaves nothing over."""
        parts = _Parts()
        for content in guess.readings:
            reading = self._reading(content)
            if reading is not None:
                parts.contents.append(content)
                parts.readings.append(reading)
                continue
            cut = split_pack(_AROUND[0] + content + _AROUND[1])
            if cut is None or cut.head != b"".join(_AROUND):
                return None
            parts.contents += cut.readings
            parts.readings += [None] * len(cut.readings)
        return parts

    def _told_apart(self, parts: _Parts) -> bytes:
        """The taken readings' canonical lines. One in which a key stands twice is taken no more."""
        taken = parts.taken()
        lines = _encode_lines([parts.readings[place] for place in taken])
        if sum(_quotes(parts.contents[place]) for place in taken) == _quotes(lines):
            return lines
        for place in taken:
            if _quotes(parts.contents[place]) != _quotes(_encode_lines([parts.readings[place]])):
                parts.readings[place] = None
        return _encode_lines([reading for reading in parts.readings if reading is not None])

    def _by_reference(self, parts: _Parts, head: Head) -> list[Quarantined]:
        validator = Validator(self.typed.contract, self.envelope.device_id, self.latest)
        left = [place for place, reading in enumerate(parts.readings) if reading is None]
        read = [(place, read_part(self.envelope, validator, head, parts.contents[place], place)) for place in left]
        good = [(place, outcome) for place, outcome in read if isinstance(outcome, Reading)]
        self.rows.add_readings(self.envelope, [reading for _, reading in good], [place for place, _ in good])
        return [outcome for _, outcome in read if isinstance(outcome, Quarantined)]

    def _head(self, content: bytes) -> Head | None:
        try:
            document = parse(content)
            if not isinstance(document, dict):
                return None
            check_device(document, self.envelope.device_id)
            return Head(read_boot(document))
        except Refused:
            return None

    def _reading(self, content: bytes) -> Any:
        """A reading by itself; None where it is not taken."""
        if not _is_plain(content):
            return None
        try:
            reading = self.typed.read_reading(content)
        except _NOT_TAKEN:
            return None
        return reading if self._are_sound([reading]) else None

    def _are_sound(self, readings: list[Any]) -> bool:
        """What the types cannot know: how late it was, and whose topic it came on."""
        newest_ms = max(map(self.typed.time_of, readings))
        return newest_ms <= (self.latest - _EPOCH) // timedelta(milliseconds=1) and self._are_here(map(self.typed.device_of, readings))

    def _are_here(self, devices: Any) -> bool:
        return set(devices) <= {msgspec.UNSET, self.envelope.device_id}


def _is_plain(content: bytes) -> bool:
    """Without a backslash and beyond ASCII nothing, a text is spelt in one way, and ends at the next quote."""
    return content.isascii() and b"\\" not in content


def _quotes(content: bytes) -> int:
    """Each key and each text has two, in what a device sent and in the encoder's JSON of it: more of them is a key that stands twice."""
    if len(content) < _LONG:
        return content.count(b'"')
    return int(np.count_nonzero(np.frombuffer(content, np.uint8) == _QUOTE))


def _quotes_of_head(pack: Any) -> int:
    given = [member for member in (pack.boot, pack.device_id) if member is not msgspec.UNSET]
    return 2 + sum(4 if isinstance(member, str) else 2 for member in given)


def _cut(payload: bytes) -> Split | None:
    """A guess: the pack's parts if its readings are objects one after the other, with no such objects within."""
    start, end = start_of_readings(payload), payload.rfind(b"]")
    if start is None or end <= start:
        return None
    pieces = _BETWEEN.split(payload[start + 1 : end].strip())
    if len(pieces) > MAX_READINGS:
        return None
    opened = [pieces[0], *(b"{" + piece for piece in pieces[1:])]
    return Split(payload[: start + 1] + payload[end:], (*(piece + b"}" for piece in opened[:-1]), opened[-1]))
