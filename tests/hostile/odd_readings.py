"""Readings that look wrong and are sound: each must be taken, with these values.

`document` is what the bytes say by RFC 8259; the row's values and its time are written by hand.
"""

import json
from typing import Any

from tests.hostile.cases import LATEST_MS, NOON_MS, Sound, after, spelt, vault


def _with(members: str, document: dict[str, Any], values: dict[str, Any] | None = None, extra: str | None = None, **own: Any) -> Sound:
    """A sound reading with these members after it."""
    base = {"ts": NOON_MS, "seq": 7, "water": 61.5}
    return Sound(after(members), base | document, {"water": 61.5} | (document if values is None else values), extra=extra, **own)


def _water(number: str, value: float) -> Sound:
    return Sound(spelt(water=number), {"ts": NOON_MS, "seq": 7, "water": value}, {"water": value})


def _at(ts: str, ts_ms: int, document: Any = None) -> Sound:
    said = document if document is not None else ts.strip('"') if ts.startswith('"') else ts_ms
    return Sound(spelt(ts=ts), {"ts": said, "seq": 7, "water": 61.5}, {"water": 61.5}, ts_ms=ts_ms)


def _kept(members: str, document: dict[str, Any], extra: str) -> Sound:
    """What the contract does not know is kept, as JSON with sorted keys."""
    return _with(members, document, {}, extra)


_NUMBERS = [
    *[
        _water(number, 0.0)
        for number in ("0", "0.0", "0e5", "0E-5", "0.000", "1e-400", "0.0e400", "1e-99999999999999999999", "0e99999999999")
    ],
    *[_water(number, -0.0) for number in ("-0.0", "-0e0", "-0E+5", "-1e-400")],
    # As a whole number, zero has no sign.
    _water("-0", 0.0),
    *[
        _water(number, 120.0)
        for number in (
            "120",
            "120.0",
            "1.2e2",
            "12e1",
            "1200E-1",
            "120.000000000000000000001",
            "0.12e3",
            "119.99999999999999999999",
            "120e0",
            "1.20E+02",
        )
    ],
    _water("119.99999999999999", 119.99999999999999),
    _water("5e-324", 5e-324),
    _water("2.2250738585072011e-308", 2.2250738585072011e-308),
    _water("0.1", 0.1),
    _water("0.1000000000000000055511151231257827021181583404541015625", 0.1),
    _water("0." + "0" * 300 + "1", 1e-301),
    _water("61.5" + "0" * 5_000, 61.5),
    _water("1e-5", 1e-5),
    _water("0.00001", 1e-5),
    _water("0.000001", 1e-6),
    _water("1E-7", 1e-7),
    _water("9.999e-6", 9.999e-6),
    _with('"drift": 1.7976931348623157e308', {"drift": 1.7976931348623157e308}),
    _with('"drift": -1.7976931348623157e308', {"drift": -1.7976931348623157e308}),
    # Rounds down to the largest double.
    _with('"drift": 1.7976931348623158e308', {"drift": 1.7976931348623157e308}),
    _with('"drift": 1e15', {"drift": 1e15}),
    _with('"drift": 999999999999999.9', {"drift": 999999999999999.9}),
    _with('"drift": 1e21', {"drift": 1e21}),
    _with('"drift": 123456789012345680000.0', {"drift": 1.2345678901234568e20}),
    _with('"drift": 9223372036854775807', {"drift": 9223372036854775807}, {"drift": 9.223372036854775807e18}),
    _with('"drift": 9007199254740993', {"drift": 9007199254740993}, {"drift": 9007199254740992.0}),
    _with('"drift": 31', {"drift": 31}, {"drift": 31.0}),
    _with('"shift": 9223372036854775807', {"shift": 9223372036854775807}),
    _with('"shift": -9223372036854775808', {"shift": -9223372036854775808}),
    _with('"shift": 9007199254740993', {"shift": 9007199254740993}),
    _with('"shift": 9007199254740991', {"shift": 9007199254740991}),
    _with('"shift": 9007199254740991.0', {"shift": 9007199254740991.0}, {"shift": 9007199254740991}),
    _with('"shift": 1e3', {"shift": 1000.0}, {"shift": 1000}),
    _with('"shift": 31.0', {"shift": 31.0}, {"shift": 31}),
    _with('"shift": -0', {"shift": 0}),
    _with('"shift": -0.0', {"shift": -0.0}, {"shift": 0}),
    _with('"shift": 1e-400', {"shift": 0.0}, {"shift": 0}),
    _with('"level": 5, "starts": 0', {"level": 5, "starts": 0}),
    _with('"level": -5.0', {"level": -5.0}, {"level": -5}),
    _with('"starts": 9223372036854775807', {"starts": 9223372036854775807}),
]

_LEAP_MS = 1_709_164_800_000  # 2024-02-29T00:00:00Z
_TIMES = [
    _at("1790006460000.0", NOON_MS),
    _at("1.79000646e12", NOON_MS),
    _at("1790006460E3", NOON_MS),
    _at("17900064600000e-1", NOON_MS),
    _at("946684800000", 946_684_800_000),
    _at("946684800000.0", 946_684_800_000),
    _at(str(LATEST_MS), LATEST_MS),
    _at(f"{LATEST_MS}.0", LATEST_MS),
    *[
        _at(f'"{text}"', NOON_MS)
        for text in (
            "2026-09-21T16:01:00Z", "2026-09-21T16:01:00z", "2026-09-21 16:01:00Z", "2026-09-21T16:01Z", "2026-09-21T16:01+00:00", "2026-09-21T16:01:00+0000", "2026-09-21T16:01:00-00:00",
            "2026-09-21T18:01:00+02:00", "2026-09-21T21:46:00+05:45", "2026-09-21T13:31:00-0230", "2026-09-22T06:01:00+14:00", "2026-09-21T04:01:00-12:00", "2026-09-22T16:00:00+23:59",
            "2026-09-21T16:01:00.0Z", "2026-09-21T16:01:00,000Z", "2026-09-21T16:01:00.000999Z", "2026-09-21T16:01:00.0000000000000000001Z",
        )
    ],
    _at('"2026-09-21T16:01:00.5Z"', NOON_MS + 500),
    _at('"2026-09-21T16:01:00,25+00:00"', NOON_MS + 250),
    _at('"2026-09-21T16:01:00.123456789Z"', NOON_MS + 123),
    _at('"2026-09-21T16:01:00.9999999Z"', NOON_MS + 999),
    _at('"2024-02-29T00:00:00Z"', _LEAP_MS),
    _at('"2024-02-29T23:59:00+23:59"', _LEAP_MS),
    _at('"2024-03-01T01:00:00+01:00"', _LEAP_MS + 86_400_000),
    _at('"2000-02-29T00:00:00Z"', 951_782_400_000),
    _at('"2000-01-01T00:00:00Z"', 946_684_800_000),
    _at('"1999-12-31T23:00:00-01:00"', 946_684_800_000),
    _at('"2026-09-21T17:16:00Z"', LATEST_MS),
    _at('"2026-09-21T19:16:00.000+02:00"', LATEST_MS),
    # Milliseconds are what is kept; it is not later than the last of them.
    _at('"2026-09-21T17:16:00.000999Z"', LATEST_MS),
    _at('"2026-09-21T16\\u003a01:00Z"', NOON_MS, "2026-09-21T16:01:00Z"),
]  # fmt: skip

_OWN = [
    Sound(spelt(seq=None), {"ts": NOON_MS, "water": 61.5}, {"water": 61.5}, seq=None),
    Sound(spelt(seq="null"), {"ts": NOON_MS, "seq": None, "water": 61.5}, {"water": 61.5}, seq=None),
    Sound(spelt(seq="0"), {"ts": NOON_MS, "seq": 0, "water": 61.5}, {"water": 61.5}, seq=0),
    Sound(spelt(seq="-0"), {"ts": NOON_MS, "seq": 0, "water": 61.5}, {"water": 61.5}, seq=0),
    Sound(spelt(seq="9223372036854775807"), {"ts": NOON_MS, "seq": 2**63 - 1, "water": 61.5}, {"water": 61.5}, seq=2**63 - 1),
    Sound(spelt(seq="9007199254740993"), {"ts": NOON_MS, "seq": 2**53 + 1, "water": 61.5}, {"water": 61.5}, seq=2**53 + 1),
    _with('"boot": null', {"boot": None}, {}),
    _with('"boot": "own"', {"boot": "own"}, {}, boot="own"),
    _with('"boot": " "', {"boot": " "}, {}, boot=" "),
    _with('"boot": "\\u0000"', {"boot": "\0"}, {}, boot="\0"),
    _with('"boot": "a\\u001fb"', {"boot": "a\x1fb"}, {}, boot="a\x1fb"),
    _with(f'"boot": "{"x" * 64}"', {"boot": "x" * 64}, {}, boot="x" * 64),
    _with(f'"boot": "{"😀" * 64}"', {"boot": "😀" * 64}, {}, boot="😀" * 64),
    _with('"b\\u006fot": "\\u0062"', {"boot": "b"}, {}, boot="b"),
    _with('"boot": "a.0,b.0}"', {"boot": "a.0,b.0}"}, {}, boot="a.0,b.0}"),
    _with('"device_id": "b-1"', {"device_id": "b-1"}, {}),
    _with('"device_id": "b\\u002d1"', {"device_id": "b-1"}, {}),
    _with('"d\\u0065vice_id": "b-1", "boot": "x"', {"device_id": "b-1", "boot": "x"}, {}, boot="x"),
]

_TEXTS = [
    _with('"note": ""', {"note": ""}),
    _with('"note": "five5"', {"note": "five5"}),
    *[_with(f'"note": "{text}"', {"note": text}) for text in ("ééééé", "日本日本日", "😀😀😀😀😀", "e\u0301e\u0301e", "\ufeffabcd", "\u202eabc", "\x7f", "null", "NaN", "'a'", "a/b", "<&>", "\u2028", "1.0,", "1.0}", "},{", "][")],
    *[
        _with(f'"note": "{spelling}"', {"note": text})
        for spelling, text in (
            ("\\u0041\\u0042", "AB"), ("\\ud83d\\ude00", "😀"), ("\\uD83D\\uDE00", "😀"), ("\\\"\\\\\\/\\b", '"\\/\b'), ("\\f\\n\\r\\t", "\f\n\r\t"), ("\\u0000", "\0"), ("\\u000a", "\n"),
            ("\\u00e9é", "éé"), ("\\\\ud80", "\\ud80"), ("\\uffff\\ufffe", "\uffff\ufffe"), ("\\ud7ff\\ue000", "\ud7ff\ue000"), ("\\udbff\\udfff", "\U0010ffff"), ("\\u007d,\\u007b", "},{"),
        )
    ],
    _with('"mode": "eco"', {"mode": "eco"}),
    _with('"mode": "\\u0065c\\u006f"', {"mode": "eco"}),
    _with('"mo\\u0064e": "full"', {"mode": "full"}),
    _with('"burning": true, "mode": null, "note": null, "drift": null, "starts": null', {"burning": True, "mode": None, "note": None, "drift": None, "starts": None}),
    _with('"burning": null, "level": null, "shift": null', {"burning": None, "level": None, "shift": None}),
    _with('"burning": false', {"burning": False}),
]  # fmt: skip

_UNKNOWN = [
    _kept('"zone": 1', {"zone": 1}, '{"zone":1}'),
    _kept('"zone": null', {"zone": None}, '{"zone":null}'),
    _kept('"": ""', {"": ""}, '{"":""}'),
    _kept('"z": 1, "a": {"y": [], "b": {}}', {"z": 1, "a": {"y": [], "b": {}}}, '{"a":{"b":{},"y":[]},"z":1}'),
    _kept('"Water": 1, "WATER": 2, "water ": 3', {"Water": 1, "WATER": 2, "water ": 3}, '{"WATER":2,"Water":1,"water ":3}'),
    # One character in two normal forms is two keys.
    _kept('"é": 1, "e\u0301": 2', {"é": 1, "e\u0301": 2}, '{"e\u0301":2,"é":1}'),
    _kept('"ｗater": 1, "wаter": 2', {"ｗater": 1, "wаter": 2}, '{"wаter":2,"ｗater":1}'),
    _kept('"\\u0061": "\\u0062"', {"a": "b"}, '{"a":"b"}'),
    _kept('"a\\/b": "\\/"', {"a/b": "/"}, '{"a/b":"/"}'),
    _kept('"\\u0000": "\\u0000"', {"\0": "\0"}, '{"\\u0000":"\\u0000"}'),
    _kept('"x": "},{"', {"x": "},{"}, '{"x":"},{"}'),
    _kept('"x": "], \\"readings\\": ["', {"x": '], "readings": ['}, '{"x":"], \\"readings\\": ["}'),
    _kept('"x": "[[[[[[[[[[[[[[[[[[[[["', {"x": "[[[[[[[[[[[[[[[[[[[[["}, '{"x":"[[[[[[[[[[[[[[[[[[[[["}'),
    _kept('"x": [{"a": 1}, {"a": 1}]', {"x": [{"a": 1}, {"a": 1}]}, '{"x":[{"a":1},{"a":1}]}'),
    _kept('"x": {"ts": 1, "water": null}', {"x": {"ts": 1, "water": None}}, '{"x":{"ts":1,"water":null}}'),
    _kept('"x": {"readings": [1, 2]}', {"x": {"readings": [1, 2]}}, '{"x":{"readings":[1,2]}}'),
    _kept('"x": 9223372036854775807', {"x": 9223372036854775807}, '{"x":9223372036854775807}'),
    _kept('"x": [1.0, -0.0, 1e300]', {"x": [1.0, -0.0, 1e300]}, '{"x":[1.0,-0.0,1e+300]}'),
    _kept('"😀": "\\ud83d\\ude00"', {"😀": "😀"}, '{"😀":"😀"}'),
    _kept('"__proto__": {}, "_extra": 1, "event_id": "x"', {"__proto__": {}, "_extra": 1, "event_id": "x"}, '{"__proto__":{},"_extra":1,"event_id":"x"}'),
    # The reading is a level itself: 15 more are allowed.
    _kept('"x": ' + "[" * 15 + "]" * 15, {"x": [[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}, '{"x":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}'),
    _kept('"x": ' + '{"a":' * 15 + "1" + "}" * 15, {"x": json.loads('{"a":' * 15 + "1" + "}" * 15)}, '{"x":' + '{"a":' * 15 + "1" + "}" * 15 + "}"),
    _kept('"x": "' + "a" * 50_000 + '"', {"x": "a" * 50_000}, '{"x":"' + "a" * 50_000 + '"}'),
]  # fmt: skip

_SPELLINGS = [
    Sound(content, {"ts": NOON_MS, "seq": 7, "water": 61.5}, {"water": 61.5})
    for content in (
        b'{"water":61.5,"seq":7,"ts":1790006460000}',
        b'{"ts":1790006460000,"seq":7,"water":61.50}',
        b' \t\r\n{\n "ts" :\t1790006460000 ,\r\n"seq" : 7,"water"\n:\n61.5\n}\n ',
        b"{" + b" " * 2_000 + b'"ts": 1790006460000, "seq": 7, "water": 6.15e1}',
        b'{"\\u0074\\u0073": 1790006460000, "\\u0073eq": 7, "w\\u0061ter": 615E-1}',
    )
]

_STRICT = {"ts": NOON_MS, "seq": 7, "doors": 2, "shut": True, "label": "a", "grams": 1.5}
_ROW = {"doors": 2, "shut": True, "label": "a", "grams": 1.5}
_OF_VAULTS = [
    Sound(vault(), _STRICT, _ROW, contract="vault"),
    Sound(vault(doors="9.0"), _STRICT | {"doors": 9.0}, _ROW | {"doors": 9}, contract="vault"),
    Sound(vault(label=f'"{"😀" * 256}"'), _STRICT | {"label": "😀" * 256}, _ROW | {"label": "😀" * 256}, contract="vault"),
    Sound(vault(hint="null", boot='"x"'), _STRICT | {"hint": None, "boot": "x"}, _ROW, boot="x", contract="vault"),
    Sound(vault(device_id='"b-1"', label='""'), _STRICT | {"device_id": "b-1", "label": ""}, _ROW | {"label": ""}, contract="vault"),
]

ODD = [*_NUMBERS, *_TIMES, *_OWN, *_TEXTS, *_UNKNOWN, *_SPELLINGS, *_OF_VAULTS]
