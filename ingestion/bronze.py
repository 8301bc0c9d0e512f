"""Decoded readings as bronze objects: one Parquet object a contract and batch, named by its content."""

import io
from collections.abc import Mapping
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.rows import Rows
from lake.contracts import Contract
from lake.layout import bronze_object
from lake.objects import put_once
from runtime.platforms import Platform

_COUNTERS = ("event_time", "received_at", "seq")
# Each of these is another one: a dictionary of them costs, and finds nothing.
_UNIQUE = {"event_id"}


def put_bronze(platform: Platform, rows: Rows, contracts: Mapping[str, Contract], put_at: datetime) -> tuple[int, int]:
    """Put the rows, an object for each contract; how many objects were new, and how many were there already."""
    made = groups = 0
    for of_contract in rows.bronze():
        groups += 1
        made += put_once(platform, bronze_object(of_contract.contract.name, put_at, of_contract.digest), parquet_of(of_contract.table))
    return made, groups - made


def parquet_of(table: pa.Table) -> bytes:
    """Delta encoding for counters and times, dictionaries for what repeats, zstd 1."""
    repeating = [name for name in table.column_names if name not in {*_COUNTERS, *_UNIQUE} and not pa.types.is_boolean(table[name].type)]
    sink = io.BytesIO()
    pq.write_table(
        table,
        sink,
        compression="zstd",
        compression_level=1,
        use_dictionary=repeating,
        column_encoding=dict.fromkeys(_COUNTERS, "DELTA_BINARY_PACKED"),
    )
    return sink.getvalue()
