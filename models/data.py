"""What a model learns from: feature rows and events as they were known at one moment."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
import pyarrow as pa
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table as IcebergTable

from lake import history, query
from lake.contracts import Contract, sound_contracts
from lake.publications import read_publications
from lake.stand_in import present
from lake.tables import features, silver
from models.catalogue import ModelKind
from runtime.errors import QueryError, RetryLater, UserError
from runtime.platforms import Platform

_TRIES = 20


@dataclass(frozen=True)
class TrainingSet:
    """`snapshot`: of the features table; `fingerprint`: SHA-256 over the rows and events, in their order."""

    as_of: datetime
    snapshot: int
    rows: pd.DataFrame
    failures: pd.DataFrame
    replacements: pd.DataFrame
    sensors: tuple[str, ...]
    fingerprint: str


def resolve(platform: Platform, kind: ModelKind, as_of: str) -> datetime:
    """The moment that `as_of` means for the model's tables."""
    contracts = sound_contracts(platform.settings.contracts_folder)
    tables = [features(_contract(platform, kind)).name, silver(contracts.named(kind.events)).name]
    return history.resolve(platform, as_of, tables)


def failures(platform: Platform, kind: ModelKind, as_of: datetime | None = None) -> pd.DataFrame:
    """`device_id`, `event_time`, `cycle`, `run_id` of each failure."""
    return _events(platform, kind, "failure", as_of)


def replacements(platform: Platform, kind: ModelKind, as_of: datetime | None = None) -> pd.DataFrame:
    return _events(platform, kind, "replacement", as_of)


def training_set(platform: Platform, kind: ModelKind, as_of: datetime) -> TrainingSet:
    """Features at the snapshot that was visible then, events as they were known then.

    Raises UserError where nothing had been published by then, QueryError where the snapshot was expired.
    """
    contract = _contract(platform, kind)
    name = features(contract).name
    table = history.load(platform, name)
    snapshot = _snapshot(platform, table, name, as_of) if table else None
    if table is None or snapshot is None:
        raise UserError(f"train {kind.name} as of {as_of.isoformat()}: {name} had nothing by then; run its pipeline first")
    sensors = tuple(field.name for field in contract.numbers if not field.lifetime_counter)
    columns = ("device_id", "at", "event_id", "life", "reading_number", *(field.name for field in contract.numbers))
    rows = table.scan(snapshot_id=snapshot, selected_fields=columns).to_arrow().select(columns)
    rows = rows.sort_by([(column, "ascending") for column in ("device_id", "at", "event_id")])
    failed, replaced = failures(platform, kind, as_of), replacements(platform, kind, as_of)
    return TrainingSet(as_of, snapshot, rows.to_pandas(), failed, replaced, sensors, _fingerprint(rows, failed, replaced))


def keep_snapshot(platform: Platform, kind: ModelKind, snapshot: int) -> str:
    """Tag the features' snapshot so that expiry leaves it; the tag. Again does nothing."""
    name = features(_contract(platform, kind)).name
    tag = f"training_{kind.name}_{snapshot}"
    for _ in range(_TRIES):
        table = history.load(platform, name)
        assert table is not None
        if tag in table.metadata.refs:
            return tag
        try:
            table.manage_snapshots().create_tag(snapshot, tag).commit()
        except CommitFailedException:
            continue
        return tag
    raise RetryLater(f"tag snapshot {snapshot} of {name}: other writers committed first; run it again")


def _contract(platform: Platform, kind: ModelKind) -> Contract:
    return sound_contracts(platform.settings.contracts_folder).named(kind.contract)


def _events(platform: Platform, kind: ModelKind, event: str, as_of: datetime | None) -> pd.DataFrame:
    text = (
        f"SELECT device_id, event_time, cycle, run_id FROM silver.{kind.events} "  # noqa: S608 - the name is ours
        "WHERE event = ? ORDER BY device_id, event_time, event_id"
    )
    return query.sql(text, as_of=as_of, platform=platform, parameters=[event]).pandas()


def _snapshot(platform: Platform, table: IcebergTable, name: str, as_of: datetime) -> int | None:
    """The snapshot that was visible then; one that expiry took out of main's history, if a training's tag has kept it."""
    try:
        return history.snapshot_at(platform, table, name, as_of)
    except QueryError:
        published = [(run.known_at, run.snapshot_id) for run in read_publications(platform, name) if run.known_at and run.known_at <= as_of]
        newest = max(published)[1]
        kept = present(table, newest) if newest is not None else None
        if kept is None:
            raise
        return kept


def _fingerprint(rows: pa.Table, *events: pd.DataFrame) -> str:
    digest = hashlib.sha256()
    for name, column in zip(rows.column_names, rows.combine_chunks().columns, strict=True):
        digest.update(f"{name} {column.type}".encode())
        digest.update(pd.util.hash_pandas_object(column.to_pandas(), index=False).to_numpy().tobytes())
    for known in events:
        digest.update(known[["device_id", "event_time", "cycle"]].to_csv(index=False).encode())
    return digest.hexdigest()
