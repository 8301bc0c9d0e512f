"""What a model learns from: feature rows and failures as they were known at one moment."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
import pyarrow as pa
from pyiceberg.exceptions import CommitFailedException

from lake import history, query
from lake.contracts import load_contracts
from lake.tables import features, silver
from models.catalogue import ModelKind
from runtime.errors import RetryLater, UserError
from runtime.platforms import Platform

_TRIES = 20


@dataclass(frozen=True)
class TrainingSet:
    """`snapshot`: of the features table; `fingerprint`: SHA-256 over the rows and failures, in their order."""

    as_of: datetime
    snapshot: int
    rows: pd.DataFrame
    failures: pd.DataFrame
    sensors: tuple[str, ...]
    fingerprint: str


def resolve(platform: Platform, kind: ModelKind, as_of: str) -> datetime:
    """The moment that `as_of` means for the model's tables."""
    contracts = load_contracts(platform.settings.contracts_folder)
    tables = [features(contracts.named(kind.contract)).name, silver(contracts.named(kind.events)).name]
    return history.resolve(platform, as_of, tables)


def failures(platform: Platform, kind: ModelKind, as_of: datetime | None = None) -> pd.DataFrame:
    """`device_id`, `event_time`, `cycle`, `run_id` of each failure; empty where nothing is known yet."""
    if history.load(platform, f"silver.{kind.events}") is None:
        return pd.DataFrame({"device_id": [], "event_time": pd.to_datetime([], utc=True), "cycle": [], "run_id": []})
    text = (
        f"SELECT device_id, event_time, cycle, run_id FROM silver.{kind.events} "  # noqa: S608 - the name is ours
        "WHERE event = 'failure' ORDER BY device_id, event_time, event_id"
    )
    return query.sql(text, as_of=as_of, platform=platform).pandas()


def training_set(platform: Platform, kind: ModelKind, as_of: datetime) -> TrainingSet:
    """Features at the snapshot that was visible then, failures as they were known then.

    Raises UserError where nothing had been published by then.
    """
    contract = load_contracts(platform.settings.contracts_folder).named(kind.contract)
    name = features(contract).name
    table = history.load(platform, name)
    snapshot = history.snapshot_at(platform, table, name, as_of) if table else None
    if table is None or snapshot is None:
        raise UserError(f"train {kind.name} as of {as_of.isoformat()}: {name} had nothing by then; run its pipeline first")
    rows = table.scan(snapshot_id=snapshot).to_arrow().sort_by([("device_id", "ascending"), ("at", "ascending"), ("event_id", "ascending")])
    events = failures(platform, kind, as_of)
    sensors = tuple(field.name for field in contract.numbers if not field.lifetime_counter)
    return TrainingSet(as_of, snapshot, rows.to_pandas(), events, sensors, _fingerprint(rows, events))


def keep_snapshot(platform: Platform, kind: ModelKind, snapshot: int) -> str:
    """Tag the features' snapshot so that expiry leaves it; the tag. Again does nothing."""
    contract = load_contracts(platform.settings.contracts_folder).named(kind.contract)
    tag = f"training_{kind.name}_{snapshot}"
    for _ in range(_TRIES):
        table = history.load(platform, features(contract).name)
        assert table is not None
        if tag in table.metadata.refs:
            return tag
        try:
            table.manage_snapshots().create_tag(snapshot, tag).commit()
        except CommitFailedException:
            continue
        return tag
    raise RetryLater(f"tag snapshot {snapshot} of {features(contract).name}: other writers committed first; run it again")


def _fingerprint(rows: pa.Table, events: pd.DataFrame) -> str:
    digest = hashlib.sha256()
    for column in rows.combine_chunks().columns:
        digest.update(repr(column.type).encode())
        digest.update(pd.util.hash_pandas_object(column.to_pandas(), index=False).to_numpy().tobytes())
    digest.update(events[["device_id", "event_time", "cycle"]].to_csv(index=False).encode())
    return digest.hexdigest()
