"""Pumps by the thousand, as rows of bronze and of silver: what the benchmarks of tables are filled with."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from ingestion.bronze import parquet_of
from lake.contracts import load_contracts
from lake.identity import event_id
from lake.layout import bronze_object
from lake.objects import put_once
from lake.schemas import arrow_schema
from lake.tables import Table, bronze, silver
from runtime.platforms import Platform
from runtime.settings import REPOSITORY

CONTRACT = load_contracts(REPOSITORY / "contracts")["pump"]
START = datetime(2026, 1, 1, tzinfo=UTC)
CADENCE = 300
A_DAY = 86_400 // CADENCE
# Readings that the worker's objects have by its own settings.
_AN_OBJECT = 50_000
_MODES = ("auto", "manual", "off")


def bronze_day(day: int, devices: int) -> pa.Table:
    """Bronze rows of a day, by device and time."""
    count = devices * A_DAY
    device, slot = np.divmod(np.arange(count), A_DAY)
    names, seqs = [f"pump-{number:03d}" for number in range(devices)], slot + day * A_DAY
    rng = np.random.default_rng(day)
    millis = int(START.timestamp()) * 1000 + seqs * CADENCE * 1000
    ids = [event_id(names[d], CONTRACT.name, int(at), "b1", int(seq)) for d, at, seq in zip(device, millis, seqs, strict=True)]
    columns = {
        "event_id": pa.array(ids),
        "device_id": pa.array([names[d] for d in device]),
        **_moments(millis),
        "boot": pa.array(["b1"] * count),
        "seq": pa.array(seqs),
        **_state(count, rng),
    }
    columns |= {field.name: pa.array(np.round(rng.uniform(2, 8, count), 3)) for field in CONTRACT.numbers}
    return _table(bronze(CONTRACT), columns, count)


def put(platform: Platform, at: datetime, name: str, tables: Sequence[pa.Table]) -> int:
    """Each table as objects of the worker's size, put `at`; how many readings. `name` tells them from those of other calls."""
    objects = [table.slice(begin, _AN_OBJECT) for table in tables for begin in range(0, len(table), _AN_OBJECT)]
    for place, rows in enumerate(objects):
        digest = hashlib.sha256(f"{name} {place}".encode()).hexdigest()
        put_once(platform, bronze_object(CONTRACT.name, at, digest), parquet_of(rows))
    return sum(len(table) for table in tables)


def silver_rows(devices: int, slots: range, run: str, rng: np.random.Generator) -> pa.Table:
    """Silver rows of the cadences `slots` since START, by device and time as the job writes them."""
    count = devices * len(slots)
    device, place = np.divmod(np.arange(count), len(slots))
    seqs = slots.start + place
    names = pa.array([f"pump-{number:04d}" for number in range(devices)])
    columns = {
        # As unlike each other as a digest's digits.
        "event_id": pa.array((rng.integers(0, 2**62, count)).astype(str)),
        "device_id": pa.DictionaryArray.from_arrays(pa.array(device.astype(np.int32)), names).cast(pa.string()),
        **_moments(int(START.timestamp()) * 1000 + seqs * CADENCE * 1000),
        "boot": pa.array(["b1"] * count),
        "seq": pa.array(seqs),
        "run_id": pa.array([run] * count),
        **_state(count, rng),
    }
    level = np.repeat(rng.uniform(2, 8, devices), len(slots))
    columns |= {field.name: pa.array(np.round(level + rng.normal(0, 0.2, count), 2)) for field in CONTRACT.numbers}
    return _table(silver(CONTRACT), columns, count)


def _moments(millis: "np.ndarray") -> dict[str, pa.Array]:
    at = pa.array(millis * 1000).cast(pa.timestamp("us", tz="UTC"))
    return {"event_time": at, "received_at": at}


def _state(count: int, rng: np.random.Generator) -> dict[str, pa.Array]:
    running = pa.array(rng.random(count) < 0.9)
    modes = pa.DictionaryArray.from_arrays(pa.array(rng.integers(0, len(_MODES), count).astype(np.int32)), pa.array(_MODES))
    return {"is_running": running, "mode": modes}


def _table(declared: Table, columns: dict[str, pa.Array], count: int) -> pa.Table:
    schema = arrow_schema(declared)
    return pa.table([columns.get(f.name, pa.nulls(count, f.type)).cast(f.type) for f in schema], schema=schema)
