"""What a table says, as one short text: equal for the same rows in whatever order, by whichever runs, and for no others.

A row's digest is SHA-256 over its values by their bits: floats exactly, -0.0 as 0.0, every NaN as one value, null apart from
all values. The table's is the sum of its rows' digests, so that order does not count and a doubled row does, under the names
and types of its columns. What tells of the way a row came and not of what it says is left out: run_id, received_at, trace_id.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lake.catalog import open_catalog
from lake.contracts import Contract
from lake.tables import DEVICE_DAILY, Table, features, gold_hourly, silver
from runtime.errors import FleetlakeError
from runtime.platforms import Platform

LEFT_OUT = frozenset({"run_id", "received_at", "trace_id"})
_MODULUS = 1 << 256
_NAN = np.float64(np.nan).view(np.uint64)

Words = NDArray[np.uint64]


@dataclass(frozen=True)
class Fingerprint:
    rows: int
    digest: str

    def __str__(self) -> str:
        return f"{self.digest[:16]} ({self.rows} rows)"


def fingerprinted_tables(contracts: Iterable[Contract]) -> tuple[Table, ...]:
    """Silver and what is derived from it; predictions and ops tell of runs."""
    every = tuple(contracts)
    rollups = (table for c in every if c.is_measurement for table in (gold_hourly(c), features(c)))
    return (*(silver(c) for c in every), *rollups, DEVICE_DAILY)


def fingerprints(platform: Platform, contracts: Iterable[Contract]) -> dict[str, Fingerprint]:
    """The fingerprint of each table as it is now, by name."""
    return {table.name: fingerprint(platform, table) for table in fingerprinted_tables(contracts)}


def fingerprint(platform: Platform, table: Table, snapshot_id: int | None = None) -> Fingerprint:
    """Of an Iceberg table at a snapshot; None: as it is now."""
    reader = open_catalog(platform).load_table(table.name).scan(snapshot_id=snapshot_id).to_arrow_batch_reader()
    return fingerprint_of(reader, reader.schema)


def fingerprint_of(batches: Iterable[pa.RecordBatch], schema: pa.Schema, left_out: Iterable[str] = LEFT_OUT) -> Fingerprint:
    """Of rows in Arrow batches. Raises FleetlakeError for a column of a type that no table of the lake has."""
    names = sorted(set(schema.names) - set(left_out))
    return combined([(name, _kind(schema.field(name).type)) for name in names], [sum_of(batches, names)])


def sum_of(batches: Iterable[pa.RecordBatch], names: Sequence[str]) -> tuple[int, int]:
    """Rows and the sum of their digests over the columns `names`: parts of a table may be summed apart and `combined`."""
    rows = total = 0
    for batch in batches:
        rows += len(batch)
        total = (total + _sum_of_digests(_words(batch, names))) % _MODULUS
    return rows, total


def combined(columns: Sequence[tuple[str, str]], sums: Iterable[tuple[int, int]]) -> Fingerprint:
    """Of `columns`, name and the lake's type, whose rows were summed in parts."""
    parts = list(sums)
    rows, total = sum(part[0] for part in parts), sum(part[1] for part in parts) % _MODULUS
    head = hashlib.sha256(repr(list(columns)).encode())
    head.update(f"{rows} {total:064x}".encode())
    return Fingerprint(rows, head.hexdigest())


def _sum_of_digests(words: Words) -> int:
    content, width = words.tobytes(), words.shape[1] * 8
    return sum(int.from_bytes(hashlib.sha256(content[i : i + width]).digest(), "big") for i in range(0, len(content), width))


def _words(batch: pa.RecordBatch, names: Sequence[str]) -> Words:
    """Rows as 64-bit words: for each column whether it is null, and its bits."""
    columns: list[Words] = []
    for name in names:
        column = batch.column(name)
        is_null = np.asarray(column.is_null()).astype(np.uint64)
        columns.append(is_null)
        columns += [np.where(is_null == 1, np.uint64(0), bits) for bits in _bits(column)]
    return np.ascontiguousarray(np.column_stack(columns)) if columns else np.zeros((len(batch), 1), dtype=np.uint64)


def _bits(column: pa.Array) -> list[Words]:
    """A column's values as words; what stands where it is null does not matter."""
    kind = _kind(column.type)
    if kind in ("string", "binary"):
        return _digested(column)
    if kind == "float64":
        values = np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)
        # Adding 0.0 makes -0.0 into 0.0 and leaves every other bit as it is.
        return [np.where(np.isnan(values), _NAN, (values + 0.0).view(np.uint64))]
    if kind == "timestamp":
        column = column.cast(pa.timestamp("us", tz="UTC"))
    if kind in ("timestamp", "date"):
        column = column.cast(pa.int64() if kind == "timestamp" else pa.int32())
    whole = column.cast(pa.int64()).fill_null(0)
    return [whole.to_numpy(zero_copy_only=False).view(np.uint64)]


def _digested(column: pa.Array) -> list[Words]:
    """Texts by 128 bits of SHA-256, each different text once."""
    encoded = column.dictionary_encode()
    texts = (value.encode() if isinstance(value, str) else value for value in encoded.dictionary.to_pylist())
    digests = b"".join(hashlib.sha256(text).digest()[:16] for text in texts)
    table = np.frombuffer(digests or bytes(16), dtype=np.uint64).reshape(-1, 2)
    places = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False)
    return [table[places, 0], table[places, 1]]


def _kind(kind: pa.DataType) -> str:
    """The lake's word for an Arrow type: readers differ in large and small variants of one."""
    words = {
        "string": pa.types.is_string(kind) or pa.types.is_large_string(kind),
        "binary": pa.types.is_binary(kind) or pa.types.is_large_binary(kind),
        "float64": pa.types.is_float64(kind),
        "int64": pa.types.is_int64(kind) or pa.types.is_int32(kind),
        "bool": pa.types.is_boolean(kind),
        "timestamp": pa.types.is_timestamp(kind),
        "date": pa.types.is_date32(kind),
    }
    found = next((word for word, fits in words.items() if fits), None)
    if found is None:
        raise FleetlakeError(f"fingerprint: a column of type {kind} is none of the lake's types")
    return found
