"""A lake for tests of models, without Spark and cloud: feature rows, events and predictions as their runs would have published them."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from lake.catalog import append_rows, ensure_table, open_catalog
from lake.contracts import load_contracts
from lake.publications import State, note
from lake.tables import PREDICTIONS, Table, features, silver
from models.catalogue import KINDS
from runtime.clock import FixedClock
from runtime.platforms import Platform
from runtime.settings import REPOSITORY
from tests.spark import NOON, folder_platform

RUL = KINDS["rul"]


class ModelLake:
    """Times of knowledge are minutes after NOON."""

    def __init__(self, place: Path | Platform) -> None:
        """`place`: a folder for a lake of its own, or the platform of one there is."""
        contracts = load_contracts(REPOSITORY / "contracts")
        self.platform = folder_platform(place) if isinstance(place, Path) else place
        self.clock = FixedClock(NOON)
        self.features = features(contracts["turbofan"])
        self.maintenance = silver(contracts["maintenance"])
        self._events = 0

    def known(self, minute: float) -> datetime:
        return NOON + timedelta(minutes=minute)

    def publish_features(self, rows: pd.DataFrame, minute: float, run: str) -> int:
        identified = rows.assign(event_id=[f"{run}-{place}" for place in range(len(rows))])
        return self._publish(self.features, "turbofan", identified.to_dict("records"), minute, run)

    def publish_events(self, event: str, events: pd.DataFrame, minute: float, run: str) -> None:
        rows = []
        for row in events.to_dict("records"):
            self._events += 1
            rows.append({"cycle": 0, "received_at": NOON} | row | {"event": event, "event_id": f"event-{self._events}", "run_id": run})
        self._publish(self.maintenance, "maintenance", rows, minute, run)

    def publish_predictions(self, version: str, rows: Iterable[Mapping[str, Any]], minute: float, run: str) -> None:
        stamp = {"contract": "turbofan", "model": "rul", "version": version, "run_id": run}
        self._publish(PREDICTIONS, "turbofan", [stamp | dict(row) for row in rows], minute, run)

    def expire_all_but_the_newest(self, table: Table) -> None:
        """What maintenance does one day: snapshots without a name of their own go."""
        iceberg = open_catalog(self.platform).load_table(table.name)
        named = {ref.snapshot_id for ref in iceberg.metadata.refs.values()}
        iceberg.maintenance.expire_snapshots().by_ids([s.snapshot_id for s in iceberg.snapshots() if s.snapshot_id not in named]).commit()

    def _publish(self, table: Table, contract: str, rows: list[dict[str, Any]], minute: float, run: str) -> int:
        ensure_table(open_catalog(self.platform), table)
        append_rows(self.platform, table, [{column.name: row.get(column.name) for column in table.columns} for row in rows])
        snapshot = open_catalog(self.platform).load_table(table.name).current_snapshot()
        assert snapshot is not None
        self.clock.moment = self.known(minute)
        note(self.platform, self.clock, run, table, contract, State.VISIBLE, snapshot_id=snapshot.snapshot_id)
        return int(snapshot.snapshot_id)
