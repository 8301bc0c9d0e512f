"""The bytes of each reading of a pack, found without parsing them: one bad reading must not cost the others."""

import itertools
import re
from dataclasses import dataclass

# Texts are taken whole, so that brackets in them do not count; one without an end reaches to the end of all, or else each of
# its escaped quotes would begin a search of its own.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[\]{},:]', re.DOTALL)
_OPEN, _CLOSE = (b"{", b"["), (b"}", b"]")


@dataclass(frozen=True)
class Split:
    """`head` is the pack with an empty list of readings; `readings` are the bytes of each. `head_in_place` is the head with blanks for the
    readings: what is wrong with it stands there where it stands in the pack."""

    head: bytes
    readings: tuple[bytes, ...]
    head_in_place: bytes


def split_pack(payload: bytes) -> Split | None:
    """The pack's parts; None where the brackets do not show one list called readings in one object."""
    start = start_of_readings(payload)
    if start is None:
        return None
    end, cuts = _cuts(payload, start)
    if end is None or payload[end + 1 :].count(b"}") == 0:
        return None
    edges = [start, *cuts, end]
    parts = [payload[a + 1 : b].strip() for a, b in itertools.pairwise(edges)]
    readings = tuple(parts) if parts != [b""] else ()
    begin, rest = payload[: start + 1], payload[end:]
    return Split(begin + rest, readings, begin + b" " * (end - start - 1) + rest)


def start_of_readings(payload: bytes) -> int | None:
    """Where the list that the outermost object calls readings opens."""
    depth, key_seen, colon_seen = 0, False, False
    for token in _TOKEN.finditer(payload):
        text = token[0]
        if key_seen and colon_seen:
            return token.start() if text == b"[" else None
        if text in _OPEN:
            depth += 1
        elif text in _CLOSE:
            depth -= 1
        elif depth == 1 and text == b'"readings"':
            key_seen, colon_seen = True, False
            continue
        colon_seen = key_seen and text == b":"
        key_seen = colon_seen
    return None


def _cuts(payload: bytes, start: int) -> tuple[int | None, list[int]]:
    """Where the list ends, and its commas; the end is None where the brackets do not match."""
    depth = 0
    cuts: list[int] = []
    for token in _TOKEN.finditer(payload, start):
        text = token[0]
        if text in _OPEN:
            depth += 1
        elif text in _CLOSE:
            depth -= 1
            if depth == 0:
                return (token.start() if text == b"]" else None), cuts
        elif text == b"," and depth == 1:
            cuts.append(token.start())
    return None, cuts
