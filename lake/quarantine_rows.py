"""What lies in quarantine, read back: row by row for a person and for replay, with what was replayed since."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import date, datetime
from hashlib import sha256
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lake.layout import (
    UNKNOWN_CONTRACT,
    QuarantinePartition,
    quarantine_partition,
    quarantine_prefix,
    quarantine_root,
    replayed_object,
    replayed_prefix,
)
from lake.objects import list_keys, put_once
from lake.quarantine import Quarantined
from lake.reasons import Reason
from lake.schemas import arrow_schema
from lake.tables import replayed
from runtime.errors import UserError
from runtime.platforms import Platform


@dataclass(frozen=True)
class Selection:
    """Rows of quarantine, each condition where it is given. `day` is the day on which they were put."""

    contract: str | None = None
    reason: Reason | None = None
    day: date | None = None

    def takes(self, partition: QuarantinePartition) -> bool:
        # What no contract was known for lies together, whatever contract its topic named.
        is_of_contract = self.contract is None or partition.contract in (self.contract, UNKNOWN_CONTRACT)
        is_of_reason = self.reason is None or partition.reason == self.reason
        return is_of_contract and is_of_reason and (self.day is None or partition.day == self.day)


@dataclass(frozen=True)
class Stored:
    """A quarantined row and where it lies."""

    partition: QuarantinePartition
    row: Quarantined


@dataclass(frozen=True)
class Part:
    """A reading of a replayed row: gone to bronze under its `event_id`, or refused again as the row `refused_id`."""

    row: Stored
    content: bytes
    contract_version: int
    event_id: str | None = None
    refused_id: str | None = None


def quarantine_objects(platform: Platform, selection: Selection) -> list[tuple[str, QuarantinePartition]]:
    """Keys of the objects that may hold selected rows, by their partitions' order."""
    of_contract = [quarantine_prefix(name) for name in (selection.contract, UNKNOWN_CONTRACT) if name and selection.contract]
    found = ((key, quarantine_partition(key)) for prefix in of_contract or [quarantine_root()] for key in list_keys(platform, prefix))
    taken = [(key, partition) for key, partition in found if partition is not None and selection.takes(partition)]
    return sorted(taken, key=lambda pair: (pair[1], pair[0]))


def read_rows(platform: Platform, selection: Selection) -> Iterator[Stored]:
    """The selected rows; one that was put twice comes twice."""
    for key, partition in quarantine_objects(platform, selection):
        for row in rows_of(platform, key):
            if selection.contract is None or row.contract == selection.contract:
                yield Stored(partition, row)


def rows_of(platform: Platform, key: str) -> Iterator[Quarantined]:
    names = {field.name for field in fields(Quarantined)}
    for row in _table(platform, key).to_pylist():
        known: dict[str, Any] = {name: value for name, value in row.items() if name in names}
        yield Quarantined(**known | {"content": row["bytes"], "reason": Reason(row["reason"])})


def replayed_ids(platform: Platform, contract: str) -> set[str]:
    """Quarantine ids of the rows of ``quarantine.{contract}`` that were replayed."""
    keys = [key for key in list_keys(platform, replayed_prefix(contract)) if key.endswith(".parquet")]
    return {identity for key in keys for identity in _table(platform, key, ["quarantine_id"])["quarantine_id"].to_pylist()}


def put_replayed(platform: Platform, parts: Iterable[Part], replayed_at: datetime) -> int:
    """Note that rows were replayed, an object for each contract; how many objects were new. Call it when all their parts are put."""
    groups: dict[str, list[Part]] = {}
    for part in parts:
        groups.setdefault(part.row.partition.contract, []).append(part)
    made = 0
    for contract, members in groups.items():
        names = sorted(f"{part.row.row.quarantine_id} {part.event_id or part.refused_id}" for part in members)
        key = replayed_object(contract, replayed_at, sha256("\n".join(names).encode()).hexdigest())
        made += put_once(platform, key, _parquet(contract, members, replayed_at))
    return made


def _parquet(contract: str, parts: Iterable[Part], replayed_at: datetime) -> bytes:
    rows = [
        {
            "quarantine_id": part.row.row.quarantine_id,
            "contract": part.row.row.contract,
            "reason": part.row.row.reason.value,
            "event_id": part.event_id,
            "refused_id": part.refused_id,
            "bytes": part.content,
            "contract_version": part.contract_version,
            "replayed_at": replayed_at,
        }
        for part in parts
    ]
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=arrow_schema(replayed(contract))), sink, compression="zstd")
    return sink.getvalue()


def _table(platform: Platform, key: str, columns: list[str] | None = None) -> pa.Table:
    body = platform.client("s3").get_object(Bucket=platform.lake_bucket, Key=key)["Body"].read()
    try:
        # In this thread alone: one of Arrow's that still holds Python's file when the interpreter ends aborts the process.
        return pq.ParquetFile(pa.BufferReader(body), pre_buffer=False).read(columns, use_threads=False)
    except (pa.ArrowException, OSError) as error:
        # What it held is lost to whoever goes on without it: a person decides.
        raise UserError(
            f"object {key} in {platform.lake_bucket}: cannot be read as Parquet: {str(error).splitlines()[0]}; "
            "bring back an earlier version of it, or move it out of quarantine/"
        ) from None
