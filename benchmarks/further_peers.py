"""More ways to the same table, with the interface of `decode_peers`: polars, and pandas written as awswrangler writes it.

Like the peers there they keep nothing of what they refuse.
"""

import io
from collections.abc import Callable
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.decode_peers import with_pandas
from lake.contracts import Contract
from lake.identity import event_id

_KINDS: dict[str, Any] = {"float64": pl.Float64, "int64": pl.Int64, "bool": pl.Boolean, "string": pl.String}


def with_polars(bodies: list[str], contract: Contract) -> pa.Table:
    """Its own JSON by a schema, checks by column. One message that does not fit fails
    the whole column, and is sought by halving."""
    envelopes = pl.Series("body", bodies).str.json_decode(pl.Struct({"payload": pl.String, "device_id": pl.String})).struct.unnest()
    told = envelopes.with_columns(pl.col("payload").str.decode("base64").cast(pl.String))
    shape = pl.Struct({"ts": pl.Int64, "seq": pl.Int64} | {field.name: _KINDS[field.type] for field in contract.fields})
    packs = pl.Struct({"boot": pl.String, "readings": pl.List(shape)})
    frame = pl.concat(_decoded(told, packs))
    rows = frame.select("device_id", pl.col("pack").struct.unnest()).explode("readings").unnest("readings")
    good = [pl.col(f.name).is_between(f.min, f.max).fill_null(not f.required) for f in contract.numbers]
    good += [pl.col(f.name).is_in(list(f.enum)) for f in contract.strings if f.enum]
    kept = rows.filter(pl.all_horizontal(good)).rename({"ts": "event_time"})
    names = kept.select("device_id", "event_time", "boot", "seq").iter_rows()
    return kept.with_columns(pl.Series("event_id", [event_id(d, contract.name, t, b, s) for d, t, b, s in names])).to_arrow()


def _decoded(told: pl.DataFrame, packs: pl.Struct) -> list[pl.DataFrame]:
    """Halved where a message does not fit, until that one stands alone and is left out."""
    try:
        return [told.with_columns(pl.col("payload").str.json_decode(packs).alias("pack"))]
    except pl.exceptions.ComputeError:
        middle = len(told) // 2
        return [*_decoded(told[:middle], packs), *_decoded(told[middle:], packs)] if middle else []


def with_awswrangler_style(bodies: list[str], contract: Contract) -> pa.Table:
    """What ``wr.s3.to_parquet(frame, dataset=True, partition_cols=["event_date"])`` does of a pandas frame: a table and a snappy
    object for each partition. The benchmark writes the table once more, as it does for each peer."""
    frame = with_pandas(bodies, contract).to_pandas()
    frame["event_date"] = pd.to_datetime(frame["event_time"], unit="ms", utc=True).dt.strftime("%Y-%m-%d")
    for _, part in frame.groupby("event_date", observed=True):
        table = pa.Table.from_pandas(part.drop(columns="event_date"), preserve_index=False)
        pq.write_table(table, io.BytesIO(), compression="snappy", coerce_timestamps="ms", flavor="spark")
    return pa.Table.from_pandas(frame.drop(columns="event_date"), preserve_index=False)


FURTHER: dict[str, Callable[[list[str], Contract], pa.Table]] = {
    "polars": with_polars,
    "awswrangler-style": with_awswrangler_style,
}
