"""The fast way gives exactly what the reference gives: rows with their identities, the object's name, and what is quarantined."""

import hashlib
import json
import random
import struct
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.decode_fast import decode_into
from ingestion.envelope import Envelope
from ingestion.rows import Rows
from ingestion.validate import Reading
from lake.contracts import Contracts
from tests.ingestion.builders import BOILER, FUTURE_SECONDS, contracts_in, decoded, envelope, pack, reading, spliced
from tests.ingestion.test_decode import BROKEN, WHOLE, WRONG

MANY = settings(max_examples=200, deadline=None)


@pytest.fixture(scope="module")
def contracts(tmp_path_factory: pytest.TempPathFactory) -> Contracts:
    return contracts_in(tmp_path_factory.mktemp("contracts"))


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Contracts:
    text = BOILER.replace("cadence_seconds: 60", "cadence_seconds: 60\nunknown_fields: quarantine")
    return contracts_in(tmp_path_factory.mktemp("closed"), text)


def by_reference(contracts: Contracts, payload: bytes) -> tuple[list[dict[str, Any]], str, list[Any]]:
    """Rows of bronze as they must be, sorted, and the object's digest."""
    result = decoded(payload, contracts)
    rows = [_row(found, given) for found, given in result.rows]
    rows.sort(key=lambda row: (row["device_id"], row["event_time"], row["event_id"]))
    return rows, _name(contracts, rows), list(result.quarantined)


def _name(contracts: Contracts, rows: list[dict[str, Any]]) -> str:
    """An object's name as docs/adr/0012 says it, by hand."""
    told = hashlib.sha256()
    kinds = {"event_id": "string", **{f.name: f.type for f in contracts["boiler"].fields}, "_extra": "string"}
    for name, kind in kinds.items():
        values = [row[name] for row in rows]
        arrow = {"float64": "double"}.get(kind, kind)
        told.update(f"{name}\x1f{arrow}\x1f{len(rows)}\n".encode() + bytes(value is not None for value in values))
        if kind == "string":
            texts = [(value or "").encode() for value in values]
            told.update(b"".join(len(text).to_bytes(8, "little") for text in texts) + b"".join(texts))
        else:
            told.update(
                struct.pack(
                    f"<{len(rows)}" + {"float64": "d", "int64": "q", "bool": "?"}[kind],
                    *(0 if value is None else value for value in values),
                )
            )
    return told.hexdigest()


def _row(found: Reading, given: Envelope) -> dict[str, Any]:
    own = {name: getattr(found, name) for name in ("event_id", "event_time", "boot", "seq")}
    return own | {n: getattr(given, n) for n in ("device_id", "received_at", "trace_id", "principal", "client_id", "topic")} | found.values


def by_the_fast_way(contracts: Contracts, payload: bytes) -> tuple[list[dict[str, Any]], str, list[Any]]:
    rows = Rows(contracts)
    bad = decode_into(rows, envelope(payload), FUTURE_SECONDS)
    found = list(rows.bronze())
    assert len(found) <= 1
    table, digest = (found[0].table.to_pylist(), found[0].digest) if found else ([], _name(contracts, []))
    assert len(rows) == len(table)
    return table, digest, bad


def assert_alike(contracts: Contracts, payload: bytes) -> None:
    expected, found = by_reference(contracts, payload), by_the_fast_way(contracts, payload)
    assert [_exactly(row) for row in found[0]] == [_exactly(row) for row in expected[0]]
    assert found[1:] == expected[1:]


def _exactly(row: dict[str, Any]) -> list[tuple[str, str]]:
    """By repr: 0.0 is not -0.0, and 1 not 1.0."""
    return sorted((name, repr(v.astimezone(UTC) if isinstance(v, datetime) else v)) for name, v in row.items())


@pytest.mark.parametrize(("members", "reason"), WRONG)
def test_a_wrong_member(contracts: Contracts, members: dict[str, Any], reason: str) -> None:
    payload = pack(reading(0), reading(1, **members), reading(2))
    assert_alike(contracts, payload)
    assert [row.reason for row in by_the_fast_way(contracts, payload)[2]] == [reason]
    assert_alike(contracts, pack(reading(1, **members)))


@pytest.mark.parametrize(("content", "reason"), BROKEN)
def test_broken_bytes(contracts: Contracts, content: bytes, reason: str) -> None:
    good = json.dumps(reading(0)).encode()
    for payload in (spliced(good, content, good), spliced(content), spliced(content, content, good), content):
        assert_alike(contracts, payload)


@pytest.mark.parametrize(("content", "reason"), WHOLE)
def test_messages_that_cannot_be_told_apart(contracts: Contracts, content: bytes, reason: str) -> None:
    assert_alike(contracts, content)


# Values as a device may spell them, of all types and at every edge.
_VALUES = [
    "0", "-0", "-0.0", "-0e5", "0.0", "31.0", "31", "1e2", "1E-7", "0.00001", "0.000001", "1e-5", "9.999e-6", "1e400", "1e-400", "5e-324",
    "1e15", "999999999999999.9", "1e14", "9007199254740991", "9007199254740992", "9007199254740993", "9223372036854775808", "0.1", "61.50",
    "123456789012345678901234567890", "18446744073709551616", "119.99999999999999", "120", "120.00000000000001", "01", "1.", ".5", "NaN",
    "null", "true", "false", '"eco"', '"a.0,b"', '".0}"', '""', '"\\u0041"', '"é"', '"\x7f"', '"\x01"', '"\xff"', '"a/b"', '"<&>"', '"},{"',
    "[]", "{}", '[{"a":1},{"b":2}]', '"2026-09-21T16:01:00Z"', "1790006460000", "1790006460000.0", "1790010960001", '"b-1"', '"b-2"', '"b7"',
]  # fmt: skip
_NAMES = ["ts", "seq", "boot", "device_id", "water", "starts", "burning", "mode", "note", "readings", "else"]
_MEMBERS = st.lists(st.tuples(st.sampled_from(_NAMES), st.sampled_from(_VALUES)), max_size=4)
_GAPS = st.sampled_from(["", " ", "\n", "\x0b", "  "])
_FLOATS = st.floats(0, 120).map(repr) | st.floats(0, 1e-4).map(repr) | st.integers(0, 120).map(lambda i: f"{i}.0")


def _spelt(base: dict[str, str], members: list[tuple[str, str]], gap: str) -> str:
    """A reading with `members` in place of, or where `gap` is two spaces after, what the base has."""
    kept = list(base.items()) if gap == "  " else [(k, v) for k, v in base.items() if k not in dict(members)]
    return "{" + ",".join(f'{gap}"{key}":{gap}{value}' for key, value in [*kept, *members]) + gap + "}"


@MANY
@given(readings=st.lists(st.tuples(_MEMBERS, _GAPS, _FLOATS), min_size=1, max_size=5), head=_MEMBERS, gap=_GAPS)
def test_any_spelling_of_any_members(
    contracts: Contracts, closed: Contracts, readings: list[Any], head: list[tuple[str, str]], gap: str
) -> None:
    texts = [_spelt({"ts": f"{1790006460000 + i % 2}", "seq": str(i), "water": water}, m, g) for i, (m, g, water) in enumerate(readings)]
    opening = "".join(f'"{key}":{value},' for key, value in head if key != "readings")
    for text in (
        "{" + opening + '"readings":[' + f"{gap},{gap}".join(texts) + "]}",
        '{"boot":"b7","readings":[' + ",".join(texts) + "]}",
        texts[0],
    ):
        for known in (contracts, closed):
            assert_alike(known, text.encode("latin-1") if "\xff" in text else text.encode())


@MANY
@given(seed=st.integers(0, 2**32))
def test_any_damage_to_the_bytes_of_a_pack(contracts: Contracts, seed: int) -> None:
    rng = random.Random(seed)
    payload = bytearray(pack(*[reading(i, note="a,b", starts=i) for i in range(6)]))
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(payload))
        if rng.random() < 0.5:
            payload[at] = rng.randrange(256) if rng.random() < 0.3 else rng.choice(b'{}[]",:\\0')
        else:
            del payload[at : at + rng.randint(1, 8)]
    assert_alike(contracts, bytes(payload))


def test_of_rows_with_one_identity_the_first_that_came_stays_first(contracts: Contracts) -> None:
    rows = Rows(contracts)
    for water in (1, 2, 3):
        # The second goes by the reference: its contract does not know `else`.
        extra: dict[str, Any] = {"else": 1} if water == 2 else {}
        decode_into(rows, envelope(pack(reading(0, water=water, **extra))), FUTURE_SECONDS)
    (found,) = rows.bronze()
    assert found.table["water"].to_pylist() == [1.0, 2.0, 3.0]


def test_points_have_the_measures_of_each_reading(contracts: Contracts) -> None:
    rows = Rows(contracts)
    decode_into(rows, envelope(pack(reading(0, starts=4, mode="eco"), reading(1, zone=1))), FUTURE_SECONDS)
    first, second = rows.points()
    assert {k: v for k, v in first.measures.items() if v is not None} == {"water": 61.5, "starts": 4, "mode": "eco"}
    assert {k: v for k, v in second.measures.items() if v is not None} == {"water": 61.5}
    assert (first.series, first.device_id, first.time.isoformat()) == ("boiler", "b-1", "2026-09-21T16:01:00+00:00")


def test_a_field_may_be_called_as_a_keyword_is(tmp_path: Path) -> None:
    named = contracts_in(tmp_path, BOILER.replace("note:", "class:"))
    assert_alike(named, pack(reading(0, **{"class": "x"})))
