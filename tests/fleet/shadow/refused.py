"""Payloads that must be refused, whatever the shadow is: each would change it, were its fault overlooked."""

from collections.abc import Callable
from random import Random
from typing import Any

_GOOD = '{"state": {"desired": {"a": 77}, "reported": {"b": [77]}}}'
_MALFORMED = (
    *("", " ", "{", "}", "nonsense", '{"state": {"desired": {"a": 77}', '{"state": {"desired": {"a": 77}}}}', '{"state": {}} {}'),
    *('{"state": {"desired": {"a": 77,}}}', '{"state": {"desired": {a: 77}}}', "{'state': {'desired': {'a': 77}}}", '{"state" {}}'),
    *('{"state": {"desired": {"a": 07}}}', '{"state": {"desired": {"a": .5}}}', '{"state": {"desired": {"a": 5.}}}'),
    *('{"state": {"desired": {"a": +5}}}', '{"state": {"desired": {"a": 0x5}}}', '{"state": {"desired": {"a": 1e}}}'),
    *('{"state": {"desired": {"a": True}}}', '{"state": {"desired": {"a": undefined}}}', '{"state": {"desired": {"a": "\\x41"}}}'),
    *('{"state": {"desired": {"a": "\\u12"}}}', '{"state": {"desired": {"a": "tab\there"}}}', '{"state": {"desired": {"a": "open}}}'),
    *('{"state": {"desired": {"a": [77,]}}}', '{"state": {"desired": {"a": [77 78]}}}', '{"state": {}, /* why */ "version": 1}'),
    *("\ufeff" + _GOOD, _GOOD + "\x00", "\u00a0" + _GOOD, _GOOD.replace('"', "”")),
)
_TWICE = (
    '{"state": {"desired": {"a": 77}}, "state": {"desired": {"a": 78}}}',
    '{"state": {"desired": {"a": 77}, "desired": {"b": 77}}}',
    '{"state": {"reported": {"a": 77, "a": 77}}}',
    '{"state": {"desired": {"a": 77, "\\u0061": 78}}}',
    '{"state": {"desired": {"a": {"b": 77, "c": 1, "b": 77}}}}',
    '{"state": {"desired": {"a": [{"b": 77, "b": 78}]}}}',
    '{"state": {"desired": {"a": null, "a": 77}}}',
    '{"state": {"desired": {"a": 77}}, "clientToken": "t", "clientToken": "t"}',
    '{"state": {"desired": {"a": 77}}, "other": {"x": 1, "x": 1}}',
)
_NOT_FINITE = ("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1E+309", "[NaN]", '{"b": -Infinity}')
_NOT_UTF8 = (b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf5\x80\x80\x80", "é".encode("latin-1"), "é".encode("utf-16"))
_LONE = (r'"\ud800"', r'"x\udfff"', r'{"\ud834": 77}', r'["\udc00\ud800"]')
_ROOTS = ("[]", "77", '"state"', "true", "false", '[{"state": {"desired": {"a": 77}}}]', "[[]]", '""')
_NO_OBJECT: tuple[Any, ...] = (77, "x", True, False, [], [{"a": 77}], 0, "", 7.5)
_NODES = ("desird", "Desired", "metadata", "version", "", "é", "state", "'")
_NULLS: tuple[list[Any], ...] = ([None], [77, None], [[None]], [{"b": None}], [{"b": {"c": None}}], [77, [{"b": [None]}]])


def malformed(rng: Random) -> bytes:
    return rng.choice(_MALFORMED).encode()


def duplicate_key(rng: Random) -> bytes:
    return rng.choice(_TWICE).encode()


def not_finite(rng: Random) -> bytes:
    """In the state, or beside it."""
    number = rng.choice(_NOT_FINITE)
    templates = (
        '{"state": {"desired": {"a": %s}}}',
        '{"state": {"reported": {"b": {"a": %s}}}}',
        '{"state": {"desired": {"a": 77}}, "x": %s}',
    )
    return (rng.choice(templates) % number).encode()


def not_utf8(rng: Random) -> bytes:
    return _GOOD.replace("77", '"?"', 1).encode().replace(b"?", rng.choice(_NOT_UTF8))


def lone_surrogate(rng: Random) -> bytes:
    return _GOOD.replace("77", rng.choice(_LONE), 1).encode()


def wrong_root(rng: Random) -> bytes:
    return rng.choice(_ROOTS).encode()


def state_missing(rng: Random) -> Any:
    return rng.choice(({}, {"desired": {"a": 77}}, {"State": {"desired": {"a": 77}}}, {"reported": {"a": 77}, "states": {}}))


def state_no_object(rng: Random) -> Any:
    return {"state": rng.choice(_NO_OBJECT)}


def section_no_object(rng: Random) -> Any:
    wrong = {rng.choice(("desired", "reported")): rng.choice(_NO_OBJECT)}
    good = {"desired": {"a": 77}, "reported": {"a": 77}}
    return {"state": good | wrong if rng.random() < 0.5 else wrong}


def unknown_node(rng: Random) -> Any:
    """One, or two, of which the first is told."""
    names = rng.sample(_NODES, rng.choice((1, 1, 2)))
    return {"state": _beside(rng, {name: rng.choice(({"a": 77}, {}, None, 77)) for name in names})}


def delta_node(rng: Random) -> Any:
    return {"state": _beside(rng, {"delta": {"a": 77}})}


def _beside(rng: Random, odd: dict[str, Any]) -> dict[str, Any]:
    good = {"desired": {"a": 77}}
    return rng.choice((odd, good | odd, odd | good))


def null_in_array(rng: Random) -> Any:
    nulls = rng.choice(_NULLS)
    section = rng.choice(({"a": nulls}, {"b": {"a": nulls}}, {"a": 77, "b": nulls}))
    return {"state": {rng.choice(("desired", "reported")): section}}


def bomb(rng: Random) -> bytes:
    """Thousands of levels: more than a parser that calls itself can go down."""
    levels = rng.choice((100, 900, 3_000, 20_000))
    opened, closed = rng.choice((("[", "]"), ('{"a":', "}")))
    inner = "77" if opened != "[" else ""
    return ('{"state": {"desired": {"a": ' + opened * levels + inner + closed * levels + "}}}").encode()


def long_token(rng: Random) -> Any:
    """65 bytes, or no more than 64 characters that are more bytes."""
    return rng.choice(("t" * 65, "t" * 63 + "é", "é" * 33, "𝄞" * 17, "é" * 64, "t" * 9_000))


def token_no_text(rng: Random) -> Any:
    return rng.choice((77, True, False, 0, 7.5, [], {}, ["t"], {"t": "t"}))


BYTES: dict[str, Callable[[Random], bytes]] = {
    "malformed JSON": malformed,
    "duplicate key": duplicate_key,
    "not a finite number": not_finite,
    "not UTF-8": not_utf8,
    "lone surrogate": lone_surrogate,
    "root is no object": wrong_root,
    "nesting without end": bomb,
}
DOCUMENTS: dict[str, Callable[[Random], Any]] = {
    "state missing": state_missing,
    "state is no object": state_no_object,
    "section is no object": section_no_object,
    "unknown node in state": unknown_node,
    "delta in state": delta_node,
    "null in an array": null_in_array,
}
# What get and delete must refuse too.
OF_ANY_VERB = ("malformed JSON", "duplicate key", "not a finite number", "not UTF-8", "lone surrogate", "root is no object")
