"""Whatever a device sends: decode does not raise, and each reading is in exactly one place."""

import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.decode import Decoded
from ingestion.envelope import BadEnvelope, Envelope, _read_exactly, read_envelope
from ingestion.split import split_pack
from lake.contracts import Contracts
from lake.identity import event_id
from tests.ingestion.builders import NOON_MS, contracts_in, decoded, pack, reading, spliced

pytestmark = pytest.mark.long

QUICK = settings(max_examples=60, deadline=None)


@pytest.fixture(scope="module")
def contracts(tmp_path_factory: pytest.TempPathFactory) -> Contracts:
    return contracts_in(tmp_path_factory.mktemp("contracts"))


def assert_each_in_one_place(result: Decoded, payload: bytes) -> None:
    """A message is quarantined whole and has no row, or its readings are told apart, and none is there twice."""
    indexes = [row.index for row in result.quarantined]
    if None in indexes:
        assert (len(indexes), result.rows) == (1, ())
        assert result.quarantined[0].content == payload
        return
    assert len(indexes) == len(set(indexes))
    assert all(row.content in payload for row in result.quarantined)
    assert len(result.rows) + len(result.quarantined) > 0


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
_JSON = st.recursive(_SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=5)
_MEMBERS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("ts", "seq", "boot", "device_id", "water", "starts", "burning", "mode", "note", "else"), _JSON),
)


@QUICK
@given(payload=st.binary(max_size=300))
def test_any_bytes(contracts: Contracts, payload: bytes) -> None:
    assert_each_in_one_place(decoded(payload, contracts), payload)


@QUICK
@given(document=_JSON)
def test_any_json(contracts: Contracts, document: Any) -> None:
    payload = json.dumps(document).encode()
    assert_each_in_one_place(decoded(payload, contracts), payload)


@QUICK
@given(members=st.lists(_MEMBERS, min_size=1, max_size=5), head=_MEMBERS)
def test_any_members_of_readings(contracts: Contracts, members: list[dict[str, Any]], head: dict[str, Any]) -> None:
    payload = json.dumps(head | {"readings": [reading(i) | wrong for i, wrong in enumerate(members)]}).encode()
    result = decoded(payload, contracts)
    assert_each_in_one_place(result, payload)
    if result.quarantined == () or result.quarantined[0].index is not None:
        assert len(result.rows) + len(result.quarantined) == len(members)


@QUICK
@given(seed=st.integers(0, 2**32))
def test_any_damage_to_the_bytes_of_a_pack(contracts: Contracts, seed: int) -> None:
    rng = random.Random(seed)
    payload = bytearray(pack(*[reading(i, note="a,b", zone={"x": [1, 2]}) for i in range(4)]))
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(payload))
        if rng.random() < 0.5:
            payload[at] = rng.randrange(256) if rng.random() < 0.3 else rng.choice(b'{}[]",:\\0')
        else:
            del payload[at : at + rng.randint(1, 8)]
    assert_each_in_one_place(decoded(bytes(payload), contracts), bytes(payload))


_GOOD = object()
_BAD_BYTES = [
    b"{",
    b"NaN",
    b'{"ts": 1,}',
    b'{"ts": NaN}',
    b"{}",
    b"17",
    b'"}, {"',
    b'{"x": "],"}',
    b'{"a": 1, "a": 2}',
    b'{"ts": "\xff"}',
    b"]]",
]


@QUICK
@given(kinds=st.lists(st.sampled_from([_GOOD, *_BAD_BYTES]), min_size=1, max_size=8))
def test_good_readings_among_broken_ones(contracts: Contracts, kinds: list[Any]) -> None:
    contents = [json.dumps(reading(i)).encode() if kind is _GOOD else kind for i, kind in enumerate(kinds)]
    payload = spliced(*contents)
    result = decoded(payload, contracts)
    assert_each_in_one_place(result, payload)
    # Where brackets within a broken reading do not match, the pack cannot be split and is kept whole.
    if not {b"{", b"]]"} & set(kinds):
        good = [event_id("b-1", "boiler", NOON_MS + i * 60_000, "b7", i) for i, kind in enumerate(kinds) if kind is _GOOD]
        assert Counter(row.event_id for row, _ in result.rows) == Counter(good)
        bad = {i: content for i, content in enumerate(contents) if kinds[i] is not _GOOD}
        assert {row.index: row.content for row in result.quarantined} == bad


@QUICK
@given(
    head=st.dictionaries(st.text(max_size=5).filter(lambda key: key != "readings"), _JSON, max_size=3),
    tail=st.dictionaries(st.text(max_size=5).filter(lambda key: key != "readings"), _JSON, max_size=3),
    readings=st.lists(_JSON, max_size=6),
    indent=st.sampled_from([None, 1]),
)
def test_a_pack_is_cut_where_a_json_parser_sees_its_readings(
    head: dict[str, Any], tail: dict[str, Any], readings: list[Any], indent: int | None
) -> None:
    payload = json.dumps(head | {"readings": readings} | {k: v for k, v in tail.items() if k not in head}, indent=indent).encode()
    split = split_pack(payload)
    assert split is not None
    assert [json.dumps(json.loads(part)) for part in split.readings] == [json.dumps(item) for item in readings]
    assert json.loads(split.head)["readings"] == []


@QUICK
@given(body=st.text() | st.builds(json.dumps, _JSON) | st.builds(json.dumps, st.fixed_dictionaries({}, optional={
    name: _JSON | st.text() for name in ("payload", "device_id", "contract", "received_at", "principal", "client_id", "trace_id")
})))  # fmt: skip
def test_any_text_in_the_queue_is_an_envelope_or_a_bad_one(body: str) -> None:
    try:
        envelope = read_envelope(body, "dt/fleetlake")
    except BadEnvelope:
        return
    # What is taken can be stored.
    assert envelope.topic.encode() == f"dt/fleetlake/{envelope.device_id}/{envelope.contract}".encode()


_SPELT = st.sampled_from(
    ['"QQ=="', '"QQ"', '"QR=="', '"Q Q=="', '""', '"="', '"QQ==QUJD"', '"a/b"', '"é"', '"\\u0041"', '"\\ud800"', "1790006460000", "1790006460000.5",
     "-1", "1e400", "NaN", "null", "true", "[]", '"dt/fleetlake/b-1/boiler"', '"dt/fleetlake/b-1/"', '"dt/fleetlake/b-1/a/b"', '"b-1"']
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    members=st.lists(
        st.tuples(st.sampled_from(["payload", "device_id", "contract", "received_at", "topic", "trace_id", "x"]), _SPELT), max_size=3
    )
)
def test_envelopes_are_read_alike_the_quick_way_and_the_exact_way(members: list[tuple[str, str]]) -> None:
    base = {"payload": '"QUJD"', "device_id": '"b-1"', "contract": '"boiler"', "received_at": "1790006460000"}
    body = "{" + ",".join(f'"{key}":{value}' for key, value in [*base.items(), *members]) + "}"
    assert _outcome(body, read_envelope) == _outcome(body, _read_exactly)


def _outcome(body: str, way: Callable[[str, str], Envelope]) -> str:
    try:
        return repr(way(body, "dt/fleetlake"))
    except BadEnvelope as bad:
        return f"bad: {bad}"
