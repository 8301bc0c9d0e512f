"""What a replay put into bronze and quarantine: its readings arrived once before, so they count for no rate and no lag.

Files on this machine alone are asked, as the status does.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import pyarrow.parquet as pq

from lake.layout import UNKNOWN_CONTRACT, IngestPartition, ingest_partition
from lake.query_tables import object_files
from lake.tables import replayed
from runtime.platforms import Platform


@dataclass(frozen=True)
class ReplayedObjects:
    """By the notes of replays. `readings`: event ids that a replay put into bronze, by contract and hour of the put; `refused`: ids of rows
    that it quarantined again."""

    readings: Mapping[IngestPartition, frozenset[str]]
    refused: frozenset[str]

    def holds(self, key: str, file: str) -> bool:
        """Whether a replay put this bronze object, whose readings it then all names. Only of an hour with a replay the object is read."""
        partition = ingest_partition(key)
        named = self.readings.get(partition, frozenset()) if partition else frozenset()
        return bool(named) and named.issuperset(_column(file, "event_id"))

    def first_refusals(self, file: str) -> int:
        """Rows of a quarantine object that came from a queue's message."""
        if not self.refused:
            return int(pq.read_metadata(file).num_rows)
        return sum(identity not in self.refused for identity in _column(file, "quarantine_id"))


def replayed_objects(platform: Platform, contracts: Iterable[str]) -> ReplayedObjects:
    """Raises ServiceError where the lake's objects are not on this machine."""
    readings: dict[IngestPartition, set[str]] = {}
    refused: set[str] = set()
    for name in (*contracts, UNKNOWN_CONTRACT):
        for file in object_files(platform, replayed(name)).values():
            for contract, at, event_id, refused_id in _notes(file):
                if event_id is not None:
                    readings.setdefault(IngestPartition(contract, _hour(at)), set()).add(event_id)
                if refused_id is not None:
                    refused.add(refused_id)
    return ReplayedObjects({partition: frozenset(ids) for partition, ids in readings.items()}, frozenset(refused))


def _notes(file: str) -> Iterable[tuple[str, datetime, str | None, str | None]]:
    names = ["contract", "replayed_at", "event_id", "refused_id"]
    table = pq.read_table(file, columns=names)
    return zip(*(table[name].to_pylist() for name in names), strict=True)


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _column(file: str, name: str) -> list[str]:
    return list(pq.read_table(file, columns=[name])[name].to_pylist())
