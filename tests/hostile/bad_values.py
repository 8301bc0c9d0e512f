"""What is absent though it must be there, and what is beyond a contract's range, length or enum."""

from tests.hostile.cases import Hostile, after, spelt, vault

# Keys that are nearly `ts`, or nearly `water`.
_NO_TS = (
    "TS", "Ts", "tS", "ts ", " ts", "t", "t s", "tss", "time", "timestamp", "_ts", "ts_ms", "@ts", "ｔｓ", "tѕ", "ts\ufeff", "\u200bts", "t\u00ads", "ts\\u0000", "ts\\n", "\\u0054s", "ts.",
)  # fmt: skip
_NO_WATER = (
    "Water",
    "WATER",
    "water ",
    " water",
    "wat",
    "waters",
    "wаter",
    "ｗater",
    "water\u200b",
    "wa\u0308ter",
    "water\\u0000",
    "water\\t",
    "\\u0057ater",
    "value",
    "water.value",
)

MISSING = [
    *[Hostile("missing", spelt(ts=None)[:-1] + f', "{key}": 1790006460000}}'.encode(), alone="bad_pack") for key in _NO_TS],
    *[Hostile("missing", spelt(water=None)[:-1] + f', "{key}": 61.5}}'.encode()) for key in _NO_WATER],
    Hostile("missing", b"{}", alone="bad_pack"),
    Hostile("missing", b"{ }", alone="bad_pack"),
    Hostile("missing", b'{"ts": null}'),
    Hostile("missing", b'{"seq": 7}', alone="bad_pack"),
    Hostile("missing", b'{"": 1790006460000}', alone="bad_pack"),
    Hostile("missing", b'{"ts": 1790006460000}'),
    Hostile("missing", b'{"water": 61.5}', alone="bad_pack"),
    Hostile("missing", b'{"reading": {"ts": 1790006460000, "water": 61.5}}', alone="bad_pack"),
    Hostile("missing", b'{"ts": 1790006460000, "values": {"water": 61.5}}'),
    Hostile("missing", b'{"ts": 1790006460000, "values": [["water", 61.5]]}'),
    Hostile("missing", b'{"values": [1790006460000, 61.5]}', alone="bad_pack"),
    Hostile("missing", spelt(ts=None), alone="bad_pack"),
    Hostile("missing", spelt(ts="null")),
    Hostile("missing", spelt(water=None)),
    Hostile("missing", spelt(water="null")),
    Hostile("missing", spelt(water=None, drift="1", starts="1", mode='"eco"')),
    Hostile("missing", spelt(ts="null", water="null")),
    Hostile("missing", spelt(ts=None, water=None, boot='"b7"'), alone="bad_pack"),
    Hostile("missing", b'{"\\u0074s": null, "water": 61.5}'),
    Hostile("missing", b'{"ts": 1790006460000, "w\\u0061ter": null}'),
    *[Hostile("missing", vault(**{name: None}), contract="vault") for name in ("doors", "shut", "label", "grams")],
    *[Hostile("missing", vault(**{name: "null"}), contract="vault") for name in ("doors", "shut", "label", "grams", "ts")],
    Hostile("missing", vault(ts=None), alone="bad_pack", contract="vault"),
    Hostile("missing", vault(doors=None, shut=None, label=None, grams=None), contract="vault"),
    # A field that is missing is found before one that is not known.
    Hostile("missing", vault(label=None, Label='"a"'), contract="vault"),
    Hostile("missing", vault(grams="null", zone="1"), contract="vault"),
]

_FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"

OUT_OF_RANGE = [
    *[
        Hostile("out_of_range", spelt(water=value))
        for value in (
            "-1", "-0.0001", "-1e-300", "-5e-324", "-1e-7", "121", "120.00000000000002", "120.0001", "1.2001e2", "1e3", "1e15", "1e22", "1e308", "-1e308", "9007199254740993",
            "9223372036854775807", "-9223372036854775808", "1000000000000000", "120.000000000000010", "12001e-2", "1.7976931348623157e308", "-0.1e-5",
        )
    ],
    *[Hostile("out_of_range", after(f'"starts": {value}')) for value in ("-1", "-1.0", "-1e0", "-9223372036854775808", "-9007199254740991", "-9007199254740993", "-31e1")],
    *[Hostile("out_of_range", after(f'"level": {value}')) for value in ("6", "-6", "6.0", "-6.0", "6e0", "1e2", "9223372036854775807", "9007199254740991", "-9007199254740991.0")],
    *[
        Hostile("out_of_range", after(f'"note": "{text}"'))
        for text in (
            "sixsix", "      ", "éééééé", "日本日本日本", "😀😀😀😀😀😀", "e\u0301e\u0301e\u0301", _FAMILY, "\ufeffabcde", "\u200b" * 6, "\\u0041bcdef", "\\u0041" * 6, "\\n" * 6, "\\u0000" * 6,
            "\\ud83d\\ude00" * 6, "a" * 257, "a" * 40_000, "abcd\\\\e", "\\\"\\\"\\\"\\\"\\\"\\\"", "a/b/c/", "\\/" * 6, "},{},{", "null, ", "61.500",
        )
    ],
    *[
        Hostile("out_of_range", after(f'"mode": "{text}"'))
        for text in (
            "Eco", "ECO", "eCo", "eco ", " eco", "", " ", "e", "ec", "ecoo", "eco,full", "ecofull", "eco\\n", "eco\\u0000", "ec\\u043e", "есо", "ｅｃｏ", "eco\u200b", "\ufeffeco", "éco", "off",
            "null", "0", "true", "\\\"eco\\\"", "Full", "FULL", "fulL", "full.", "f\u0075\u0308ll", "x" * 1_000, "[eco]", "},{",
        )
    ],
    *[Hostile("out_of_range", vault(doors=value), contract="vault") for value in ("10", "-1", "10.0", "1e1", "-9e0")],
    *[Hostile("out_of_range", vault(label=f'"{text}"'), contract="vault") for text in ("a" * 257, "é" * 257, "😀" * 257, " " * 300)],
    Hostile("out_of_range", vault(hint='"' + "h" * 257 + '"'), contract="vault"),
]  # fmt: skip
