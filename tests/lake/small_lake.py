"""A small lake made with PyIceberg and plain files alone, no Spark and no cloud: what a test of queries reads."""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lake import layout
from lake.catalog import append_rows, ensure_table, open_catalog
from lake.contracts import Contract, load_contracts
from lake.identity import event_id, quarantine_id
from lake.publications import State, note
from lake.schemas import arrow_schema
from lake.tables import LEDGER, Table, bronze, quarantine, replayed, silver
from runtime.clock import FixedClock
from runtime.local import LocalPlatform
from runtime.settings import Settings

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CONTRACT = """
contract: boiler
version: 1
kind: measurement
description: Boilers.
cadence_seconds: 60
fields:
  water: {type: float64, unit: degC, min: 0, max: 120, required: true}
  starts: {type: int64, unit: "1"}
  burning: {type: bool}
  mode: {type: string, enum: [eco, full]}
"""


def moment(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


class SmallLake:
    """One contract, `boiler`. Times are minutes after noon of 2026-03-01."""

    def __init__(self, home: Path) -> None:
        contracts = home / "contracts"
        contracts.mkdir(parents=True)
        (contracts / "boiler.yaml").write_text(CONTRACT)
        self.platform = LocalPlatform(dataclasses.replace(Settings(), home=home, contracts_folder=contracts))
        self.clock = FixedClock(moment(0))

    @property
    def file(self) -> Path:
        return self.platform.settings.contracts_folder / "boiler.yaml"

    @property
    def boiler(self) -> Contract:
        return load_contracts(self.platform.settings.contracts_folder)["boiler"]

    def reading(self, device: str = "b-1", seq: int = 0, *, boot: str = "x", **values: Any) -> dict[str, Any]:
        """A typed row as bronze has it, measured `seq` minutes after noon."""
        at = moment(seq)
        identity = event_id(device, "boiler", int(at.timestamp() * 1000), boot, seq)
        envelope = {"event_id": identity, "device_id": device, "event_time": at, "boot": boot, "seq": seq, "received_at": moment(seq + 1)}
        return envelope | {"topic": f"dt/fleetlake/{device}/boiler"} | {"water": 50.0 + seq} | values

    def append(self, table: Table, rows: Iterable[Mapping[str, Any]]) -> int:
        """Append to an Iceberg table; the snapshot it made."""
        append_rows(self.platform, table, [{c.name: row.get(c.name) for c in table.columns} for row in rows])
        snapshot = open_catalog(self.platform).load_table(table.name).current_snapshot()
        assert snapshot is not None
        return int(snapshot.snapshot_id)

    def put_bronze(self, rows: list[dict[str, Any]], put_at: datetime = NOON) -> str:
        """Put one bronze object; its key."""
        body = json.dumps(rows, default=str).encode()
        key = layout.bronze_object("boiler", put_at, hashlib.sha256(body).hexdigest())
        self._write(key, bronze(self.boiler), rows)
        return key

    def put_quarantined(
        self,
        content: bytes,
        *,
        device: str = "b-1",
        index: int | None = 0,
        reason: str = "not_json",
        contract: str = "boiler",
        folder: str | None = None,
        **row: Any,
    ) -> str:
        """Put one quarantined row; its id. `folder` is where an unknown contract's rows go."""
        topic = f"dt/fleetlake/{device}/{contract}"
        identity = quarantine_id(topic, content, index)
        known = {
            "contract": contract,
            "device_id": device,
            "topic": topic,
            "bytes": content,
            "index": index,
            "reason": reason,
            "origin": "decode",
        }
        digest = hashlib.sha256(identity.encode() + reason.encode()).hexdigest()
        key = layout.quarantine_object(folder or contract, NOON, reason, digest)
        self._write(key, quarantine(contract), [known | {"quarantine_id": identity, "received_at": NOON} | row])
        return identity

    def put_replayed(
        self, identity: str, content: bytes, *, event_id: str | None = None, refused_id: str | None = None, folder: str = "boiler"
    ) -> None:
        """Note that a quarantined row of `boiler` was replayed, with one of its readings."""
        key = layout.replayed_object(folder, NOON, hashlib.sha256(f"{identity} {event_id or refused_id}".encode()).hexdigest())
        row = {"quarantine_id": identity, "contract": "boiler", "reason": "out_of_range", "event_id": event_id, "refused_id": refused_id}
        self._write(key, replayed(folder), [row | {"bytes": content, "contract_version": 2, "replayed_at": NOON}])

    def publish(self, rows: Iterable[Mapping[str, Any]], run: str, minute: float, *, inputs: Iterable[str] = ()) -> int:
        """Append `rows` to silver as a visible run, known at `minute`."""
        snapshot = self.append(silver(self.boiler), [dict(row) | {"run_id": run} for row in rows])
        self.note(run, State.VISIBLE, minute, snapshot=snapshot, inputs=inputs)
        return snapshot

    def plan(self, run: str, objects: Iterable[str]) -> None:
        rows = [{"run_id": run, "contract": "boiler", "object": key, "rows": 1, "planned_at": NOON} for key in objects]
        self.append(LEDGER, rows)

    def note(
        self, run: str, state: State, minute: float, *, snapshot: int | None = None, table: Table | None = None, **details: Any
    ) -> None:
        self.clock.moment = moment(minute)
        note(self.platform, self.clock, run, table or silver(self.boiler), "boiler", state, snapshot_id=snapshot, **details)

    def make(self, table: Table) -> Any:
        return ensure_table(open_catalog(self.platform), table)

    def _write(self, key: str, table: Table, rows: list[dict[str, Any]]) -> None:
        file = self.platform.object_folder / key
        file.parent.mkdir(parents=True, exist_ok=True)
        # The emulator keeps such a file beside each object; it must not be taken for one.
        file.with_name(file.name + ".meta.json").write_text("{}")
        pq.write_table(pa.Table.from_pylist([{c.name: row.get(c.name) for c in table.columns} for row in rows], arrow_schema(table)), file)
