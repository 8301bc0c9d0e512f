"""Readings nested too deeply, and messages of too many bytes or readings."""

from tests.hostile.cases import MAX_BYTES, Hostile, Whole, after, spelt

_LISTS = [
    (b"[", b"]"),
    (b'{"a":', b"}"),
    (b'[{"a":', b"}]"),
    (b'{"a": [', b"]}"),
    (b"[[], ", b"]"),
    (b'["\\n", ', b"]"),
    (b'[ "][", ', b" ]"),
    (b"[\n", b"\n]"),
]


def _nested(levels: int, kind: tuple[bytes, bytes], middle: bytes = b"1") -> bytes:
    """So many brackets around the middle; kinds that have two of them take half as many rounds."""
    opening, closing = kind
    return opening * (levels // len(closing.strip())) + middle + closing * (levels // len(closing.strip()))


# A reading is itself a level, and 16 are allowed.
TOO_DEEP = [
    *[Hostile("too_deep", after(b'"x": ' + _nested(16, kind))) for kind in _LISTS],
    *[
        Hostile("too_deep", after(b'"x": ' + _nested(levels, _LISTS[0])))
        for levels in (17, 18, 40, 100, 255, 400, 900, 990, 1_000, 1_100, 5_000, 20_000)
    ],
    *[Hostile("too_deep", after(b'"x": ' + _nested(levels, _LISTS[1]))) for levels in (17, 30, 500, 990, 1_001, 5_000)],
    *[Hostile("too_deep", after(b'"x": ' + _nested(levels, _LISTS[2]))) for levels in (18, 64, 1_000, 4_000)],
    *[
        Hostile("too_deep", after(b'"x": ' + _nested(15, _LISTS[0], middle)))
        for middle in (b"[]", b"{}", b'{"a": 1}', b"[[]]", b'[1, {"b": []}]', b'[""]')
    ],
    *[
        Hostile("too_deep", after(b'"' + name + b'": ' + _nested(16, _LISTS[0])))
        for name in (b"boot", b"device_id", b"note", b"mode", b"burning", b"level", b"readings2", b"\\u0078")
    ],
    Hostile("too_deep", spelt(ts="[" * 16 + "]" * 16)),
    Hostile("too_deep", spelt(seq="[" * 16 + "]" * 16)),
    Hostile("too_deep", spelt(water="[" * 16 + "]" * 16)),
    Hostile("too_deep", b'{"x": ' + _nested(16, _LISTS[0]) + b", " + spelt()[1:]),
    Hostile("too_deep", _nested(17, _LISTS[0])),
    Hostile("too_deep", _nested(17, _LISTS[1])),
    Hostile("too_deep", _nested(18, _LISTS[2])),
    Hostile("too_deep", _nested(1_500, _LISTS[0], b"")),
    Hostile("too_deep", after(b'"a": [[1]], "b": {"c": [2]}, "x": ' + _nested(16, _LISTS[0]))),
    Hostile("too_deep", after(b'"x": [' + b"[], " * 200 + _nested(15, _LISTS[0]) + b"]")),
    Hostile("too_deep", after(b'"x": ' + _nested(16, _LISTS[0], b'"deep"') + b', "y": 1')),
    Hostile("too_deep", after(b'"x": "a", "y": [' + _nested(15, _LISTS[1], b"null") + b"]")),
    Hostile("too_deep", after(b'"x": ' + b"[ " * 16 + b" ]" * 16)),
]

_GOOD = b'{"ts": 1790006460000, "water": 1}'


def _filled(begin: bytes, filler: bytes, end: bytes, size: int = MAX_BYTES + 1) -> bytes:
    """A message of exactly so many bytes."""
    missing = size - len(begin) - len(end)
    return begin + (filler * (missing // len(filler) + 1))[:missing] + end


def _many(content: bytes, count: int = 251, between: bytes = b", ", begin: bytes = b'{"readings": [', end: bytes = b"]}") -> bytes:
    return begin + between.join([content] * count) + end


_READING = b'{"ts": 1790006460000, "water": 1, "why": "'
TOO_LARGE = [
    # One byte too many, whatever is in it.
    *[
        Whole("too_large", _filled(b"", filler, b""))
        for filler in (b" ", b"\x00", b"a", b"\xff", b'"', b"\\", b"[", b"]", b"{", b"0", b",", b'\\"', b"\xc3\xa9", b"[{", b'{"a":', b"\n")
    ],
    *[
        Whole("too_large", _filled(_READING, filler, b'"}'))
        for filler in (b"a", b" ", b"\xc3\xa9", b"\\n", b"},{", b"\\u0041", b"\xf0\x9f\x98\x80")
    ],
    *[Whole("too_large", _filled(b'{"readings": [' + _GOOD, filler, b"]}")) for filler in (b" ", b"\t", b", " + _GOOD, b", 1", b", NaN")],
    *[Whole("too_large", _filled(b'{"boot": "', filler, b'", "readings": [' + _GOOD + b"]}")) for filler in (b"b", b"\x01")],
    Whole("too_large", _filled(_GOOD, b" ", b"")),
    Whole("too_large", _filled(b"", b" ", _GOOD)),
    Whole("too_large", _filled(b'{"ts": 1790006460000, "water": 1', b"0", b"}")),
    Whole("too_large", _filled(b'{"ts": 1790006460000, "water": 1.', b"0", b"}")),
    Whole("too_large", _filled(b'{"ts": 1790006460000, "', b"k", b'": 1}')),
    Whole("too_large", _filled(b'{"ts": 1790006460000, "x": [', b"1,", b"1]}", MAX_BYTES + 2)),
    Whole("too_large", _filled(_READING, b"a", b'"}', MAX_BYTES + 1_000)),
    Whole("too_large", _filled(_READING, b"a", b'"}', 131_072)),
    Whole("too_large", _filled(_READING, b"a", b'"}', 250_000)),
    # One reading too many, sound or not, told apart by JSON or by brackets.
    *[
        Whole("too_large", _many(content))
        for content in (_GOOD, b"{}", b"1", b"null", b'"a"', b'"},{"', b"[]", b"[1, 2]", b"true", b'{"ts": 1}', b'{"x": {"y": [1]}}')
    ],
    *[
        Whole("too_large", _many(content))
        for content in (b"NaN", b"", b"{,}", b"01", b"'a'", b'{"ts": NaN}', b'{"a": 1, "a": 2}', b'{"x": "\xff"}', b"{a}", b'"\\ud800"')
    ],
    *[Whole("too_large", _many(b"{}", count)) for count in (252, 500, 1_000, 20_000)],
    *[Whole("too_large", _many(_GOOD, 251, between)) for between in (b",", b" ,\n", b",\r\n\t ")],
    Whole("too_large", _many(_GOOD, begin=b'{"boot": "b7", "readings": [')),
    Whole("too_large", _many(_GOOD, end=b'], "boot": "b7"}')),
    Whole("too_large", _many(_GOOD, end=b', {"ts": NaN}]}')),
    Whole("too_large", _many(_GOOD, begin=b'{"readings": ["", ')),
    Whole("too_large", _many(_GOOD, begin=b'{"\\u0072eadings": [')),
    # The first reason counts: a head that is wrong too comes after it.
    Whole("too_large", _many(_GOOD, begin=b'{"boot": 7, "readings": [')),
    Whole("too_large", _many(_GOOD, begin=b'{"device_id": "b-2", "readings": [')),
    Whole("too_large", _many(b"NaN", begin=b'{"device_id": "b-2", "readings": [')),
    Whole("too_large", _many(_GOOD, end=b",]}")),
]

WHOLES = [
    Whole("too_deep", b"[" * 100_000),
    Whole("too_deep", b'{"a":' * 20_000),
    Whole("too_deep", b"[" * 50_000 + b"]" * 50_000),
    Whole("too_deep", b'{"zone": ' + _nested(16, _LISTS[0]) + b', "readings": [' + _GOOD + b"]}"),
    Whole("too_deep", b'{"readings": [' + _GOOD + b'], "zone": ' + _nested(17, _LISTS[1]) + b"}"),
    Whole("too_deep", b'{"boot": ' + _nested(16, _LISTS[0]) + b', "readings": [' + _GOOD + b"]}"),
    Whole("too_deep", _nested(16, _LISTS[0], b'{"readings": [' + _GOOD + b"]}")),
    *TOO_LARGE,
]
