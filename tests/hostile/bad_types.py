"""Values of another type than the contract says, and readings that are no objects."""

from tests.hostile.cases import Hostile, Whole, after, spelt, vault

_TEXTS = ('"61.5"', '"31"', '""', '" "', '"null"', '"NaN"', '"true"', '"1e5"', '"0x1F"', '"٦١"')
_OTHERS = ("[]", "{}", "[61.5]", '{"value": 61.5}', "[[]]", '{"$numberDouble": "61.5"}')

WRONG_TYPE = [
    # A number.
    *[Hostile("wrong_type", spelt(water=value)) for value in (*_TEXTS, *_OTHERS, "true", "false")],
    *[Hostile("wrong_type", after(f'"drift": {value}')) for value in ('"-0"', "false", "[null]")],
    # A whole number: 31.0 is one, what has a fraction or is not one number for sure is none.
    *[
        Hostile("wrong_type", after(f'"shift": {value}'))
        for value in (
            *_TEXTS,
            *_OTHERS,
            "true",
            "false",
            "4.5",
            "-0.5",
            "1e-1",
            "1e30",
            "1e16",
            "-1e16",
            "9007199254740994.0",
            "1.7976931348623157e308",
            "5e-324",
            "9.5e0",
        )
    ],
    *[Hostile("wrong_type", after(f'"level": {value}')) for value in ("0.1", '"5"', "4.999999999", "true")],
    # Between 2^53 and the next double a fraction is lost: which whole number was meant, nobody knows.
    *[
        Hostile("wrong_type", after(f'"starts": {value}'))
        for value in ("9007199254740992.0", "9007199254740993.0", "-9007199254740992.0", "9.007199254740992e15")
    ],
    # True or false.
    *[
        Hostile("wrong_type", after(f'"burning": {value}'))
        for value in (
            "0",
            "1",
            "-1",
            "0.0",
            "1.0",
            '"true"',
            '"false"',
            '"True"',
            '"on"',
            '"yes"',
            '"1"',
            '""',
            "[]",
            "{}",
            "[true]",
            '{"a": true}',
        )
    ],
    # A text.
    *[
        Hostile("wrong_type", after(f'"note": {value}'))
        for value in ("0", "5", "-1.5", "true", "false", "[]", "{}", '["a"]', '{"a": "b"}', "1e5")
    ],
    *[Hostile("wrong_type", after(f'"mode": {value}')) for value in ("0", "1", "true", '["eco"]', '{"eco": true}', "[]")],
    # The reading's own members.
    *[
        Hostile("wrong_type", spelt(seq=value))
        for value in (
            "-1",
            "-9223372036854775808",
            "1.0",
            "7.0",
            "0.0",
            "-0.0",
            "1e0",
            "1e2",
            "7.5",
            '"7"',
            '""',
            "true",
            "false",
            "[]",
            "[7]",
            "{}",
            '{"n": 7}',
        )
    ],
    *[
        Hostile("wrong_type", after(f'"boot": {value}'))
        for value in (
            "0",
            "7",
            "7.5",
            "true",
            "false",
            "[]",
            '["b7"]',
            "{}",
            '{"id": "b7"}',
            '""',
            f'"{"x" * 65}"',
            f'"{"é" * 65}"',
            f'"{"😀" * 65}"',
            f'"{"x" * 5_000}"',
            f'"{chr(92)}u0041{"x" * 64}"',
        )
    ],
    # Not an object.
    *[
        Hostile("wrong_type", content, alone="bad_pack")
        for content in (
            b"17",
            b"-0",
            b"1.5",
            b"null",
            b"true",
            b"false",
            b'""',
            b'"text"',
            b'"},{"',
            b'"{}"',
            b"[]",
            b"[1, 2]",
            b"[[]]",
            b"[{}]",
            b'["ts", 1790006460000]',
            b'"\\u0041"',
        )
    ],
    Hostile("wrong_type", b"[" + spelt() + b"]", alone="bad_pack"),
    Hostile("wrong_type", b'"' + spelt().replace(b'"', b'\\"') + b'"', alone="bad_pack"),
    Hostile("wrong_type", vault(doors='"2"'), contract="vault"),
    Hostile("wrong_type", vault(doors="2.5"), contract="vault"),
    Hostile("wrong_type", vault(shut="1"), contract="vault"),
    Hostile("wrong_type", vault(label="1"), contract="vault"),
    Hostile("wrong_type", vault(grams='"1.5"'), contract="vault"),
    Hostile("wrong_type", vault(hint="false"), contract="vault"),
]

_GOOD = b'{"ts": 1790006460000, "water": 1}'
# A head is of its message.
WHOLES = [
    *[
        Whole("wrong_type", b'{"boot": ' + boot + b', "readings": [' + _GOOD + b"]}")
        for boot in (b"7", b"0", b"1.5", b"true", b"[]", b"{}", b'""', b'"' + b"x" * 65 + b'"', b'["b7"]', b'{"boot": "b7"}')
    ],
    Whole("wrong_type", b'{"readings": [' + _GOOD + b'], "boot": 7}'),
    Whole("wrong_type", b'{"boot": 7, "readings": [' + _GOOD + b', {"ts": NaN}]}'),
    Whole("wrong_type", b'{"boot": "' + b"x" * 65 + b'", "readings": [01]}'),
]
