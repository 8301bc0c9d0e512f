"""Line protocol read by its published grammar, strictly, with no code of the writer's: what the stand-in for InfluxDB takes.

https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/
"""

import re
from dataclasses import dataclass

Value = float | int | bool | str

_INTEGER = re.compile(r"-?\d+i")
_FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_BOOLEANS = {"t": True, "T": True, "true": True, "True": True, "TRUE": True}
_BOOLEANS |= {"f": False, "F": False, "false": False, "False": False, "FALSE": False}


class BadLine(Exception):
    """Its text is the reason, in InfluxDB's words where it has some."""


@dataclass(frozen=True)
class Line:
    text: str
    measurement: str
    tags: dict[str, str]
    fields: dict[str, Value]
    time: int


def split_lines(body: str) -> list[str]:
    """Lines end at a newline that is not within a quoted field."""
    lines, current, quoted, escaped = [], "", False, False
    for letter in body:
        if letter == "\n" and not quoted:
            lines.append(current)
            current = ""
            continue
        current += letter
        if escaped:
            escaped = False
        elif letter == "\\":
            escaped = True
        elif letter == '"':
            quoted = not quoted
    return [line for line in [*lines, current] if line and not line.startswith("#")]


def read_line(text: str) -> Line:
    """Raises BadLine."""
    key, rest = _until(text, " ", quotes=False)
    fields, stamp = _until(rest, " ", quotes=True)
    if not re.fullmatch(r"-?\d+", stamp):
        raise BadLine("bad timestamp" if stamp else "a time is wanted by this stand-in")
    measurement, *tags = _parts(key, ",", quotes=False)
    if not measurement:
        raise BadLine("missing measurement")
    if not fields:
        raise BadLine("missing fields")
    found = dict(_pair(part, quotes=False) for part in tags)
    if any(not name or not value for name, value in found.items()):
        raise BadLine("missing tag value")
    if any(letter in key for letter in "\n\r"):
        raise BadLine("newline in a tag")
    members = [_pair(part, quotes=True) for part in _parts(fields, ",", quotes=True)]
    return Line(
        text, _plain(measurement), {_plain(n): _plain(v) for n, v in found.items()}, {_plain(n): _value(v) for n, v in members}, int(stamp)
    )


def _until(text: str, mark: str, quotes: bool) -> tuple[str, str]:
    head, *tail = _parts(text, mark, quotes)
    return head, mark.join(tail)


def _parts(text: str, mark: str, quotes: bool) -> list[str]:
    """Cut at each `mark` that is neither escaped nor, with `quotes`, in a quoted value."""
    parts, current, quoted, escaped = [], "", False, False
    for letter in text:
        if letter == mark and not quoted and not escaped:
            parts.append(current)
            current = ""
            continue
        current += letter
        if letter == '"' and quotes and not escaped:
            quoted = not quoted
        escaped = letter == "\\" and not escaped
    if quoted:
        raise BadLine("unbalanced quotes")
    return [*parts, current]


def _pair(part: str, quotes: bool) -> tuple[str, str]:
    pieces = _parts(part, "=", quotes)
    if len(pieces) != 2 or not all(pieces):
        raise BadLine(f"invalid format: {part}")
    return pieces[0], pieces[1]


def _plain(text: str) -> str:
    return re.sub(r"\\([,= ])", r"\1", text)


def _value(text: str) -> Value:
    if text.startswith('"'):
        if len(text) < 2 or not text.endswith('"'):
            raise BadLine("invalid string")
        return re.sub(r'\\(["\\])', r"\1", text[1:-1])
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text):
        if not -(2**63) <= int(text[:-1]) < 2**63:
            raise BadLine(f"unable to parse integer {text}: value out of range")
        return int(text[:-1])
    if _FLOAT.fullmatch(text):
        return float(text)
    raise BadLine(f"invalid number: {text}")
