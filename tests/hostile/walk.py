"""The readings of a pack by walking from one bracket, comma or quote to the next: a cutter of its own, to hold the decoder's to."""

import re
from dataclasses import dataclass

_NEXT = re.compile(rb'[{}\[\]:,"]')
_IN_TEXT = re.compile(rb'["\\]')


@dataclass(frozen=True)
class Cut:
    """`head` is the pack with an empty list; `parts` are the bytes of each reading, without the white space around them."""

    head: bytes
    parts: tuple[bytes, ...]


def cut(payload: bytes) -> Cut | None:
    """None where the brackets do not show one list that the outermost object calls readings."""
    opening = _opening(payload)
    return None if opening is None else _cut(payload, opening)


def is_one_piece(content: bytes) -> bool:
    """Whether these bytes, put between the commas of a list, stay one reading of it."""
    found = _cut(b"[" + content + b"]", 0)
    return found is not None and found.parts == (content.strip(),)


def _opening(payload: bytes) -> int | None:
    depth, at = 0, _next(payload, 0)
    while at is not None:
        if payload[at] == ord('"'):
            end = _after_text(payload, at)
            following = _next(payload, end)
            # A key is what a colon follows, and then there must be the list.
            if depth == 1 and payload[at:end] == b'"readings"' and following is not None and payload[following] == ord(":"):
                found = _next(payload, following + 1)
                return found if found is not None and payload[found] == ord("[") else None
            at = following
            continue
        depth += _step(payload[at])
        at = _next(payload, at + 1)
    return None


def _cut(payload: bytes, opening: int) -> Cut | None:
    depth, begin, parts = 0, opening + 1, list[bytes]()
    at: int | None = opening
    while at is not None:
        if payload[at] == ord('"'):
            at = _next(payload, _after_text(payload, at))
            continue
        depth += _step(payload[at])
        if depth == 0:
            parts.append(payload[begin:at].strip())
            return Cut(payload[: opening + 1] + payload[at:], tuple(parts)) if payload[at] == ord("]") else None
        if depth == 1 and payload[at] == ord(","):
            parts.append(payload[begin:at].strip())
            begin = at + 1
        at = _next(payload, at + 1)
    return None


def _step(byte: int) -> int:
    return (byte in b"{[") - (byte in b"}]")


def _next(payload: bytes, at: int) -> int | None:
    found = _NEXT.search(payload, at)
    return found.start() if found else None


def _after_text(payload: bytes, at: int) -> int:
    """The place after the text that begins at `at`; the end of all, where it does not end."""
    at += 1
    while found := _IN_TEXT.search(payload, at):
        if found[0] == b'"':
            return found.end()
        at = found.end() + 1
    return len(payload)
