"""A device taken out of the objects of the bucket: bronze, quarantine and the notes of what was replayed.

An object is never changed: what is left of it is put under the name of its new content, and the old one deleted. Of bronze the
ledger is told first, so that at no moment a run takes what is put for something new, or a plan reads what is gone:

    ledger: new in place of old  →  put new  →  the note of a missed projection  →  delete old

Killed anywhere between, the next erasure does the same again, to the same names.
"""

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from hashlib import sha256

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.bronze_file import parquet_of
from lake.contracts import Contract
from lake.erased_device import Device, claimed_device
from lake.layout import (
    bronze_object,
    bronze_prefix,
    ingest_partition,
    missed_note,
    quarantine_object,
    quarantine_partition,
    quarantine_root,
    replayed_contract,
    replayed_day,
    replayed_object,
    replayed_root,
)
from lake.missed import forget_missed, note_missed
from lake.object_name import object_digest
from lake.objects import list_keys, put_once, remove_object
from lake.publications import Replacement, note_replaced
from runtime.platforms import Platform

Boundary = Callable[[str], None]


@dataclass
class Gone:
    """Objects rewritten or removed, and rows that went with them."""

    objects: int = 0
    rows: int = 0
    left: int = 0
    identities: set[str] = field(default_factory=set)


def holds_in_bronze(platform: Platform, contract: Contract, device: Device) -> bool:
    return any(_rows_of(platform, key, device) for key in _bronze_keys(platform, contract))


def erase_bronze(platform: Platform, contract: Contract, device: Device, boundary: Boundary) -> Gone:
    gone = Gone()
    for key in _bronze_keys(platform, contract):
        if not _rows_of(platform, key, device):
            continue
        table = _read(platform, key)
        rest = table.filter(pc.not_equal(table["device_id"], device.id))
        new = _replace_bronze(platform, contract, key, rest, boundary)
        gone.objects += 1
        gone.rows += len(table) - len(rest)
        gone.left += len(rest)
        boundary(f"bronze:{new}")
    return gone


def _replace_bronze(platform: Platform, contract: Contract, key: str, rest: pa.Table, boundary: Boundary) -> str:
    partition = ingest_partition(key)
    assert partition is not None
    names = [name for name in ("event_id", *(f.name for f in contract.fields), "_extra") if name in rest.column_names]
    new = bronze_object(contract.name, partition.hour, object_digest(rest, names)) if len(rest) else key
    times = pc.min_max(rest["event_time"]).as_py()
    note_replaced(platform, contract.name, Replacement(key, new, len(rest), times["min"], times["max"]))
    boundary("noted")
    if len(rest):
        put_once(platform, new, parquet_of(rest))
        boundary("put")
        if next(iter(list_keys(platform, missed_note(key))), None):
            note_missed(platform, new)
    forget_missed(platform, key)
    remove_object(platform, key)
    return new


def refused_of(platform: Platform, device: Device) -> dict[str, pa.Table]:
    """The objects of quarantine that have rows of the device, by key, with all of their rows."""
    keys = [key for key in list_keys(platform, quarantine_root()) if quarantine_partition(key)]
    tables = ((key, _read(platform, key)) for key in keys)
    return {key: table for key, table in tables if pc.any(_is_of(table, device)).as_py()}


def refused_rows(platform: Platform, device: Device) -> int:
    """How many quarantined rows an erasure of the device would take."""
    return sum(pc.sum(_is_of(table, device)).as_py() for table in refused_of(platform, device).values())


def erase_refused(platform: Platform, device: Device) -> tuple[Gone, Gone]:
    """Quarantined rows of the device or said to be of it, whichever contract's, and before them the notes of their replays."""
    found = refused_of(platform, device)
    ids = {row for table in found.values() for row in table.filter(_is_of(table, device))["quarantine_id"].to_pylist()}
    notes = _erase_notes(platform, device, ids)
    refused = Gone(identities=ids)
    for key, table in found.items():
        partition = quarantine_partition(key)
        assert partition is not None
        rest = table.filter(pc.invert(_is_of(table, device)))
        if len(rest):
            digest = sha256("\n".join(sorted(set(rest["quarantine_id"].to_pylist()))).encode()).hexdigest()
            put_once(
                platform,
                quarantine_object(partition.contract, datetime.combine(partition.day, time.min, UTC), partition.reason, digest),
                _parquet(rest),
            )
        remove_object(platform, key)
        refused.objects += 1
        refused.rows += len(table) - len(rest)
        refused.left += len(rest)
    return refused, notes


def _erase_notes(platform: Platform, device: Device, ids: Iterable[str]) -> Gone:
    gone, wanted = Gone(), pa.array(sorted(ids), pa.string())
    for key in list_keys(platform, replayed_root()):
        day, contract = replayed_day(key), replayed_contract(key)
        if day is None or contract is None:
            continue
        table = _read(platform, key)
        is_of = pc.or_(pc.is_in(table["quarantine_id"].combine_chunks().cast(pa.string()), value_set=wanted), _is_of(table, device))
        rest = table.filter(pc.invert(is_of))
        if len(rest) == len(table):
            continue
        if len(rest):
            names = sorted(f"{row['quarantine_id']} {row['event_id'] or row['refused_id']}" for row in rest.to_pylist())
            put_once(
                platform,
                replayed_object(contract, datetime.combine(day, time.min, UTC), sha256("\n".join(names).encode()).hexdigest()),
                _parquet(rest),
            )
        remove_object(platform, key)
        gone.objects += 1
        gone.rows += len(table) - len(rest)
        gone.left += len(rest)
    return gone


def _is_of(table: pa.Table, device: Device) -> pa.BooleanArray:
    """Of each refused row, or note of a replay, whether it is the device's. A note knows no topic: its row of quarantine does."""
    rows = table.select([name for name in ("device_id", "client_id", "bytes") if name in table.column_names]).to_pylist()
    if "device_id" not in table.column_names:
        return pa.array([claimed_device(row["bytes"]) == device.id for row in rows], pa.bool_())
    return pa.array([row["client_id"] == device.id or device.sent(row["device_id"], row["bytes"]) for row in rows], pa.bool_())


def _bronze_keys(platform: Platform, contract: Contract) -> list[str]:
    return [key for key in list_keys(platform, bronze_prefix(contract.name)) if ingest_partition(key)]


def _rows_of(platform: Platform, key: str, device: Device) -> int:
    """Rows of the device in a bronze object; only the one column is decoded."""
    column = pq.ParquetFile(pa.BufferReader(_body(platform, key)), pre_buffer=False).read(["device_id"], use_threads=False)["device_id"]
    return int(pc.sum(pc.equal(column, device.id)).as_py() or 0)


def _read(platform: Platform, key: str) -> pa.Table:
    return pq.ParquetFile(pa.BufferReader(_body(platform, key)), pre_buffer=False).read(use_threads=False)


def _body(platform: Platform, key: str) -> bytes:
    return bytes(platform.client("s3").get_object(Bucket=platform.lake_bucket, Key=key)["Body"].read())


def _parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()
