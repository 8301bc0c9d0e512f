"""Readings that are no JSON though their brackets match, and messages whose brackets do not."""

from tests.hostile.cases import Hostile, Whole, after, spelt

_NO_NUMBER = [
    "01", "-01", "00", "007", "1.", "-1.", ".5", "-.5", "+1", "+.5", "0x1F", "0b11", "0o17", "017.5", "1_000", "1e", "1e+", "1E-", "1.e5", "e5", "- 1",
    "--1", "1e5.5", "1e1e1", "1.2.3", "1-2", "61.5F", "61.5d", "10L", "1u", "61,5", "61.5%", "$5", "½", "²", "٦١", "６１", "−61", "∞", "1 000", "1'000",
    "1:30", "#1", "61.5 degC", "0x", "1e٣", "(1)", "1/2", "1+1", "1n", "+Infinity", "+NaN", "-NaN", "nan", "inf", "-inf", "infinity", "NAN", "1.#INF", "1.#QNAN",
]  # fmt: skip
_NO_VALUE = [
    "True", "False", "None", "TRUE", "nul", "nullx", "tru", "undefined", "eco", "'eco'", "`eco`", "\u201ceco\u201d", '"""eco"""', 'b"eco"', 'u"eco"', "/eco/",
    'new Date(1)', "<water/>", "...", "*", "@water", "${water}", "!!float 1", "",
]  # fmt: skip
_NO_TEXT = [
    '"a\nb"', '"a\tb"', '"a\rb"', '"a\x00b"', '"a\x1fb"', '"\x08"', '"\x0c"', '"\x1b[31m"', '"\\x41"', '"\\\'"', '"\\a"', '"\\0"', '"\\u12"', '"\\u12G4"', '"\\U0001F600"',
    '"\\u"', '"\\u{41}"', '"\\ "', '"\\\n"', '"a" "b"', '"a" + "b"', '"\\u 041"', '"\\u+041"', '"\\u-041"', '"\\v"', '"\\e"', '"\\é"',
]  # fmt: skip
_NO_MEMBERS = [
    '"a": 1,', ', "a": 1', '"a": 1,, "b": 2', '"a" 1', '"a":: 1', '"a": 1 "b": 2', '"a"', '"a":', ': 1', "a: 1", "'a': 1", "1: 2", "null: 1", "true: 1", '"a"; 1',
    '"a" = 1', '"a" => 1', '"a": 1; "b": 2', '"a": 1 /* why */', '"a": 1 // why', '"a": 1 # why', '"a": 1 -- why', '"a": [1,]', '"a": [,1]', '"a": [1,,2]',
    '"a": [1 2]', '"a": {,}', '"a": {"b"}', '"a": {"b":}', '"a": (1)', '"a": [1;2]', '"a": 1,\u00a0"b": 2', '"a":\x0b1', '"a":\x0c1', '"a":\u200b1', '"a":\u20281',
    '"a":\ufeff1', '"a":\u30001', '"a":\x001', '"a":\x7f1', '[1]', '{"b": 1}', '{"b": 1}: 2', '"a": 1 \\n',
]  # fmt: skip

NOT_JSON = [
    *[Hostile("not_json", spelt(water=wrong)) for wrong in _NO_NUMBER],
    *[Hostile("not_json", spelt(mode=wrong)) for wrong in _NO_VALUE],
    *[Hostile("not_json", spelt(note=wrong)) for wrong in _NO_TEXT],
    *[Hostile("not_json", after(wrong)) for wrong in _NO_MEMBERS],
    *[
        Hostile("not_json", spelt(ts=wrong))
        for wrong in ("0017", "2026-09-21T16:01:00Z", "1790006460000L", "now()", "Date.now()", "1.790006460000e")
    ],
    *[Hostile("not_json", spelt(seq=wrong)) for wrong in ("++1", "seq", "07", "1 .0")],
    *[
        Hostile("not_json", content)
        for content in (
            b"\xef\xbb\xbf" + spelt(),
            spelt() + b"\xef\xbb\xbf",
            spelt() + b" " + spelt(),
            spelt() + spelt(),
            spelt() + b"\n" + spelt() + b"\n",
            spelt() + b"x",
            spelt() + b";",
            spelt() + b"\x00",
            b"\x00" + spelt(),
            b"data: " + spelt(),
            b"while(1);" + spelt(),
            b"callback(" + spelt() + b")",
            spelt().decode().encode("utf-16-le"),
            spelt().decode().encode("utf-16-be"),
            b"\x1e" + spelt(),
            b"ts=1790006460000&water=61.5",
            b"ts: 1790006460000",
            b"water 61.5 1790006460000",
            b"<reading><ts>1790006460000</ts></reading>",
            b"eyJ0cyI6MTc5MDAwNjQ2MDAwMH0=",
            b"%7B%22ts%22%3A1%7D",
            b"\x00\x01\x02\x03",
            b"",
            b"undefined",
            b"'text'",
            b"{{}}",
            b"{[]}",
            b"[{}{}]",
            b"{} {}",
            b"[] []",
            b"null null",
            b"-",
            b"/* nothing */",
            b"\x7f",
            b"{" + b'"a":' * 5 + b"1}",
            b"nullnull",
        )
    ],
]

_GOOD = b'{"ts": 1790006460000, "seq": 1, "water": 61.5}'
_PACK = b'{"boot": "b7", "readings": [' + _GOOD + b", " + _GOOD.replace(b'"seq": 1', b'"seq": 2') + b"]}"

# A pack cut off, or damaged where its brackets no longer show its readings, is kept whole.
WHOLES = [
    *[Whole("not_json", _PACK[:end]) for end in (2, 3, 6, 7, 8, 10, 13, 16, 24, 27, 28, 29, 32, 40, 75, 76, 77, 80, len(_PACK) - 2, len(_PACK) - 1)],
    *[
        Whole("not_json", payload)
        for payload in (
            b" ",
            b"\n\t\r ",
            b"\x00",
            b"\xef\xbb\xbf",
            b"hello",
            b"{",
            b"}",
            b"[",
            b"]",
            b'"',
            b"\\",
            b",",
            b":",
            b"\xef\xbb\xbf" + _PACK,
            _PACK + b" and more",
            _PACK + b"}",
            _PACK + b"]",
            _PACK + b",",
            _PACK + b"\x00",
            _PACK + _PACK,
            _PACK + b"\n" + _PACK,
            b"[" + _PACK,
            _PACK[1:],
            _PACK.replace(b"]}", b"}]"),
            _PACK.replace(b"]}", b"})"),
            _PACK.replace(b"[", b"("),
            _PACK.replace(b'"readings": [', b'"readings" ['),
            _PACK.replace(b'"readings"', b"readings"),
            _PACK.replace(b'"readings"', b"'readings'"),
            _PACK.replace(b'"b7",', b'"b7"'),
            _PACK.replace(b'"b7"', b"b7"),
            _PACK.replace(b'"b7"', b'"b7'),
            _PACK.replace(b'"b7"', b'"b\n7"'),
            _PACK.replace(b'"b7"', b'"b\\7"'),
            _PACK.replace(b"]}", b"],}"),
            _PACK.replace(b"]}", b'], "zone"}'),
            _PACK.replace(b"]}", b'], "zone": 01}'),
            _PACK.replace(b'"seq": 2', b'"seq: 2'),
            _PACK.replace(b'"seq": 1', b'"seq: 1'),
            _PACK.replace(b'"seq": 1', b'"seq": {1'),
            _PACK.replace(b'"seq": 1', b'"seq": 1}'),
            _PACK.replace(b'"seq": 1', b'"seq": 1]'),
            _PACK.replace(b'"seq": 1', b'"seq": [1'),
            _PACK.replace(b'"seq": 1', b'"note": "\\'),
            _PACK.decode().encode("utf-16-le"),
            b'{"readings": ["' + b'\\"' * 50_000,
            b'{"readings": [' + b"{" * 900,
            b'{"readings": [1, 2, 3}}',
        )
    ],
]  # fmt: skip
