"""The same work by other means: from the queue's text to a Parquet object, each as its own users would write it.

None of them keeps what it refuses or its reason, and a message that does not parse is left out whole: on dirt they do less work.
"""

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import duckdb
import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from lake.contracts import Contract
from lake.identity import event_id
from lake.schemas import ARROW


def packs(bodies: list[str]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Envelope and pack; what is no JSON is left out."""
    for body in bodies:
        envelope = orjson.loads(body)
        try:
            yield envelope, orjson.loads(base64.b64decode(envelope["payload"]))
        except orjson.JSONDecodeError:
            continue


def with_orjson(bodies: list[str], contract: Contract) -> pa.Table:
    """The loop that most pipelines have: parse, look at each field, collect dicts, name each reading, make a table."""
    kinds = {"float64": (float, int), "int64": (int,), "bool": (bool,), "string": (str,)}
    checks: list[tuple[Any, ...]] = [(f.name, kinds[f.type], f.required, f.min, f.max, set(f.enum)) for f in contract.fields]
    rows = []
    for envelope, pack in packs(bodies):
        device, boot = envelope["device_id"], pack["boot"]
        for reading in pack["readings"]:
            row = {
                "device_id": device,
                "boot": boot,
                "event_time": reading["ts"],
                "seq": reading["seq"],
                "received_at": envelope["received_at"],
            }
            for name, kind, required, least, most, enum in checks:
                value = reading.get(name)
                if value is None:
                    if required:
                        break
                elif (
                    not isinstance(value, kind)
                    or (least is not None and value < least)
                    or (most is not None and value > most)
                    or (enum and value not in enum)
                ):
                    break
                row[name] = value
            else:
                row["event_id"] = event_id(device, contract.name, reading["ts"], boot, reading["seq"])
                rows.append(row)
    return pa.Table.from_pylist(rows, schema=_schema(contract))


def with_pandas(bodies: list[str], contract: Contract) -> pa.Table:
    """Checks by column; this is how awswrangler is fed too, whose write is this frame's to_parquet."""
    found = [
        {"device_id": e["device_id"], "boot": p["boot"], "received_at": e["received_at"], **r}
        for e, p in packs(bodies)
        for r in p["readings"]
    ]
    frame = pd.DataFrame.from_records(found)
    good = pd.Series(True, index=frame.index)
    for field in contract.numbers:
        values = pd.to_numeric(frame[field.name], errors="coerce")
        good &= values.between(-np.inf if field.min is None else field.min, np.inf if field.max is None else field.max)
        frame[field.name] = values
    for field in contract.strings:
        good &= frame[field.name].isin(field.enum)
    kept = frame[good].rename(columns={"ts": "event_time"})
    kept["event_id"] = [
        event_id(d, contract.name, t, b, s) for d, t, b, s in zip(kept.device_id, kept.event_time, kept.boot, kept.seq, strict=True)
    ]
    return pa.Table.from_pandas(kept, preserve_index=False)


def with_pydantic(bodies: list[str], contract: Contract) -> pa.Table:
    types: dict[str, Any] = {"float64": float, "int64": int, "bool": bool, "string": str}
    fields: dict[str, Any] = {
        f.name: (types[f.type] if f.required else types[f.type] | None, Field(... if f.required else None, ge=f.min, le=f.max))
        for f in contract.fields
    }
    model: type[BaseModel] = create_model("Reading", __config__=ConfigDict(strict=True), ts=(int, ...), seq=(int, ...), **fields)
    rows = []
    for envelope, pack in packs(bodies):
        device, boot = envelope["device_id"], pack["boot"]
        for reading in pack["readings"]:
            try:
                row = model.model_validate(reading).model_dump()
            except ValidationError:
                continue
            row |= {"device_id": device, "boot": boot, "received_at": envelope["received_at"], "event_time": row.pop("ts")}
            row["event_id"] = event_id(device, contract.name, row["event_time"], boot, row["seq"])
            rows.append(row)
    return pa.Table.from_pylist(rows, schema=_schema(contract))


def with_duckdb(bodies: list[str], contract: Contract) -> pa.Table:
    """Its own JSON functions and its own casts, which take the text "12.1" for a number. No identity: its hash would be another."""
    texts = pa.table({"body": bodies})
    kinds = {"float64": "DOUBLE", "int64": "BIGINT", "bool": "BOOLEAN", "string": "VARCHAR"}
    shape = json.dumps({"ts": "BIGINT", "seq": "BIGINT"} | {f.name: kinds[f.type] for f in contract.fields})
    where = " AND ".join(
        [f"r.{f.name} >= {f.min}" for f in contract.numbers if f.min is not None and f.required]
        + [f"r.{f.name} <= {f.max}" for f in contract.numbers if f.max is not None and f.required]
        + [f"coalesce(r.{f.name} BETWEEN {f.min} AND {f.max}, true)" for f in contract.numbers if not f.required]
    )
    columns = ", ".join(f"r.{f.name} AS {f.name}" for f in contract.fields)
    query = f"""
        WITH told AS (SELECT body->>'device_id' AS device_id, CAST(from_base64(body->>'payload') AS VARCHAR) AS pack FROM texts),
        sound AS (SELECT device_id, pack FROM told WHERE json_valid(pack)),
        each_one AS (SELECT device_id, pack->>'boot' AS boot, unnest(from_json(pack->'readings', '[{shape}]')) AS r FROM sound)
        SELECT device_id, boot, r.ts AS event_time, r.seq AS seq, {columns} FROM each_one WHERE {where}"""  # noqa: S608 - names and bounds of a contract in the repository
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("texts", texts)
        return connection.sql(query).to_arrow_table()


def size_of(table: pa.Table) -> int:
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", compression_level=1)
    return sink.tell()


def _schema(contract: Contract) -> pa.Schema:
    own = {"event_id": "string", "device_id": "string", "boot": "string", "event_time": "int64", "seq": "int64", "received_at": "int64"}
    return pa.schema([(name, ARROW[kind]) for name, kind in (own | {f.name: f.type for f in contract.fields}).items()])
