"""Bronze objects as files: encodings, types and names."""

import io
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ingestion.bronze import parquet_of
from ingestion.decode_fast import decode_into
from ingestion.rows import Rows
from lake.contracts import Contracts
from lake.schemas import arrow_schema
from lake.tables import bronze
from tests.ingestion.builders import FUTURE_SECONDS, contracts_in, envelope, pack, reading


@pytest.fixture
def contracts(tmp_path: Path) -> Contracts:
    return contracts_in(tmp_path)


def object_of(contracts: Contracts) -> pq.ParquetFile:
    rows = Rows(contracts)
    whole = pack(*[reading(i, starts=i, mode="eco") for i in reversed(range(40))], boot="b7")
    decode_into(rows, envelope(whole), FUTURE_SECONDS)
    decode_into(rows, envelope(pack(*[reading(i, burning=True) for i in range(3)], boot=None), device_id="a-1"), FUTURE_SECONDS)
    (found,) = rows.bronze()
    return pq.ParquetFile(io.BytesIO(parquet_of(found.table)))


def test_an_object_has_the_declared_columns(contracts: Contracts) -> None:
    assert object_of(contracts).schema_arrow.equals(arrow_schema(bronze(contracts["boiler"])))


def test_times_and_counts_are_delta_encoded_and_texts_have_dictionaries(contracts: Contracts) -> None:
    group = object_of(contracts).metadata.row_group(0)
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    for name in ("event_time", "received_at", "seq"):
        assert "DELTA_BINARY_PACKED" in columns[name].encodings
    for name in ("device_id", "topic", "mode"):
        assert "RLE_DICTIONARY" in columns[name].encodings
    assert {column.compression for column in columns.values()} == {"ZSTD"}


def test_rows_are_sorted_by_device_and_time(contracts: Contracts) -> None:
    rows = object_of(contracts).read().to_pylist()
    assert [(row["device_id"], row["event_time"]) for row in rows] == sorted((row["device_id"], row["event_time"]) for row in rows)
    assert [row["device_id"] for row in rows] == ["a-1"] * 3 + ["b-1"] * 40


def test_absent_values_are_null(contracts: Contracts) -> None:
    first, *_ = object_of(contracts).read().to_pylist()
    assert {name: first[name] for name in ("boot", "starts", "mode", "_extra")} == {
        "boot": None,
        "starts": None,
        "mode": None,
        "_extra": None,
    }
    assert (first["burning"], first["water"], first["seq"]) == (True, 61.5, 0)
