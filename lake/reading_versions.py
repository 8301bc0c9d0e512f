"""A contract's readings with the time that each of their versions was known: from silver and its superseded rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from pyiceberg.table import Table as IcebergTable

from lake import history
from lake.contracts import Contract
from lake.tables import silver
from runtime.platforms import Platform

# The end of what is still so. Beyond any run, and a moment that pandas can hold.
ALWAYS = pd.Timestamp("2262-01-01", tz="UTC")


@dataclass(frozen=True)
class Versions:
    """`frame`: device_id, at, event_id, the numbers, `known` (when this version became visible) and `until` (when another did).

    `withdrawn`: readings that a rebuild took back; `snapshots`: what was read, by table.
    """

    frame: pd.DataFrame
    withdrawn: int
    snapshots: Mapping[str, int]

    def troubled_devices(self) -> set[str]:
        """Devices of which some reading was corrected, or became visible after one that was measured later."""
        corrected = set(self.frame.loc[self.frame["until"] != ALWAYS, "device_id"])
        ordered = self.frame.sort_values(["device_id", "at", "event_id"], kind="stable")
        before = ordered.groupby("device_id", sort=False)["known"].cummax()
        return corrected | set(ordered.loc[ordered["known"] < before, "device_id"])


def read_versions(platform: Platform, contract: Contract, at: datetime) -> Versions:
    """All versions that were known by `at`, with their times up to then."""
    name = silver(contract).name
    knowledge = history.silver_at(platform, contract.name, at)
    times = history.known_at(platform, name)
    present = _read(knowledge.silver, contract, ())
    present = present[present["run_id"].isin(knowledge.known)].assign(superseded_by=None)
    past = _read(knowledge.superseded, contract, ("superseded_by",))
    # Of a rebuild that never became visible the rows are in silver itself still.
    past = past[past["run_id"].isin(knowledge.known) & past["superseded_by"].isin(knowledge.known | knowledge.later)]
    every = pd.concat([present, past], ignore_index=True) if len(past) else present.reset_index(drop=True)
    known = every["run_id"].map(times).astype("datetime64[us, UTC]")
    replaced = every["superseded_by"].where(every["superseded_by"].isin(knowledge.known)).map(times)
    until = pd.to_datetime(replaced, utc=True).astype("datetime64[us, UTC]").fillna(ALWAYS)
    frame = every.rename(columns={"event_time": "at"}).assign(known=known, until=until).drop(columns=["run_id", "superseded_by"])
    there = set(frame.loc[frame["until"] == ALWAYS, "event_id"])
    snapshots = {table: _snapshot(found) for table, found in ((name, knowledge.silver), (f"{name}_superseded", knowledge.superseded))}
    return Versions(
        frame, frame.loc[~frame["event_id"].isin(there), "event_id"].nunique(), {k: v for k, v in snapshots.items() if v is not None}
    )


def _read(table: IcebergTable | None, contract: Contract, more: tuple[str, ...]) -> pd.DataFrame:
    columns = ["device_id", "event_time", "event_id", "run_id", *(field.name for field in contract.numbers), *more]
    if table is None:
        return pd.DataFrame({column: pd.Series(dtype=object) for column in columns})
    there = {field.name for field in table.schema().fields}
    found = table.scan(selected_fields=tuple(column for column in columns if column in there)).to_arrow()
    # A whole number stays one beside missing values.
    frame: pd.DataFrame = found.to_pandas(types_mapper=_nullable)
    return frame.reindex(columns=columns)


def _nullable(kind: Any) -> Any:
    return pd.Int64Dtype() if str(kind) == "int64" else None


def _snapshot(table: IcebergTable | None) -> int | None:
    found = table.current_snapshot() if table is not None else None
    return found.snapshot_id if found is not None else None
