"""Decoded readings as bronze objects: one Parquet object a contract and batch, named by its content."""

import io
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.envelope import Envelope
from ingestion.validate import Reading
from lake.contracts import Contract
from lake.identity import object_digest
from lake.layout import bronze_object
from lake.objects import put_once
from lake.schemas import arrow_schema
from lake.tables import bronze
from runtime.platforms import Platform

Row = tuple[Reading, Envelope]


def put_bronze(platform: Platform, rows: Iterable[Row], contracts: Mapping[str, Contract], put_at: datetime) -> tuple[int, int]:
    """Put the rows, an object for each contract; how many objects were new, and how many were there already."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[1].contract].append(row)
    made = 0
    for name, members in groups.items():
        digest = object_digest((reading.event_id, reading.digest) for reading, _ in members)
        made += put_once(platform, bronze_object(name, put_at, digest), parquet_of(contracts[name], members))
    return made, len(groups) - made


def parquet_of(contract: Contract, rows: Iterable[Row]) -> bytes:
    """Sorted by device and time; delta encoding for counters and times, dictionaries for texts, zstd 1."""
    ordered = sorted(rows, key=lambda row: (row[1].device_id, row[0].event_time, row[0].event_id))
    frame = pa.Table.from_pylist([_columns(*row) for row in ordered], schema=arrow_schema(bronze(contract)))
    texts = [field.name for field in frame.schema if pa.types.is_string(field.type)]
    sink = io.BytesIO()
    pq.write_table(
        frame,
        sink,
        compression="zstd",
        compression_level=1,
        use_dictionary=texts,
        column_encoding={"event_time": "DELTA_BINARY_PACKED", "received_at": "DELTA_BINARY_PACKED", "seq": "DELTA_BINARY_PACKED"},
    )
    return sink.getvalue()


def _columns(reading: Reading, envelope: Envelope) -> dict[str, Any]:
    return {
        "event_id": reading.event_id,
        "device_id": envelope.device_id,
        "event_time": reading.event_time,
        "boot": reading.boot,
        "seq": reading.seq,
        "received_at": envelope.received_at,
        "trace_id": envelope.trace_id,
        "principal": envelope.principal,
        "client_id": envelope.client_id,
        "topic": envelope.topic,
        **reading.values,
    }
