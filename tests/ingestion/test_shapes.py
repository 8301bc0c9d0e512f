"""Shapes are learnt from what devices send; by each of them a message gives what the reference gives, and not at the reference's price."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.decode_fast import decode_into
from ingestion.rows import Rows
from ingestion.runs import _is_one
from ingestion.split import split_pack
from ingestion.typed_reading import TypedContract, typed_contract
from lake.contracts import Contracts
from tests.ingestion.builders import FUTURE_SECONDS, contracts_in, envelope, pack, reading
from tests.ingestion.test_decode_fast import assert_alike


@pytest.fixture(scope="module")
def contracts(tmp_path_factory: pytest.TempPathFactory) -> Contracts:
    return contracts_in(tmp_path_factory.mktemp("contracts"))


@pytest.fixture
def types(contracts: Contracts) -> TypedContract:
    """Of which nothing has been learnt yet."""
    typed_contract.cache_clear()
    return typed_contract(contracts["boiler"])


def escaped(*readings: dict[str, Any]) -> bytes:
    return json.dumps({"boot": "b7", "readings": list(readings)}).encode()


LAWFUL = {
    "optional fields absent": pack(reading(0), reading(1)),
    "an optional field null": pack(reading(0, starts=None), reading(1, starts=None, mode=None)),
    "all fields": pack(reading(0, starts=1, burning=True, mode="eco", note="a")),
    "unknown fields": pack(reading(0, firmware="1.2", load=31.0), reading(1, firmware="1.2", load=31), reading(2, load=True)),
    "times in text": pack(reading(0, ts="2026-09-21T16:01:00Z"), reading(1, ts="2026-09-21 18:02:00,5+02:00")),
    "text beyond ASCII": pack(reading(0, note="größe"), reading(1, note="水")),
    "text with escapes": escaped(reading(0, note='"\\'), reading(1, note="ä\n"), reading(2, note="\U0001f600")),
    "no boot": pack(reading(0), reading(1, water=31), boot=None),
    "no seq": pack(reading(0, seq=...), reading(1, seq=..., water=1e-7)),
    "its own boot and device": pack(reading(0, boot="b8", device_id="b-1"), reading(1, boot="b8", device_id="b-1")),
    "one reading": json.dumps(reading(0, boot="b7")).encode(),
    "one reading with unknown fields": json.dumps(reading(0, boot="b7", firmware="ü")).encode(),
}


@pytest.mark.parametrize("payload", LAWFUL.values(), ids=LAWFUL.keys())
def test_what_is_lawful_is_taken_by_types_once_it_has_been_seen(contracts: Contracts, types: TypedContract, payload: bytes) -> None:
    assert_alike(contracts, payload)
    assert_alike(contracts, payload)
    rows = Rows(contracts)
    decode_into(rows, envelope(payload), FUTURE_SECONDS)
    (group,) = rows._groups.values()
    assert group.readings == []


def test_shapes_are_learnt_up_to_a_number(contracts: Contracts, types: TypedContract) -> None:
    for count in range(40):
        assert_alike(contracts, pack(reading(0, **{f"else{count}": 1})))
    # Eight learnt ones, and the open one.
    assert len(types.shapes) == 9


def test_a_refused_reading_teaches_nothing(contracts: Contracts, types: TypedContract) -> None:
    assert_alike(contracts, pack(reading(0, water=500, firmware="1")))
    assert types.shapes == [types.open]


@pytest.mark.parametrize("value", [2**53, 1e15, "\ud800", [1], {"a": 1, "b": [None]}, float("nan")])
def test_what_types_cannot_keep_of_an_unknown_field(contracts: Contracts, types: TypedContract, value: Any) -> None:
    for members in ({"load": 1}, {"load": value}, {"load": 1}):
        assert_alike(contracts, escaped(reading(0, **members), reading(1, load=2)))


_TEXTS = st.sampled_from(["a", "ä", '"', "\\", "},{", "a.0,", "\U0001f600", "123456", '"}', "\ud800", ""])
_ELSE: st.SearchStrategy[Any] = _TEXTS | st.sampled_from([0, -1, 31.0, 1e-7, True, None, 2**53, 1e15, [], {}, {"a": "}"}])
_MEMBERS = st.fixed_dictionaries(
    {"water": st.floats(-1, 121) | st.integers(0, 120)},
    optional={
        "ts": st.sampled_from(["2026-09-21T16:01:00Z", "2026-09-21T16:01:00.1239999+00:00", "2026-09-21", "2050-01-01T00:00:00Z", 1.5]),
        "seq": st.sampled_from([0, 7, None, -1]),
        "boot": st.sampled_from(["b8", None, ""]),
        "device_id": st.sampled_from(["b-1", "b-2"]),
        "starts": st.sampled_from([0, 5, None, 2.0]),
        "mode": st.sampled_from(["eco", "off", None]),
        "note": _TEXTS | st.none(),
        "load": _ELSE,
        "build": _ELSE,
    },
)


@settings(max_examples=150, deadline=None)
@given(
    packs=st.lists(
        st.tuples(st.lists(_MEMBERS, min_size=1, max_size=4), st.booleans(), st.sampled_from(["b7", None])), min_size=2, max_size=5
    )
)
def test_whatever_was_learnt_before(contracts: Contracts, packs: list[tuple[list[dict[str, Any]], bool, str | None]]) -> None:
    typed_contract.cache_clear()
    for readings, is_ascii, boot in packs + packs[:1]:
        head = {} if boot is None else {"boot": boot}
        document = head | {"readings": [reading(i) | members for i, members in enumerate(readings)]}
        assert_alike(contracts, json.dumps(document, ensure_ascii=is_ascii).encode(errors="surrogatepass"))


@settings(max_examples=300, deadline=None)
@given(part=st.lists(st.sampled_from([b"{", b"}", b'"', b"\\", b"[", b"]", b",", b"a", b" ", b":"]), max_size=8).map(b"".join))
def test_what_is_one_object_by_its_brackets_is_one_for_the_reference(part: bytes) -> None:
    for content in (part, b"{" + part + b"}"):
        if _is_one(content):
            split = split_pack(b'{"readings":[' + content + b"]}")
            assert split is not None
            assert (split.head, split.readings) == (b'{"readings":[]}', (content,))


def test_a_long_pack_with_a_bad_reading_anywhere(contracts: Contracts, tmp_path: Path) -> None:
    good = [json.dumps(reading(i, note="a"), separators=(",", ":")).encode() for i in range(130)]
    for bad in (b'{"ts":NaN}', b'{"ts":1,}', b"17", good[5].replace(b'"a"', b'"a},{b"'), good[5].replace(b'"seq"', b'"ts":1,"seq"')):
        for place in (0, 1, 63, 64, 65, 128, 129):
            contents = [*good[:place], bad, *good[place + 1 :]]
            assert_alike(contracts, b'{"boot":"b7","readings":[' + b",".join(contents) + b"]}")
