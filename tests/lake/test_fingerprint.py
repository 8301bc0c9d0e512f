"""A fingerprint is the same for the same rows in any order, and another for any other rows."""

import math
import struct
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.contracts import Contract
from lake.fingerprint import Fingerprint, fingerprint_of, fingerprinted_tables
from runtime.errors import FleetlakeError

SCHEMA = pa.schema(
    [
        ("device_id", pa.string()),
        ("count", pa.int64()),
        ("value", pa.float64()),
        ("is_on", pa.bool_()),
        ("at", pa.timestamp("us", tz="UTC")),
        ("day", pa.date32()),
        ("content", pa.binary()),
        ("run_id", pa.string()),
    ]
)
ROW: dict[str, Any] = {
    "device_id": "p1",
    "count": 3,
    "value": 1.5,
    "is_on": True,
    "at": datetime(2026, 3, 2, 12, tzinfo=UTC),
    "day": date(2026, 3, 2),
    "content": b"\x00\xff",
    "run_id": "r.1",
}


def of(*rows: dict[str, Any], schema: pa.Schema = SCHEMA, size: int = 1000) -> Fingerprint:
    return fingerprint_of(pa.Table.from_pylist(list(rows), schema=schema).to_batches(max_chunksize=size), schema)


def row(**changes: Any) -> dict[str, Any]:
    return ROW | changes


def test_the_order_of_rows_and_their_batches_do_not_count() -> None:
    rows = [row(count=n, device_id=f"p{n % 3}") for n in range(20)]
    assert of(*rows) == of(*reversed(rows)) == of(*rows, size=3)


def test_the_order_of_columns_does_not_count() -> None:
    assert of(row(), schema=SCHEMA) == of(row(), schema=pa.schema(list(reversed(list(SCHEMA)))))


@pytest.mark.parametrize(
    "changes",
    [
        {"device_id": "p2"},
        {"count": 4},
        {"value": math.nextafter(1.5, 2)},
        {"value": math.inf},
        {"is_on": False},
        {"at": datetime(2026, 3, 2, 12, 0, 0, 1, tzinfo=UTC)},
        {"day": date(2026, 3, 3)},
        {"content": b"\x00\xfe"},
        *({name: None} for name in SCHEMA.names if name != "run_id"),
    ],
)
def test_any_change_of_a_value_is_another_fingerprint(changes: dict[str, Any]) -> None:
    assert of(row(**changes)) != of(row())


def test_a_doubled_row_counts() -> None:
    assert of(row(), row()) != of(row())


def test_two_equal_rows_do_not_cancel_out_against_two_others() -> None:
    assert of(row(count=1), row(count=1)) != of(row(count=2), row(count=2))


def test_values_that_moved_from_one_row_to_another_count() -> None:
    assert of(row(device_id="a", count=1), row(device_id="b", count=2)) != of(row(device_id="a", count=2), row(device_id="b", count=1))


def test_null_is_neither_zero_nor_empty_nor_not_a_number() -> None:
    for name, zero in (("count", 0), ("value", 0.0), ("value", math.nan), ("is_on", False), ("device_id", ""), ("content", b"")):
        assert of(row(**{name: None})) != of(row(**{name: zero}))


def test_minus_zero_is_zero_and_every_nan_is_one_value() -> None:
    other_nan = struct.unpack("<d", struct.pack("<Q", 0xFFF8000000000123))[0]
    assert of(row(value=-0.0)) == of(row(value=0.0))
    assert of(row(value=other_nan)) == of(row(value=math.nan))


def test_runs_and_moments_of_arrival_are_left_out() -> None:
    assert of(row(run_id="r.1")) == of(row(run_id="other.7"))


def test_two_columns_with_each_others_values_are_not_the_same() -> None:
    schema = pa.schema([("a", pa.int64()), ("b", pa.int64())])
    assert of({"a": 1, "b": 2}, schema=schema) != of({"a": 2, "b": 1}, schema=schema)


def test_an_empty_table_has_a_fingerprint_that_depends_on_its_columns() -> None:
    assert of().rows == 0
    assert of() != of(schema=pa.schema([("other", pa.int64())]))


def test_large_and_small_arrow_texts_are_the_same() -> None:
    assert of({"a": "x"}, schema=pa.schema([("a", pa.string())])) == of({"a": "x"}, schema=pa.schema([("a", pa.large_string())]))


def test_a_column_of_a_foreign_type_is_refused_by_name() -> None:
    with pytest.raises(FleetlakeError, match="list<"):
        of({"a": [1]}, schema=pa.schema([("a", pa.list_(pa.int64()))]))


@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from([None, 0.0, 1.5, 2.5])), max_size=6).flatmap(
        lambda rows: st.tuples(
            st.just(rows), st.permutations(rows), st.lists(st.tuples(st.integers(0, 2), st.sampled_from([None, 0.0, 1.5, 2.5])), max_size=6)
        )
    )
)
def test_equal_exactly_when_the_rows_are_the_same_multiset(three: tuple[list[Any], list[Any], list[Any]]) -> None:
    rows, shuffled, others = ([row(count=count, value=value) for count, value in part] for part in three)
    assert of(*rows) == of(*shuffled)
    assert (of(*rows) == of(*others)) == (sorted(map(repr, rows)) == sorted(map(repr, others)))


def test_silver_and_what_is_derived_from_it_is_fingerprinted() -> None:
    pump = Contract("pump", 1, "measurement", "", ())
    note = Contract("note", 1, "event", "", ())
    names = [table.name for table in fingerprinted_tables([pump, note])]
    assert names == ["silver.pump", "silver.note", "gold.pump_hourly", "features.pump", "gold.device_daily"]
