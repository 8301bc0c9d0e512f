"""What a message's types cannot know of its readings: whose topic it came on, how late it was, and whether a key stands twice."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np

from ingestion.envelope import Envelope
from ingestion.strict_json import Refused
from ingestion.typed_reading import Shape
from ingestion.validate import ms_of_text

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_QUOTE = ord('"')
# From here on a pass of numpy is cheaper than one of bytes.count.
_LONG = 4096
_PAIR = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")


# Not frozen: there is one for each message, and a frozen one takes three times as long to make.
@dataclass(slots=True)
class Judge:
    """Of one message."""

    envelope: Envelope
    future_seconds: float

    @property
    def latest(self) -> datetime:
        return self.envelope.received_at + timedelta(seconds=self.future_seconds)

    def takes(self, shape: Shape, readings: Sequence[Any], text: bytes, boot: str | None, quotes_of_head: int = 0) -> bool:
        """Whether all the readings that were read from this text are sound; `boot` is their head's. Times in text become milliseconds."""
        if quotes(text) != quotes_of_head + (shape.quotes_of(readings) if shape.varying else shape.quotes * len(readings)):
            return False
        if shape.has_text_time and not (_are_numbered(shape, readings, boot) and self._times_are_read(readings)):
            return False
        if shape.has_device and not all(self.is_its_device(reading.device_id) for reading in readings):
            return False
        newest_ms = max([reading.ts for reading in readings])
        # The quick answer is a second too strict; the exact one asks as the reference does.
        quick_ms = (self.envelope.received_at.timestamp() + self.future_seconds - 1) * 1000
        return newest_ms <= quick_ms or newest_ms <= (self.latest - _EPOCH) // timedelta(milliseconds=1)

    def is_its_device(self, device_id: Any) -> bool:
        return device_id is msgspec.UNSET or device_id == self.envelope.device_id

    def _times_are_read(self, readings: Sequence[Any]) -> bool:
        try:
            for reading in readings:
                if type(reading.ts) is str:
                    reading.ts = ms_of_text(reading.ts)
        except Refused:
            return False
        return True


def _are_numbered(shape: Shape, readings: Sequence[Any], boot: str | None) -> bool:
    """Otherwise they are named by their content, with the time as it was written."""
    if "seq" not in shape.attributes:
        return False
    boots = [reading.boot or boot for reading in readings] if "boot" in shape.attributes else [boot]
    return all(boots) and all(reading.seq is not None for reading in readings)


def quotes(text: bytes) -> int:
    """Each key and each text has two; those within texts, which stand after a backslash, are not counted."""
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    if len(text) < _LONG:
        return text.count(b'"')
    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == _QUOTE))


def has_half_a_character(text: bytes) -> bool:
    """Whether one may be spelt in it: only the reference looks for them."""
    # The single character is looked for thirty times faster, and most messages have none.
    return b"\\" in text and b"\\u" in text and _HALF.search(_PAIR.sub(b"", text)) is not None
