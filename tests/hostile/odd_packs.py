"""Packs that look wrong and are sound, and packs of which a part is sound: what becomes of each is written by hand."""

from tests.hostile.cases import MAX_BYTES, NOON_MS, Payload, Refusal, Row, Sound, spelt

_GOOD = spelt()
_ROW = Sound(_GOOD, {"ts": NOON_MS, "seq": 7, "water": 61.5}, {"water": 61.5})
_OTHER = Sound(
    spelt(ts="1790006520000", seq="8"), {"ts": NOON_MS + 60_000, "seq": 8, "water": 61.5}, {"water": 61.5}, ts_ms=NOON_MS + 60_000, seq=8
)
_B7, _NONE = _ROW.row("b7"), _ROW.row(None)
_LIST = b"[" + _GOOD + b"]"


def _taken(content: bytes, *rows: Row) -> Payload:
    return Payload(content, "kiln", rows)


def _partly(content: bytes, rows: tuple[Row, ...], *refused: Refusal) -> Payload:
    return Payload(content, "kiln", rows, refused)


def _padded(begin: bytes, end: bytes) -> bytes:
    """As long as is allowed, to the byte."""
    return begin + b" " * (MAX_BYTES - len(begin) - len(end)) + end


TAKEN = [
    # The head before, after, around, absent, empty of words.
    _taken(b'{"boot": "b7", "readings": ' + _LIST + b"}", _B7),
    _taken(b'{"readings": ' + _LIST + b', "boot": "b7"}', _B7),
    _taken(b'{"readings": ' + _LIST + b"}", _NONE),
    _taken(b'{"boot": null, "readings": ' + _LIST + b"}", _NONE),
    _taken(b'{"zone": 1, "boot": "b7", "x": [], "readings": ' + _LIST + b', "y": {"a": []}}', _B7),
    _taken(b'{"device_id": "b-1", "readings": ' + _LIST + b', "boot": "b7"}', _B7),
    _taken(b'{"device_id": "\\u0062-1", "boot": "\\u00627", "readings": ' + _LIST + b"}", _B7),
    _taken(b'{"b\\u006fot": "b7", "readings": ' + _LIST + b"}", _B7),
    _taken(b'{"boot": "b7", "\\u0072eadings": ' + _LIST + b"}", _B7),
    # A head is no reading: what it says of time is not looked at.
    _taken(b'{"ts": "yesterday", "boot": "b7", "readings": ' + _LIST + b"}", _B7),
    _taken(b'{"water": "hot", "seq": -1, "boot": "b7", "readings": ' + _LIST + b"}", _B7),
    # The word elsewhere.
    _taken(b'{"x": "readings", "boot": "b7", "readings": ' + _LIST + b"}", _B7),
    _taken(b'{"x": {"readings": [1, 2]}, "boot": "b7", "readings": ' + _LIST + b"}", _B7),
    _taken(b'{"x": [{"readings": []}], "boot": "b7", "readings": ' + _LIST + b', "z": {"readings": [{}]}}', _B7),
    _taken(b'{"x": "\\"readings\\": [", "boot": "b7", "readings": ' + _LIST + b"}", _B7),
    _taken(b'{"x": "]}", "y": "[{", "boot": "b7", "readings": ' + _LIST + b"}", _B7),
    _taken(b'{"Readings": [], "boot": "b7", "readings": ' + _LIST + b', "readings ": {}}', _B7),
    # White space of all four kinds wherever it may be.
    _taken(b' \t\r\n{ "boot"\n:\t"b7" ,\r\n"readings" : [ \n' + _GOOD + b"\r\n ]\t}\n", _B7),
    _taken(b'{"boot":"b7","readings":[' + _GOOD.replace(b" ", b"") + b"]}", _B7),
    _taken(b'{"boot": "b7", "readings": [' + _GOOD + b"\n,\t" + _OTHER.content + b"]}", _B7, _OTHER.row("b7")),
    # The same reading twice is twice a row: which of them stays, silver says.
    _taken(b'{"boot": "b7", "readings": [' + _GOOD + b", " + _GOOD + b"]}", _B7, _B7),
    # At the edges of what is allowed.
    _taken(_padded(_GOOD, b""), _NONE),
    _taken(_padded(b'{"boot": "b7", "readings": [', _GOOD + b"]}"), _B7),
    _taken(_padded(b'{"boot": "b7", "readings": ' + _LIST, b"}"), _B7),
    _taken(b'{"boot": "b7", "readings": [' + b", ".join([_GOOD] * 250) + b"]}", *[_B7] * 250),
    _taken(b'{"x": ' + b"[" * 15 + b"]" * 15 + b', "boot": "b7", "readings": ' + _LIST + b"}", _B7),
    _taken(b'{"boot": "' + b"x" * 64 + b'", "readings": ' + _LIST + b"}", _ROW.row("x" * 64)),
    _taken(b'{"boot": "' + "é".encode() * 64 + b'", "readings": ' + _LIST + b"}", _ROW.row("é" * 64)),
    _taken(_GOOD, _NONE),
    _taken(b'{"x": {"readings": [1]}, ' + _GOOD[1:], Sound(b"", {"x": {"readings": [1]}, "ts": NOON_MS, "seq": 7, "water": 61.5}, {"water": 61.5}, extra='{"x":{"readings":[1]}}').row(None)),
]  # fmt: skip

PARTLY = [
    _partly(b'{"boot": "b7", "readings": [' + _GOOD + b",]}", (_B7,), Refusal("not_json", b"", 1)),
    _partly(b'{"boot": "b7", "readings": [,' + _GOOD + b"]}", (_B7,), Refusal("not_json", b"", 0)),
    _partly(b'{"boot": "b7", "readings": [' + _GOOD + b",," + _OTHER.content + b"]}", (_B7, _OTHER.row("b7")), Refusal("not_json", b"", 1)),
    _partly(b'{"boot": "b7", "readings": [' + _GOOD + b" " + _GOOD + b", " + _OTHER.content + b"]}", (_OTHER.row("b7"),), Refusal("not_json", _GOOD + b" " + _GOOD, 0)),
    _partly(b'{"boot": "b7", "readings": [' + _GOOD + b", NaN, 1e400, 17, {}]}", (_B7,), Refusal("not_finite", b"NaN", 1), Refusal("number_out_of_range", b"1e400", 2), Refusal("wrong_type", b"17", 3), Refusal("missing", b"{}", 4)),
    _partly(b'{"boot": "b7", "readings": [[' + _GOOD + b"], " + _OTHER.content + b"]}", (_OTHER.row("b7"),), Refusal("wrong_type", _LIST, 0)),
    _partly(b'{"boot": "b7", "readings": [' + _GOOD + b', "},{", ' + _OTHER.content + b"]}", (_B7, _OTHER.row("b7")), Refusal("wrong_type", b'"},{"', 1)),
    _partly(b'{"boot": "b7", "readings": [' + _GOOD + b', {"x": "]}"}], "z": "]}"}', (_B7,), Refusal("missing", b'{"x": "]}"}', 1)),
    _partly(b'{"readings": [' + _GOOD + b', {"ts": NaN}], "boot": "b7"}', (_B7,), Refusal("not_finite", b'{"ts": NaN}', 1)),
    _partly(b'{"boot": "b7", "readings": [' + b", ".join([_GOOD] * 249) + b", 01]}", (_B7,) * 249, Refusal("not_json", b"01", 249)),
]  # fmt: skip
