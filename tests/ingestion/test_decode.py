"""What becomes of messages: each reading one row, or one quarantined row with its reason."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lake.contracts import Contracts
from lake.identity import event_id, event_id_of_content, quarantine_id
from tests.ingestion.builders import BOILER, NOON_MS, contracts_in, decoded, fates, pack, reading, spliced


@pytest.fixture(scope="module")
def contracts(tmp_path_factory: pytest.TempPathFactory) -> Contracts:
    return contracts_in(tmp_path_factory.mktemp("contracts"))


@pytest.mark.parametrize(
    ("payload", "detail"),
    [
        (b'{"boot": "b7", "readings": [{"ts": 1}, NaN]}garbage', "Extra data at byte 44"),
        ('{"boot": "b7", "readings": [{"note": "é😀"}, NaN]} x'.encode(), "Extra data at byte 54"),
        (b'{"boot": b7, "readings": [{"ts": 1}, NaN]}', "Expecting value at byte 9"),
        (b'{"readings": [{"ts": 1}, NaN], "boot": "\xff"}', "byte 40 is not UTF-8"),
        (b'\xef\xbb\xbf{"readings": [{"ts": 1}, NaN]}', "it begins with a byte order mark (EF BB BF), which JSON does not have, at byte 0"),
    ],
)
def test_what_is_wrong_with_a_packs_head_is_told_at_its_place_in_the_message(contracts: Contracts, payload: bytes, detail: str) -> None:
    (row,) = decoded(payload, contracts).quarantined
    assert (row.content, row.index, row.detail) == (payload, None, detail)


def test_a_pack_becomes_a_row_for_each_reading(contracts: Contracts) -> None:
    payload = pack(reading(0, starts=4, burning=True, mode="eco"), reading(1))
    result = decoded(payload, contracts)
    assert fates(result) == ["row", "row"]
    first, at = result.rows[0]
    assert first.values == {"water": 61.5, "starts": 4, "burning": True, "mode": "eco", "note": None, "_extra": None}
    assert (first.boot, first.seq, first.event_time) == ("b7", 0, datetime(2026, 9, 21, 16, 1, tzinfo=UTC))
    assert first.event_id == event_id("b-1", "boiler", NOON_MS, "b7", 0)
    assert (at.device_id, at.client_id, at.principal, at.trace_id) == ("b-1", "b-1", "cert-1", "trace-1")


def test_a_reading_alone_is_a_message_too(contracts: Contracts) -> None:
    result = decoded(json.dumps(reading(3, boot="b7")).encode(), contracts)
    assert [row.event_id for row, _ in result.rows] == [event_id("b-1", "boiler", NOON_MS + 180_000, "b7", 3)]


def test_a_reading_alone_that_is_refused_keeps_its_identity(contracts: Contracts) -> None:
    payload = json.dumps(reading(3, boot="b7", water=500)).encode()
    (row,) = decoded(payload, contracts).quarantined
    assert (row.reason, row.index, row.content) == ("out_of_range", None, payload)
    assert row.event_id == event_id("b-1", "boiler", NOON_MS + 180_000, "b7", 3)


def test_without_boot_or_seq_the_content_is_the_identity(contracts: Contracts) -> None:
    (row,) = decoded(b'{"readings": [{"water": 61.50, "ts": 1790006460000}]}', contracts).rows
    assert row[0].event_id == event_id_of_content("b-1", "boiler", b'{"ts":1790006460000,"water":61.5}')


@pytest.mark.parametrize("text", ["2026-09-21T16:01:00Z", "2026-09-21T18:01:00+02:00", "2026-09-21 16:01:00.0009z"])
def test_times_in_iso_8601_with_a_zone_are_the_same_moment(contracts: Contracts, text: str) -> None:
    (row,) = decoded(pack(reading(0, ts=text)), contracts).rows
    assert row[0].event_id == event_id("b-1", "boiler", NOON_MS, "b7", 0)


# A reading's member, and the reason that it is refused for.
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"water": "61.5"}, "wrong_type"),
    ({"water": True}, "wrong_type"),
    ({"water": [61.5]}, "wrong_type"),
    ({"starts": 4.5}, "wrong_type"),
    ({"starts": 1e30}, "wrong_type"),
    ({"burning": 1}, "wrong_type"),
    ({"note": 5}, "wrong_type"),
    ({"seq": "1"}, "wrong_type"),
    ({"seq": -1}, "wrong_type"),
    ({"boot": 7}, "wrong_type"),
    ({"boot": ""}, "wrong_type"),
    ({"boot": "x" * 65}, "wrong_type"),
    ({"water": None}, "missing"),
    ({"water": ...}, "missing"),
    ({"ts": None}, "missing"),
    ({"ts": ...}, "missing"),
    ({"water": 120.0001}, "out_of_range"),
    ({"water": -1}, "out_of_range"),
    ({"starts": -1}, "out_of_range"),
    ({"mode": "off"}, "out_of_range"),
    ({"note": "sixsix"}, "out_of_range"),
    ({"starts": 2**63}, "number_out_of_range"),
    ({"_extra_number": 10**400}, "number_out_of_range"),
    ({"ts": True}, "bad_time"),
    ({"ts": 1790006460000.5}, "bad_time"),
    ({"ts": "2026-09-21T16:01:00"}, "bad_time"),
    ({"ts": "yesterday"}, "bad_time"),
    ({"ts": "2026-02-30T00:00:00Z"}, "bad_time"),
    ({"ts": "0001-01-01T00:00:00+23:59"}, "bad_time"),
    ({"ts": -253_402_300_799_999}, "bad_time"),
    ({"ts": 0}, "bad_time"),
    ({"ts": 2**62}, "bad_time"),
    ({"ts": NOON_MS + 3_600_000 + 900_001}, "future_time"),
    ({"device_id": "b-2"}, "device_mismatch"),
    ({"device_id": None}, "device_mismatch"),
]


@pytest.mark.parametrize(("members", "reason"), WRONG)
def test_a_wrong_member_costs_its_reading_alone(contracts: Contracts, members: dict[str, Any], reason: str) -> None:
    result = decoded(pack(reading(0), reading(1, **members), reading(2)), contracts)
    assert fates(result) == ["row", reason, "row"]


def test_what_stands_at_the_edge_of_a_range_is_in_it(contracts: Contracts) -> None:
    edges = pack(reading(0, water=0), reading(1, water=120), reading(2, ts=NOON_MS + 3_600_000 + 900_000), reading(3, note="five5"))
    assert fates(decoded(edges, contracts)) == ["row"] * 4


# The bytes of a reading that no JSON writer would write, and the reason that it is refused for.
BROKEN: list[tuple[bytes, str]] = [
    (b'{"ts": 1790006460000, "seq": 1, "water": NaN}', "not_finite"),
    (b'{"ts": 1790006460000, "seq": 1, "water": -Infinity}', "not_finite"),
    (b'{"ts": 1790006460000, "seq": 1, "water": 1e999}', "number_out_of_range"),
    (b'{"ts": 1790006460000, "seq": 1, "water": }', "not_json"),
    (b'{"ts": 1790006460000, "seq": 1, "water": 61.5,}', "not_json"),
    (b"{'ts': 1790006460000}", "not_json"),
    (b'{"ts": 1790006460000, "seq": 1, "water": 1, "water": 61.5}', "duplicate_key"),
    (b'{"ts": 1790006460000, "seq": 1, "water": 61.5, "note": "\xff"}', "not_utf8"),
    (b'{"ts": 1790006460000, "seq": 1, "water": 61.5, "note": "\\ud800"}', "lone_surrogate"),
    (b'{"ts": 1790006460000, "seq": 1, "water": 61.5, "\\udfff": 1}', "lone_surrogate"),
    (b'{"ts": 1790006460000, "seq": 1, "water": 61.5, "x": ' + b"[" * 40 + b"]" * 40 + b"}", "too_deep"),
    (b'{"ts": 1790006460000, "seq": 1, "water": 61.5, "x": ' + b"[" * 20_000 + b"]" * 20_000 + b"}", "too_deep"),
    (b"17", "wrong_type"),
    (b"null", "wrong_type"),
    (b"[]", "wrong_type"),
]


@pytest.mark.parametrize(("content", "reason"), BROKEN)
def test_broken_bytes_cost_their_reading_alone(contracts: Contracts, content: bytes, reason: str) -> None:
    good = json.dumps(reading(0)).encode()
    result = decoded(spliced(good, content, good), contracts)
    assert fates(result) == ["row", reason, "row"]
    (row,) = result.quarantined
    assert (row.content, row.boot, row.index, row.origin) == (content, "b7", 1, "decode")
    assert row.quarantine_id == quarantine_id("dt/fleetlake/b-1/boiler", content, 1)


def test_brackets_and_commas_in_texts_do_not_cut_a_pack(contracts: Contracts) -> None:
    tricky = b'{"ts": 1790006460000, "seq": 0, "water": 1, "why": "},{ \\" ]["}'
    result = decoded(spliced(tricky, b'{"ts": NaN}', tricky), contracts)
    assert fates(result) == ["row", "not_finite", "row"]
    assert json.loads(result.rows[0][0].values["_extra"]) == {"why": '},{ " ]['}


def test_a_member_called_readings_within_a_reading_does_not_cut_a_pack(contracts: Contracts) -> None:
    content = b'{"x": "readings", "y": {"readings": [1, 2]}, "readings": [{"ts": NaN}, {"ts": 1790006460000, "water": 1}]}'
    assert fates(decoded(content, contracts)) == ["not_finite", "row"]


# Messages that cannot be told apart into readings: kept whole.
WHOLE: list[tuple[bytes, str]] = [
    (b"", "not_json"),
    (b"\xff\xfe", "not_utf8"),
    (b"\xef\xbb\xbf{}", "not_json"),
    (b"hello", "not_json"),
    (b"[1, 2]", "bad_pack"),
    (b"{}", "bad_pack"),
    (b'{"boot": "b7"}', "bad_pack"),
    (b'{"boot": "b7", "readings": []}', "bad_pack"),
    (b'{"boot": "b7", "readings": {"ts": 1}}', "bad_pack"),
    (b'{"boot": 7, "readings": [{"ts": 1790006460000, "water": 1}]}', "wrong_type"),
    (b'{"device_id": "b-2", "readings": [{"ts": 1790006460000, "water": 1}]}', "device_mismatch"),
    (b'{"boot": "b7", "readings": [{"ts": 1790006460000, "water": 1}, {"ts": 17', "not_json"),
    (b'{"boot": "b7", "readings": [{"ts": 1790006460000, "water": 1}]} and more', "not_json"),
    (b'{"boot": "a", "boot": "b", "readings": [{"ts": 1790006460000, "water": NaN}]}', "duplicate_key"),
    (b'{"readings": [{"ts": 1790006460000, "water": 1}], "readings": []}', "duplicate_key"),
    (b"[" * 100_000, "too_deep"),
    (b'{"readings": [' + b" " * 102_400 + b"]}", "too_large"),
    (pack(*[reading(i) for i in range(251)]), "too_large"),
    (spliced(*[b"NaN"] * 251), "too_large"),
]


@pytest.mark.parametrize(("payload", "reason"), WHOLE)
def test_a_message_that_cannot_be_split_is_kept_whole(contracts: Contracts, payload: bytes, reason: str) -> None:
    result = decoded(payload, contracts)
    assert result.rows == ()
    (row,) = result.quarantined
    assert (row.reason, row.index, row.content) == (reason, None, payload)
    assert row.quarantine_id == quarantine_id("dt/fleetlake/b-1/boiler", payload, None)


def test_the_largest_pack_is_taken(contracts: Contracts) -> None:
    payload = pack(*[reading(i) for i in range(250)])
    assert fates(decoded(payload, contracts, received_ms=NOON_MS + 86_400_000)) == ["row"] * 250


def test_a_message_for_a_contract_that_is_not_there_is_kept_whole(contracts: Contracts) -> None:
    (row,) = decoded(pack(reading()), contracts, contract="../../etc").quarantined
    assert (row.reason, row.contract, row.index) == ("unknown_contract", "../../etc", None)


def test_unknown_fields_are_kept_as_canonical_json(contracts: Contracts) -> None:
    (row,) = decoded(pack(reading(0, zone={"b": 1, "a": "ü"}, also=None)), contracts).rows
    assert row[0].values["_extra"] == '{"also":null,"zone":{"a":"ü","b":1}}'


def test_a_contract_may_quarantine_unknown_fields(tmp_path: Path) -> None:
    strict = contracts_in(tmp_path, BOILER.replace("cadence_seconds: 60", "cadence_seconds: 60\nunknown_fields: quarantine"))
    result = decoded(pack(reading(0, zone=1), reading(1)), strict)
    assert fates(result) == ["unknown_field", "row"]


def test_a_refused_reading_keeps_its_identity_where_it_has_one(contracts: Contracts) -> None:
    result = decoded(pack(reading(5, water=500), reading(6, ts=...), reading(7, ts="2050-01-01T00:00:00Z")), contracts)
    in_2050 = int(datetime(2050, 1, 1, tzinfo=UTC).timestamp() * 1000)
    expected = [event_id("b-1", "boiler", NOON_MS + 300_000, "b7", 5), None, event_id("b-1", "boiler", in_2050, "b7", 7)]
    assert [row.event_id for row in result.quarantined] == expected


def test_a_readings_spelling_does_not_change_what_it_is(contracts: Contracts) -> None:
    one = decoded(spliced(b'{"ts":1790006460000,"seq":1,"water":61.50}'), contracts).rows[0][0]
    other = decoded(spliced(b'{ "water": 6.15e1, "seq": 1, "ts": 1790006460000 }'), contracts).rows[0][0]
    changed = decoded(spliced(b'{"ts":1790006460000,"seq":1,"water":61.51}'), contracts).rows[0][0]
    assert one == other
    assert (one.event_id == changed.event_id, one == changed) == (True, False)


def test_whole_numbers_beyond_2_to_the_53_stay_exact(contracts: Contracts) -> None:
    rows = decoded(pack(reading(0, starts=2**53), reading(0, starts=2**53 + 1), boot=None), contracts).rows
    assert [row.values["starts"] for row, _ in rows] == [9007199254740992, 9007199254740993]
    assert rows[0][0].event_id != rows[1][0].event_id


def test_a_text_of_many_quotes_takes_no_longer_than_its_length(contracts: Contracts) -> None:
    payload = b'{"readings": ["' + b'\\"' * 50_000
    begun = time.process_time()
    assert fates(decoded(payload, contracts)) == ["not_json"]
    # Quadratic, this was minutes; as it is, milliseconds.
    assert time.process_time() - begun < 2
