"""The two ways of parsing say the same of any bytes: the quick one is only ever quicker."""

import json
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingestion.strict_json import MAX_DEPTH, Refused, parse, parse_exactly
from lake.reasons import Reason

_NUMBERS = [
    "0", "-0", "-0.0", "0.1", "1.0", "1e5", "1E-7", "1e400", "-1e400", "5e-324", "1e-400", "123456789012345678901234567890", "01", "1.", ".5",
    "9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
    "18446744073709551615", "18446744073709551616", "-18446744073709551616", "1e18", "1e19", "9.3e18", "NaN", "Infinity", "+1", "0x10",
]  # fmt: skip
_TEXTS = [
    '""',
    '"a"',
    '"\\""',
    '"\\ud800"',
    '"\\ud83d\\ude00"',
    '"😀"',
    '"\\u0000"',
    '"\x01"',
    '"\u2028"',
    '"a\\/b"',
    "'a'",
    '"',
    "true",
    "null",
]
_PIECES = st.sampled_from([*_NUMBERS, *_TEXTS, "{", "}", "[", "]", ",", ":", " ", "\n", '"a":', '"b":', "[]", "{}", "\ufeff"])


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (b'{"a": 1}garbage', "Extra data at byte 8"),
        (b'{"a": "\n"}', "Invalid control character at byte 7"),
        (b'{"a": "x', "Unterminated string starting at byte 6"),
        (b'{"a": "\\q"}', "Invalid \\escape at byte 7"),
        # Of what is stored, where characters are not bytes.
        ('{"é": "😀", 1}'.encode(), "Expecting property name enclosed in double quotes at byte 15"),
        (b'\xef\xbb\xbf{"a": 1}', "it begins with a byte order mark (EF BB BF), which JSON does not have, at byte 0"),
        (b"", "Expecting value at byte 0"),
    ],
)
def test_what_is_no_json_is_told_with_the_byte_at_which_it_is_not(content: bytes, detail: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(content)
    assert (refused.value.reason, refused.value.detail) == (Reason.NOT_JSON, detail)


def outcome(content: bytes, way: object = parse) -> str:
    """The document with its types, or the reason."""
    try:
        return repr(way(content))  # type: ignore[operator]
    except Refused as refused:
        return f"{refused.reason}: {refused.detail}"


@settings(max_examples=300, deadline=None)
@given(pieces=st.lists(_PIECES, max_size=8))
def test_any_pieces_are_parsed_alike(pieces: list[str]) -> None:
    content = "".join(pieces).encode()
    assert outcome(content) == outcome(content, parse_exactly)


@settings(max_examples=300, deadline=None)
@given(members=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(_NUMBERS + _TEXTS) | st.floats().map(repr)), max_size=4))
@example(members=[("a", "1"), ("a", '"b"')])
@example(members=[("a", '"x"'), ("b", "1"), ("b", "2")])
def test_any_objects_are_parsed_alike(members: list[tuple[str, str]]) -> None:
    made = "{" + ",".join(f'"{key}":{value}' for key, value in members) + "}"
    for text in (made, '{"readings":[' + made + "," + made + "]}", '[[{"x":' + made + "}]]"):
        assert outcome(text.encode()) == outcome(text.encode(), parse_exactly)


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=40) | st.floats().map(lambda value: json.dumps([value]).encode()))
def test_any_bytes_are_parsed_alike(content: bytes) -> None:
    assert outcome(content) == outcome(content, parse_exactly)


@pytest.mark.parametrize("number", _NUMBERS)
def test_numbers_are_parsed_alike(number: str) -> None:
    for text in (number, f"[{number}]", f'{{"a":{number}}}'):
        assert outcome(text.encode()) == outcome(text.encode(), parse_exactly)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
def test_the_deepest_that_is_allowed_is_allowed(opening: bytes) -> None:
    closing = {b"[": b"]", b'{"a":': b"}", b'[{"a":': b"}]"}[opening]
    levels = MAX_DEPTH // len(closing)
    assert outcome(opening * levels + b"1" + closing * levels).count("1") == 1
    assert outcome(opening * (levels + 1) + b"1" + closing * (levels + 1)).startswith(Reason.TOO_DEEP)


@pytest.mark.parametrize("depth", [400, 900, 990, 995, 1000, 1100, 5_000, 100_000])
def test_depth_of_any_size_is_a_reason_and_no_error(depth: int) -> None:
    for content in (b"[" * depth + b"]" * depth, b'["\\n",' * depth + b"1" + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth):
        assert outcome(content).startswith(Reason.TOO_DEEP)


def test_a_reason_never_quotes_more_than_a_line() -> None:
    content = b'{"%s": 1, "%s": 2}' % (b"k" * 5_000, b"k" * 5_000)
    assert len(outcome(content)) < 400


def test_a_key_that_stands_twice_among_many_is_found_in_no_time() -> None:
    keys = [f'"{number}":1' for number in range(11_000)]
    begun = time.process_time()
    assert outcome(("{" + ",".join([*keys, keys[-1]]) + "}").encode()) == "duplicate_key: the key '10999' stands twice"
    # Quadratic, this took over a second; as it is, milliseconds.
    assert time.process_time() - begun < 0.5
