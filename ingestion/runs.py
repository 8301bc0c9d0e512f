"""A pack of which a reading is not taken: the others in runs, as long as they are, and that one by the reference.

Where the pack is cut between two objects is a guess, which a text that holds such a place would mislead. It is right where a run
has as many readings as parts, and where the reference's own cutting of a part leaves nothing over.
"""

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, NamedTuple

import msgspec

from ingestion.decode import MAX_READINGS, read_part
from ingestion.judge import Judge, quotes
from ingestion.rows import Rows
from ingestion.split import split_pack, start_of_readings
from ingestion.strict_json import Refused, parse
from ingestion.typed_reading import Shape, TypedContract
from ingestion.validate import Head, Reading, Validator, check_device, read_boot
from lake.quarantine import Quarantined

# A UnicodeDecodeError is a ValueError. Whatever the parser says, the reference knows why.
NOT_TAKEN = (msgspec.MsgspecError, ValueError, RecursionError)
_BETWEEN = re.compile(rb"\}(\s*,\s*)\{")
_COMPACT = b"},{"
_A_RUN = 64
_AROUND = b'{"readings":[', b"]}"
_PLACE = re.compile(r"at `\$(?:\.readings)?\[(\d+)\]")
_BYTE = re.compile(r"\(byte (\d+)\)")


class Odd(NamedTuple):
    """What a pack was not taken for as a whole: what the parser said of one of its readings, as of this shape."""

    shape: Shape | None = None
    error: Exception | None = None


class _Unclear(Exception):
    """The parts cannot be told apart for certain."""


def take_runs(rows: Rows, typed: TypedContract, judge: Judge, odd: Odd) -> list[Quarantined] | None:
    """What is quarantined; None where only the reference knows, and then nothing is in `rows`."""
    payload = judge.envelope.payload
    start, end = start_of_readings(payload), payload.rfind(b"]")
    if start is None or end <= start:
        return None
    head = _head(payload[: start + 1] + payload[end:], judge.envelope.device_id)
    if head is None:
        return None
    runs = _Runs(typed, judge, head, payload, *_cut(payload, start + 1, end))
    runs.expect(odd)
    try:
        runs.take()
    except _Unclear:
        return None
    return runs.into(rows) if 0 < runs.place <= MAX_READINGS else None


def fault(error: Exception, of_byte: Callable[[int], int]) -> int | None:
    """The place of the reading that the parser could not take; None where it does not say."""
    told = str(error)
    if isinstance(error, msgspec.ValidationError):
        places = _PLACE.findall(told)
        return int(places[-1]) if places else None
    byte = _BYTE.search(told)
    return None if byte is None else of_byte(int(byte[1]))


def _head(content: bytes, device_id: str) -> Head | None:
    try:
        document = parse(content)
        if not isinstance(document, dict):
            return None
        check_device(document, device_id)
        return Head(read_boot(document))
    except Refused:
        return None


def _cut(payload: bytes, start: int, end: int) -> tuple[list[int], list[int]]:
    """Where each part begins and where it ends."""
    while payload[start : start + 1].isspace():
        start += 1
    while payload[end - 1 : end].isspace():
        end -= 1
    # As most devices write them, with nothing between: three times as fast.
    compact = [len(piece) + len(_COMPACT) for piece in payload[start:end].split(_COMPACT)]
    if len(compact) > 1:
        after = list(accumulate(compact, initial=start))[1:-1]
        return [start, *[place - 1 for place in after]], [*[place - 2 for place in after], end]
    gaps = [match.span(1) for match in _BETWEEN.finditer(payload, start, end)]
    return [start, *[after for _, after in gaps]], [*[before for before, _ in gaps], end]


def _is_one(part: bytes) -> bool:
    """Whether this part, broken or not, is one object by its brackets for certain: they stand at its ends, and all texts end within."""
    are_at_its_ends = part[:1] == b"{" and part[-1:] == b"}" and part.count(b"{") == part.count(b"}") == 1
    return are_at_its_ends and part.count(b'"') % 2 == 0 and not any(mark in part for mark in (b"[", b"]", b"\\"))


@dataclass
class _Runs:
    """`place` is that of the next reading in the pack; a part may be more than one, for the reference."""

    typed: TypedContract
    judge: Judge
    head: Head
    payload: bytes
    starts: list[int]
    ends: list[int]
    place: int = 0
    taken: dict[Shape, tuple[list[Any], list[int]]] = field(default_factory=dict)
    left: list[tuple[int, bytes]] = field(default_factory=list)
    # The part that was last found not to be of a shape, or of none.
    odd: tuple[int, Shape | None] = (-1, None)

    def expect(self, odd: Odd) -> None:
        """No run begins with a part that the parser has already met and not taken; one that is wrongly expected is the reference's."""
        place = None if odd.error is None else fault(odd.error, lambda byte: bisect_right(self.starts, byte) - 1)
        if place is not None and 0 <= place < len(self.starts):
            self.odd = place, odd.shape if isinstance(odd.error, msgspec.ValidationError) else None

    def take(self) -> None:
        part = 0
        while part < len(self.starts):
            if self.place > MAX_READINGS:
                raise _Unclear
            odd, of_shape = self.odd
            for shape in self.typed.shapes:
                is_odd = part == odd and of_shape in (None, shape)
                if not is_odd and (readings := self._read(shape, part)):
                    self._judge(shape, readings, part)
                    part += len(readings)
                    break
            else:
                self._leave(part)
                part += 1

    def into(self, rows: Rows) -> list[Quarantined]:
        envelope = self.judge.envelope
        for shape, (readings, places) in self.taken.items():
            rows.add_typed(envelope, shape, self.head.boot, readings, places)
        validator = Validator(self.typed.rules, envelope.device_id, self.judge.latest)
        read = [(place, content, read_part(envelope, validator, self.head, content, place)) for place, content in self.left]
        good = [(place, outcome) for place, _, outcome in read if isinstance(outcome, Reading)]
        if good:
            rows.add_readings(envelope, [reading for _, reading in good], [place for place, _ in good])
            self.typed.learn(parse(next(content for _, content, outcome in read if isinstance(outcome, Reading))))
        return [outcome for _, _, outcome in read if isinstance(outcome, Quarantined)]

    def _text(self, first: int, end: int) -> bytes:
        return self.payload[self.starts[first] : self.ends[end - 1]]

    def _read(self, shape: Shape, first: int) -> list[Any]:
        """The readings from a part on, to the first that is not of this shape; not very many, because of it they are read once more."""
        end = min(len(self.starts), first + _A_RUN, self.odd[0] if self.odd[0] > first else MAX_READINGS)
        while end > first:
            try:
                readings = shape.read_readings(b"[" + self._text(first, end) + b"]")
            except NOT_TAKEN as error:
                place = fault(error, lambda byte: bisect_right(self.starts, self.starts[first] + byte - 1) - 1 - first)
                if place is None or not 0 <= place < end - first:
                    end = (first + end) // 2
                else:
                    end = first + place
                    # What is no JSON is of no shape.
                    self.odd = end, shape if isinstance(error, msgspec.ValidationError) else None
            else:
                if len(readings) != end - first:
                    raise _Unclear
                return readings
        return []

    def _judge(self, shape: Shape, readings: list[Any], first: int) -> None:
        count = len(readings)
        if self.judge.takes(shape, readings, self._text(first, first + count), self.head.boot):
            self._add(shape, readings)
        elif count == 1:
            self._leave(first)
        else:
            middle = self._odd_quotes(shape, readings, first) or count // 2
            self._judge(shape, readings[:middle], first)
            self._judge(shape, readings[middle:], first + middle)

    def _odd_quotes(self, shape: Shape, readings: list[Any], first: int) -> int:
        """Where the first reading lies in which a key may stand twice: the first of all goes alone, at 1, and 0 says that there is none."""
        for place, reading in enumerate(readings):
            if quotes(self._text(first + place, first + place + 1)) != shape.quotes_of([reading]):
                return max(1, place)
        return 0

    def _add(self, shape: Shape, readings: list[Any]) -> None:
        into = self.taken.setdefault(shape, ([], []))
        into[0].extend(readings)
        into[1].extend(range(self.place, self.place + len(readings)))
        self.place += len(readings)

    def _leave(self, part: int) -> None:
        content = self._text(part, part + 1)
        contents: tuple[bytes, ...] = (content,)
        if not _is_one(content):
            cut = split_pack(content.join(_AROUND))
            if cut is None or cut.head != b"".join(_AROUND):
                raise _Unclear
            contents = cut.readings
        self.left += enumerate(contents, self.place)
        self.place += len(contents)
