"""How far readings have come: sent, queued, bronze, quarantined, silver, time series, by contract where a hop knows it.

`HopCounter` is asked again and again by a live table: it remembers the objects and the truth lines it has counted.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from botocore.exceptions import BotoCoreError, ClientError

from lake.contracts import sound_contracts
from lake.history import load
from lake.law_queues import queue_counts
from lake.layout import UNKNOWN_CONTRACT
from lake.query_tables import object_files
from lake.tables import Table, bronze, quarantine, replayed
from runtime.errors import FleetlakeError, ServiceError, SetupError
from runtime.platforms import Platform

HOPS = ("sent", "queued", "bronze", "quarantined", "silver", "time series")


@dataclass(frozen=True)
class Hop:
    """`readings` is None where nobody knows; of the hop "queued" it counts messages. `newest`: when something last came there."""

    name: str
    readings: int | None
    by_contract: dict[str, int]
    newest: datetime | None = None


class HopCounter:
    """Counts the hops of one platform; `truth` are the files that say what was sent."""

    def __init__(self, platform: Platform, truth: Sequence[Path] = ()) -> None:
        self._platform = platform
        self._truth = tuple(truth)
        self.damaged: list[str] = []
        """A sentence for each line of truth that cannot be read; the others count."""
        self._offsets: dict[Path, int] = {}
        self._lines: Counter[Path] = Counter()
        self._messages: dict[str, Counter[str]] = {}
        self._sent: Counter[str] = Counter()
        self._rows: dict[str, int] = {}
        self._ids: dict[str, frozenset[str]] = {}

    def read(self) -> list[Hop]:
        """All hops now, in their order."""
        contracts = sound_contracts(self._platform.settings.contracts_folder)
        known = list(contracts.values())
        refusing = [*(contract.name for contract in known), UNKNOWN_CONTRACT]
        return [
            self._sent_hop(),
            self._queued_hop(),
            self._objects_hop("bronze", [bronze(contract) for contract in known]),
            self._quarantined_hop(refusing),
            self._silver_hop([contract.name for contract in known]),
            self._time_series_hop(list(contracts)),
        ]

    def _sent_hop(self) -> Hop:
        if not self._truth:
            return Hop("sent", None, {})
        for file in self._truth:
            self._follow(file)
        return Hop("sent", self._sent.total(), dict(self._sent))

    def _follow(self, file: Path) -> None:
        """Count the whole lines that were written since the last time."""
        if not file.exists():
            return
        with file.open("rb") as stream:
            stream.seek(self._offsets.get(file, 0))
            content = stream.read()
        whole = content[: content.rfind(b"\n") + 1]
        self._offsets[file] = self._offsets.get(file, 0) + len(whole)
        for text in whole.split(b"\n")[:-1]:
            self._lines[file] += 1
            try:
                self._count(json.loads(text))
            except (ValueError, KeyError, TypeError):
                self.damaged.append(
                    f"truth {file}, line {self._lines[file]}: it is not what the simulator writes, so it counts for nothing"
                )

    def _count(self, line: dict[str, Any]) -> None:
        if line["kind"] == "reading":
            self._messages.setdefault(line["message"], Counter())[line["contract"]] += 1
        elif line["kind"] == "ack":
            carried = self._messages.pop(line["message"], Counter())
            self._sent += carried if line["result"] == "acknowledged" else Counter()

    def _queued_hop(self) -> Hop:
        try:
            counts = queue_counts(self._platform)
        except Exception:  # noqa: BLE001 - whatever keeps the queue from answering, the table shows that nobody knows
            return Hop("queued", None, {})
        return Hop("queued", counts["telemetry"] + counts["errors"], {})

    def _objects_hop(self, name: str, tables: Sequence[Table]) -> Hop:
        counts, newest = {}, 0.0
        for table in tables:
            try:
                files = object_files(self._platform, table)
            except ServiceError:
                # On AWS each object would have to be asked.
                return Hop(name, None, {})
            counts[table.name.partition(".")[2]] = sum(self._rows_of(file) for file in files.values())
            # An object is put once and never changed, so its file's time is the time of the put.
            newest = max([newest, *(Path(file).stat().st_mtime for file in files.values())])
        return Hop(name, sum(counts.values()), _there(counts), datetime.fromtimestamp(newest, UTC) if newest else None)

    def _quarantined_hop(self, names: Sequence[str]) -> Hop:
        """What was replayed since is no longer there, though its rows stay."""
        put = self._objects_hop("quarantined", [quarantine(name) for name in names])
        if put.readings is None:
            return put
        gone = {name: self._replayed_of(name) for name in names}
        counts = {name: max(0, number - gone[name]) for name, number in put.by_contract.items()}
        return Hop(put.name, sum(counts.values()), _there(counts), put.newest)

    def _replayed_of(self, name: str) -> int:
        return len(set().union(*(self._ids_of(file) for file in object_files(self._platform, replayed(name)).values())))

    def _ids_of(self, file: str) -> frozenset[str]:
        """Quarantine ids in a record of replayed rows."""
        if file not in self._ids:
            self._ids[file] = frozenset(pq.read_table(file, columns=["quarantine_id"])["quarantine_id"].to_pylist())
        return self._ids[file]

    def _rows_of(self, file: str) -> int:
        if file not in self._rows:
            self._rows[file] = pq.read_metadata(file).num_rows
        return self._rows[file]

    def _silver_hop(self, contracts: Sequence[str]) -> Hop:
        counts, newest = {}, None
        for name in contracts:
            try:
                table = load(self._platform, f"silver.{name}")
            except (BotoCoreError, ClientError, SetupError):
                return Hop("silver", None, {})
            snapshot = table.current_snapshot() if table else None
            if snapshot and snapshot.summary:
                counts[name] = int(snapshot.summary["total-records"] or 0)
                made = datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC)
                newest = max(newest or made, made)
        return Hop("silver", sum(counts.values()), _there(counts), newest)

    def _time_series_hop(self, contracts: Sequence[str]) -> Hop:
        try:
            counts = {name: self._platform.time_series().count(name) for name in contracts}
        # Who may not read its token, or is outside the network, sees all else.
        except (FleetlakeError, BotoCoreError, ClientError):
            return Hop("time series", None, {})
        return Hop("time series", sum(counts.values()), _there(counts))


def _there(counts: dict[str, int]) -> dict[str, int]:
    return {name: number for name, number in counts.items() if number}


def truth_files(home: Path) -> list[Path]:
    """The truth files of all runs of a home."""
    return sorted((home / "truth").glob("*.jsonl"))
