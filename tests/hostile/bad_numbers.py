"""Numbers that do not fit, and what is no number though some writers of JSON send it."""

from tests.hostile.cases import Hostile, Whole, after, spelt

_BEYOND_DOUBLE = [
    "1e309", "-1e309", "1E309", "1e+309", "1.0e309", "1e999", "-1e999", "1E+400", "1.8e308", "1.7976931348623159e308", "-1.7976931348623159e308", "0.1e310", "17.98e307",
    "179769313486231590e291", "1e00000000309", "1e99999999999999999999", "-1e99999999999999999999", "1" * 310 + ".0", "1" * 310 + "e0", "1" + "0" * 309 + ".5", "0.0001e313",
    "9" * 5_000 + "e1", "1." + "0" * 400 + "1e400",
]  # fmt: skip
_BEYOND_INT64 = [
    "9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616", "-18446744073709551616", "10000000000000000000",
    "99999999999999999999", "-99999999999999999999", "123456789012345678901", "1" + "0" * 100, "-1" + "0" * 400, "9" * 5_000, "7" * 40_000, "340282366920938463463374607431768211456",
]  # fmt: skip

NUMBER_OUT_OF_RANGE = [
    *[Hostile("number_out_of_range", spelt(water=number)) for number in _BEYOND_DOUBLE + _BEYOND_INT64],
    *[Hostile("number_out_of_range", after(f'"starts": {number}')) for number in (*_BEYOND_INT64, "1e309")],
    *[
        Hostile("number_out_of_range", after(f'"x": {number}'))
        for number in ("1e400", "9223372036854775808", "-1e400", "-9223372036854775809", "1" * 21)
    ],
    *[
        Hostile("number_out_of_range", content)
        for content in (
            spelt(ts="9223372036854775808"),
            spelt(ts="1e400"),
            spelt(seq="9223372036854775808"),
            spelt(seq="18446744073709551615"),
            spelt(seq="-9223372036854775809"),
            after('"level": 9223372036854775808'),
            after('"shift": -9223372036854775809'),
            after('"drift": 9223372036854775808'),
            after('"drift": -1e400'),
            after('"boot": 1e400'),
            after('"device_id": 1e400'),
            after('"burning": 1e400'),
            after('"note": 9223372036854775808'),
            after('"x": [1e400]'),
            after('"x": [1, [2, {"y": -1e400}]]'),
            after('"x": {"y": 9223372036854775808}'),
            after('"x": {"y": [18446744073709551616, 1]}'),
            after('"x": "\\n", "y": 1e400'),
            after('"x": "é", "y": 9223372036854775808'),
            after('"x": 1e400, "y": "sound"'),
            b"1e400",
            b"9223372036854775808",
            b"[1e400]",
            b'{"x": 9223372036854775808}',
        )
    ],
]

_NO_NUMBERS = ("NaN", "Infinity", "-Infinity")
_PLACES = ("water", "ts", "seq", "boot", "device_id", "drift", "starts", "shift", "level", "burning", "mode", "note", "why", "readings")

NOT_FINITE = [
    *[Hostile("not_finite", spelt(**{place: word})) for place in _PLACES for word in _NO_NUMBERS],
    *[
        Hostile("not_finite", content)
        for word in _NO_NUMBERS
        for content in (word.encode(), f"[{word}]".encode(), f'{{"x": {word}}}'.encode())
    ],
    *[
        Hostile("not_finite", after(wrong))
        for wrong in (
            '"x": [NaN]',
            '"x": [1, 2, -Infinity]',
            '"x": {"y": NaN}',
            '"x": {"y": [[Infinity]]}',
            '"x": [[[[[[[[NaN]]]]]]]]',
            '"x": NaN, "y": Infinity, "z": -Infinity',
            '"x":NaN',
            '"x":\n\t NaN \r\n',
            '"x": "\\u0041", "y": NaN',
            '"x": "é", "y": Infinity',
            '"x": "},{", "y": NaN',
            '"x": "NaN", "y": NaN',
        )
    ],
    Hostile("not_finite", b'{"x": NaN, ' + spelt()[1:]),
]

_GOOD = b'{"ts": 1790006460000, "water": 1}'
WHOLES = [
    Whole("number_out_of_range", b'{"boot": 1e400, "readings": [' + _GOOD + b"]}"),
    Whole("number_out_of_range", b'{"zone": 9223372036854775808, "readings": [' + _GOOD + b"]}"),
    Whole("number_out_of_range", b'{"readings": [' + _GOOD + b'], "zone": {"x": [-1e400]}}'),
    Whole("number_out_of_range", b'{"readings": 9223372036854775808}'),
    Whole("not_finite", b'{"boot": NaN, "readings": [' + _GOOD + b"]}"),
    Whole("not_finite", b'{"readings": [' + _GOOD + b'], "zone": [Infinity]}'),
    Whole("not_finite", b'{"readings": -Infinity}'),
    Whole("not_finite", b'{"readings": NaN, "boot": "b7"}'),
]
