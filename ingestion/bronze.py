"""Decoded readings as bronze objects: one Parquet object a contract and batch, named by its content."""

import io
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.rows import BronzeRows, Rows
from lake.layout import bronze_object
from lake.objects import put_once
from runtime.platforms import Platform

_COUNTERS = ("event_time", "received_at", "seq")
_FOUND_BY = ["device_id", "event_time"]
# Each of these is another one: a dictionary of them costs, and finds nothing.
_UNIQUE = {"event_id"}


def put_bronze(platform: Platform, rows: Rows, put_at: datetime) -> tuple[int, int]:
    """Put the rows, an object for each contract; how many objects were new, and how many were there already."""
    objects = bronze_objects(rows, put_at)
    made = sum(put_once(platform, key, parquet_of(found.table)) for key, found in objects.items())
    return made, len(objects) - made


def bronze_objects(rows: Rows, put_at: datetime) -> dict[str, BronzeRows]:
    """The rows of each object that `put_bronze` makes of them, by its key."""
    return {bronze_object(found.contract.name, put_at, found.digest): found for found in rows.bronze()}


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
        # Of what a reader may leave an object out by; of each other column they cost more than they tell.
        write_statistics=_FOUND_BY,
        # Arrow's own schema would call some texts dictionaries; without it each reader sees the declared types.
        store_schema=False,
    )
    return sink.getvalue()
