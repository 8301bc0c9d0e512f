"""Bytes that are no UTF-8, and texts that hold half of a surrogate pair."""

from tests.hostile.cases import Hostile, Whole, after, spelt

_NO_UTF8 = [
    # A continuation byte without a beginning.
    b"\x80", b"\xbf", b"\x80\x80\x80", b"a\x9fb",
    # Overlong: a character in more bytes than it needs, as old filters were passed by.
    b"\xc0\x80", b"\xc1\xbf", b"\xc0\xaf", b"\xc0\xa2", b"\xe0\x80\x80", b"\xe0\x9f\xbf", b"\xe0\x80\xa2", b"\xf0\x80\x80\x80", b"\xf0\x8f\xbf\xbf",
    # Halves of surrogate pairs, alone and as CESU-8 writes an emoji.
    b"\xed\xa0\x80", b"\xed\xaf\xbf", b"\xed\xb0\x80", b"\xed\xbf\xbf", b"\xed\xa0\xbd\xed\xb8\x80",
    # Beyond U+10FFFF, and the five and six bytes of old.
    b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xf7\xbf\xbf\xbf", b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80", b"\xfe", b"\xff", b"\xff\xfe", b"\xfe\xff",
    # Cut off within a character, at a text's end and before another character.
    b"\xc3", b"\xe2", b"\xe2\x82", b"\xf0", b"\xf0\x9f", b"\xf0\x9f\x98", b"\xc3\xc3\xa9", b"\xe2\x28\xa1", b"\xe2\x82\x28", b"\xf0\x28\x8c\xbc", b"\xf0\x90\x28\xbc",
    b"ok \xe2\x82\xac then \xe2\x82",
    # Other encodings: Latin-1, Windows-1252, KOI8-R, Shift JIS, GBK, EUC-KR, Big5.
    b"caf\xe9", b"\x80 5", b"it\x92s", b"\xcb\xcf\xd4", b"\x93\xfa\x96\x7b", b"\xd6\xd0", b"\xc7\xd1", b"\xa4\xa4",
]  # fmt: skip

NOT_UTF8 = [
    *[Hostile("not_utf8", after(b'"why": "' + wrong + b'"')) for wrong in _NO_UTF8],
    Hostile("not_utf8", after(b'"wh\xffy": 1')),
    Hostile("not_utf8", after(b'"why": \xff')),
    Hostile("not_utf8", after(b'"why": 1\xff')),
    Hostile("not_utf8", after(b'"why": ["a", {"b": "\xc3"}]')),
    Hostile("not_utf8", after(b'"why": "\\\\\xe9"')),
    Hostile("not_utf8", after(b'"why": "\\u00e9\xe9"')),
    Hostile("not_utf8", after(b'"why": "' + b"a" * 5_000 + b'\xff"')),
    Hostile("not_utf8", after(b'"boot": "\xff"')),
    Hostile("not_utf8", after(b'"device_id": "b-1\xff"')),
    Hostile("not_utf8", after(b'"note": "\xe9"')),
    Hostile("not_utf8", after(b'"mode": "eco\xa0"')),
    Hostile("not_utf8", spelt().replace(b" 7,", b" 7\xa0,")),
    Hostile("not_utf8", b"\xff" + spelt()),
    Hostile("not_utf8", spelt() + b"\xff"),
    Hostile("not_utf8", spelt().replace(b'"ts"', b'"t\xf3"')),
    Hostile("not_utf8", spelt(ts='"2026-09-21T16:01:00Z"').replace(b"T16", b"\xd416")),
    Hostile("not_utf8", spelt().decode().encode("utf-16")),
    Hostile("not_utf8", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xabV*).Q\xb22\xb4\xb4\xe5"),
    Hostile("not_utf8", b"\x89PNG\r\n\x1a\n"),
    Hostile("not_utf8", b"\x83\xa2ts\xcf\x00\x00\x01\xa0\xa5\xc4\xd3\xe0\xa5water\xcb@N\xc0"),
    Hostile("not_utf8", b"\xff"),
]

# Half pairs as JSON can spell them, and what looks like a pair and is none.
_HALVES = [
    "\\ud800", "\\udbff", "\\udc00", "\\udfff", "\\uD83D", "\\uDe00", "a\\ud83d", "\\ude00b", "a\\ud83db", "\\ude00\\ud83d", "\\ud83d\\ud83d", "\\ude00\\ude00",
    "\\ud83d\\u0041", "\\ud83d \\ude00", "\\ud83d\\n\\ude00", "\\ud83d\\\\ude00", "\\ud83d\\ude00\\ud83d", "\\ud83d\\ud83d\\ude00", "\\ude00\\ud83d\\ude00", "😀\\ud83d",
    "\\ud83dé", "\\u00e9\\udc00", "\\u0000\\ud800", "\\ud7ff\\ud800", "\\udfff\\ue000", "\\ud834\\udd1e\\udd1e",
]  # fmt: skip

LONE_SURROGATE = [
    *[Hostile("lone_surrogate", after(f'"why": "{half}"')) for half in _HALVES],
    *[
        Hostile("lone_surrogate", after(f'"{half}": 1'))
        for half in ("\\ud800", "why\\udfff", "\\ude00\\ud83d", "\\uDBFFx", "\\ud83d\\u0020")
    ],
    *[
        Hostile("lone_surrogate", after(wrong))
        for wrong in (
            '"note": "\\ud800"',
            '"note": "a\\udc00b"',
            '"mode": "\\ud800"',
            '"mode": "eco\\udfff"',
            '"boot": "\\ud800"',
            '"boot": "b7\\udead"',
            '"device_id": "\\ud800"',
            '"device_id": "b-1\\udbff"',
            '"level": "\\udc00"',
            '"burning": "\\udc00"',
            '"drift": "\\udc00"',
            '"starts": ["\\udc00"]',
            '"why": ["\\ud800"]',
            '"why": [1, [2, ["\\ud800"]]]',
            '"why": {"a": "\\ud800"}',
            '"why": {"\\ud800": "a"}',
            '"why": {"a": {"b": {"\\udfff": null}}}',
            '"why": [{"a": ["b", "\\udc00"]}]',
            '"a": "sound", "b": "\\ud800", "c": "sound"',
            '"why": "' + "x" * 3_000 + '\\ud800"',
            '"readings": "\\ud800"',
            '"\\u0077hy": "\\ud800"',
        )
    ],
    Hostile("lone_surrogate", spelt(ts='"\\ud800"')),
    Hostile("lone_surrogate", spelt(ts='"2026-09-21T16:01:00Z\\udc00"')),
    Hostile("lone_surrogate", spelt(seq='"\\ud800"')),
    Hostile("lone_surrogate", spelt(water='"\\ud800"')),
    Hostile("lone_surrogate", b'{"\\ud800": 1}'),
    Hostile("lone_surrogate", b'"\\ud800"'),
    Hostile("lone_surrogate", b'["\\udfff"]'),
    Hostile("lone_surrogate", b'{"ts\\ud800": 1790006460000, "water": 1}'),
]

WHOLES = [
    Whole("not_utf8", b'\xff\xfe{\x00"\x00r\x00"\x00:\x001\x00}\x00'),
    Whole("not_utf8", '{"boot": "b7", "readings": [{"ts": 1790006460000, "water": 1}]}'.encode("utf-32")),
    Whole("not_utf8", b'{"boot": "b\xff", "readings": [{"ts": 1790006460000, "water": 1}]}'),
    Whole("not_utf8", b'{"boot": "b7", "readings": [{"ts": 1790006460000, "water": 1}]}\xff'),
    Whole("not_utf8", b'\xff{"boot": "b7", "readings": [{"ts": 1790006460000, "water": 1}]}'),
    Whole("not_utf8", b'{"boot": "b7", "readings"\xc2: [{"ts": 1790006460000, "water": 1}]}'),
    Whole("not_utf8", b'{"boot": "b7", "readings\xc2": [{"ts": 1790006460000, "water": 1}]}'),
    Whole("not_utf8", b'{"boot": "b7", "readings": [{"ts": 1790006460000, "water": 1}], "zone": "\x80"}'),
    Whole("lone_surrogate", b'{"boot": "\\ud800", "readings": [{"ts": 1790006460000, "water": 1}]}'),
    Whole("lone_surrogate", b'{"device_id": "\\udfff", "readings": [{"ts": 1790006460000, "water": 1}]}'),
    Whole("lone_surrogate", b'{"\\udc00": 1, "readings": [{"ts": 1790006460000, "water": 1}]}'),
    Whole("lone_surrogate", b'{"readings": [{"ts": 1790006460000, "water": 1}], "zone": ["\\ud83d"]}'),
]
