"""What a body may hide is found before any router sees it."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.body import BODY_BYTES, DEPTH, check_json
from services.problems import Invalid

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(_JSON)
def test_any_json_of_usual_depth_passes_however_it_is_written(document: Any) -> None:
    check_json(json.dumps(document).encode())
    with contextlib.suppress(UnicodeEncodeError):
        check_json(json.dumps(document, ensure_ascii=False).encode())


@given(st.text(), st.text(), _JSON)
def test_a_key_that_stands_twice_is_found_at_any_place_and_in_any_spelling(key: str, other: str, value: Any) -> None:
    spelled, member = json.dumps(key), json.dumps(value)
    escaped = '"' + "".join(f"\\u{unit:04x}" for unit in _units(key)) + '"'
    for twice in (f"{{{spelled}: {member}, {spelled}: 1}}", f"{{{spelled}: 1, {escaped}: {member}}}"):
        for place in (twice, f"[{member}, {twice}]", f"{{{json.dumps(other + 'x')}: {twice}}}"):
            with pytest.raises(Invalid, match=r"twice in one object"):
                check_json(place.encode())


def _units(text: str) -> list[int]:
    """UTF-16, as JSON's escapes have it."""
    raw = text.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)]


def test_the_same_key_in_two_objects_is_none() -> None:
    check_json(b'[{"a": {"a": 1}}, {"a": "a"}]')


@pytest.mark.parametrize(
    "content",
    [b"{", b"NaN", b'{"a": Infinity}', b"[1e999]", b"\xff", b'{"a": 01}', b"{'a': 1}", b"\xef\xbb\xbf{}", b'["\\ud800"]', b"[1,]"],
)
def test_what_is_no_json_is_refused_with_aws_code(content: bytes) -> None:
    with pytest.raises(Invalid) as refusal:
        check_json(content)
    assert (refusal.value.status, refusal.value.code) == (400, "SerializationException")


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_depth_counts_and_a_bomb_costs_nothing(opening: bytes) -> None:
    closing = b"]" if opening == b"[" else b"}"
    check_json(opening * DEPTH + b"1" + closing * DEPTH)
    for depth in (DEPTH + 1, BODY_BYTES // len(opening + closing)):
        with pytest.raises(Invalid, match=r"nested more than|no JSON"):
            check_json(opening * depth + b"1" + closing * depth)
