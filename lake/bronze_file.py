"""How a bronze object is written, whoever writes it: the worker a new one, the erasure of a device what is left of one."""

import io

import pyarrow as pa
import pyarrow.parquet as pq

_COUNTERS = ("event_time", "received_at", "seq")
_FOUND_BY = ["device_id", "event_time"]
# Each of these is another one: a dictionary of them costs, and finds nothing.
_UNIQUE = {"event_id"}


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
