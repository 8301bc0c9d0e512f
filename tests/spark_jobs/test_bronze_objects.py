"""A bronze object as the worker writes it, read by Spark and by DuckDB: each value that was sent, whatever its encoding and its page."""

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pyspark.sql import SparkSession

from ingestion.bronze import parquet_of
from ingestion.decode_fast import decode_into
from ingestion.envelope import Envelope
from ingestion.rows import Rows
from lake.contracts import Contracts, load_contracts

pytestmark = pytest.mark.spark
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RECEIVED = datetime(2026, 10, 1, 12, 0, 0, 250_000, tzinfo=UTC)
_START_MS = 1_790_000_000_000
_PACK, _PACKS = 250, 120
_COLUMNS = (
    "device_id", "event_time", "boot", "seq", "received_at", "trace_id", "principal", "topic",
    "water", "steam", "count", "burning", "mode", "_extra",
)  # fmt: skip
_CONTRACT = """
contract: kettle
version: 1
kind: measurement
description: All types, and all that may be absent.
cadence_seconds: 60
fields:
  water: {type: float64, unit: degC, required: true}
  steam: {type: float64, unit: bar}
  count: {type: int64, unit: "1"}
  burning: {type: bool}
  mode: {type: string, max_length: 20}
"""


@pytest.fixture
def contracts(tmp_path: Path) -> Contracts:
    (tmp_path / "kettle.yaml").write_text(_CONTRACT)
    return load_contracts(tmp_path)


def reading(rng: random.Random, seq: int) -> dict[str, Any]:
    """With a double of all its digits, the ends of what is exact, texts beyond ASCII, and what is absent or null."""
    sent: dict[str, Any] = {"ts": _START_MS + seq * 60_000 + rng.randrange(1000), "seq": seq, "water": rng.gauss(60, 5)}
    if seq % 3:
        sent["steam"] = round(rng.gauss(4, 1), 2) if seq % 5 else rng.choice([0.0, -0.5, 1e14, 1e-300])
    if seq % 4:
        sent["count"] = rng.choice([0, 1, -1, 2**53 - 1, -(2**53) + 1, rng.randrange(1000)])
    sent["burning"] = rng.choice([True, False, None])
    sent["mode"] = rng.choice(["eco", "voll", "größer", None])
    if seq % 7 == 0:
        sent["firmware"] = f"v{seq % 3}"
    return sent


def sent_by(rng: random.Random, number: int) -> tuple[Envelope, list[dict[str, Any]]]:
    device, begin = f"kettle-{number % 10}", number // 10 * _PACK
    readings = [reading(rng, seq) for seq in range(begin, begin + _PACK)]
    payload = json.dumps({"boot": "b7", "readings": readings}, ensure_ascii=False).encode()
    topic = f"dt/fleetlake/{device}/kettle"
    return Envelope(payload, device, "kettle", topic, _RECEIVED, None if number % 3 else "certificate", device, f"trace-{number}"), readings


def row(envelope: Envelope, sent: dict[str, Any]) -> tuple[Any, ...]:
    extra = f'{{"firmware":"{sent["firmware"]}"}}' if "firmware" in sent else None
    own = (envelope.device_id, _EPOCH + timedelta(milliseconds=sent["ts"]), "b7", sent["seq"], _RECEIVED)
    fields = (sent.get(name) for name in ("water", "steam", "count", "burning", "mode"))
    return (*own, envelope.trace_id, envelope.principal, envelope.topic, *fields, extra)


def test_spark_and_duckdb_read_each_value_as_it_was_sent(spark_session: SparkSession, contracts: Contracts, tmp_path: Path) -> None:
    rng, rows, sent = random.Random(5), Rows(contracts), []
    for number in range(_PACKS):
        envelope, readings = sent_by(rng, number)
        assert decode_into(rows, envelope, 900) == []
        sent += [row(envelope, one) for one in readings]
    (found,) = rows.bronze()
    file = tmp_path / "object.parquet"
    file.write_bytes(parquet_of(found.table))
    sent.sort(key=lambda one: (one[0], one[3]))
    names = ", ".join(f'"{name}"' for name in _COLUMNS)
    with duckdb.connect() as database:
        database.execute("set timezone = 'UTC'")
        read = database.sql(f"select {names} from read_parquet('{file}') order by device_id, seq").to_arrow_table()
    assert list(zip(*read.to_pydict().values(), strict=True)) == sent
    spark = spark_session.read.parquet(file.as_uri()).select(*_COLUMNS).orderBy("device_id", "seq").toArrow()
    assert list(zip(*spark.to_pydict().values(), strict=True)) == sent
