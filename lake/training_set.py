"""Rows to learn from, point-in-time correct: what was known when, joined with what happened afterwards.

`training_set("turbofan", as_of, horizon)` has a row for each reading, with the causal features of features.* (lake.feature_rows,
the same function) but as they stood when the reading itself became visible:

    of a reading that was corrected since   its first values; a correction was not known then
    of late readings                        nothing, in the rows of readings that were visible before them
    of readings measured later              nothing
    of what was published after `as_of`     nothing, in features or labels

The label of a row is whether the event happened within `horizon` after its time, by what was known at `as_of`. A row whose
horizon was not over by then is left out, and so is one whose device was put to another use in it, and one that a rebuild
took back. It is made from silver and its superseded rows, so that it needs no snapshot of its day: the manifest gives the
same set, or an error that says what differs, a year later.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from lake import history, query
from lake.contracts import Contract, sound_contracts
from lake.feature_rows import compute, input_columns
from lake.fingerprint import fingerprint_of
from lake.reading_versions import ALWAYS, Versions, read_versions
from lake.schemas import arrow_schema
from lake.tables import features, silver
from lake.training_manifest import Counts, Labels, Manifest, code_digest
from runtime.clock import Clock
from runtime.errors import QueryError, UsageError
from runtime.log import logger
from runtime.platforms import Platform, current_platform

log = logger("training_set")
FAILURES = Labels()
_KEY = ("device_id", "at", "event_id")


@dataclass(frozen=True)
class TrainingSet:
    """`frame`: device_id, at, event_id, the features, `label`, `seconds_to_event` (NaN without one), by device and time."""

    frame: pd.DataFrame
    manifest: Manifest

    @property
    def counts(self) -> Counts:
        return self.manifest.counts


def training_set(
    contract: str | None = None,
    as_of: datetime | str | None = None,
    horizon: timedelta | None = None,
    *,
    labels: Labels = FAILURES,
    wait: timedelta = timedelta(0),
    manifest: Manifest | None = None,
    platform: Platform | None = None,
    clock: Clock | None = None,
) -> TrainingSet:
    """The set, or with `manifest` alone the very set that it was written for.

    `as_of` as in `lake.query.sql`. `wait`: how long after a horizon's end its events may still come; rows are left out until then.
    Raises QueryError for a moment that cannot be answered, and where the manifest's set can no longer be made.
    """
    chosen = platform or current_platform()
    if manifest is not None:
        if (contract, as_of, horizon) != (None, None, None):
            raise UsageError("training set: a manifest says all there is to say; give nothing beside it")
        return _again(chosen, manifest, clock)
    if contract is None or as_of is None or horizon is None:
        raise UsageError("training set: name the contract, as_of and horizon, or give a manifest")
    if not isinstance(horizon, timedelta) or not isinstance(wait, timedelta):
        raise UsageError(
            f"training set {contract}: horizon {horizon!r}, wait {wait!r}; both are times that pass, such as timedelta(hours=24)"
        )
    if horizon <= timedelta(0) or wait < timedelta(0):
        raise UsageError(f"training set {contract}: horizon {horizon}, wait {wait}; the horizon must be above 0 and the wait not below")
    return _made(chosen, _measurement(chosen, contract), as_of, horizon, labels, wait, clock)


def _measurement(platform: Platform, name: str) -> Contract:
    contract = sound_contracts(platform.settings.contracts_folder).named(name)
    if not contract.is_measurement:
        raise UsageError(f"training set {name}: this contract is of events, which have no features; name one of measurements")
    return contract


def _made(
    platform: Platform,
    contract: Contract,
    as_of: datetime | str,
    horizon: timedelta,
    labels: Labels,
    wait: timedelta,
    clock: Clock | None,
    columns: tuple[str, ...] = (),
) -> TrainingSet:
    events = silver(sound_contracts(platform.settings.contracts_folder).named(labels.contract)).name
    at = history.resolve(platform, as_of, [silver(contract).name, events], clock)
    versions = read_versions(platform, contract, at)
    rows = as_known(versions, contract)
    labelled, counts = _labelled(rows, _happened(platform, labels, at, clock), at - wait, horizon)
    counts = replace(counts, withdrawn=versions.withdrawn)
    table = labelled.select(columns) if columns else labelled
    if not counts.positive:
        what = f"{counts.rows} rows, and none of them has {labels.event} within {horizon}" if counts.rows else "it has no row"
        log.warning(f"training set {contract.name} as of {at.isoformat()}: {what}")
    return TrainingSet(
        table.to_pandas(),
        Manifest(
            contract=contract.name,
            contract_version=contract.version,
            as_of=at,
            horizon=horizon,
            wait=wait,
            labels=labels,
            columns=tuple(table.column_names),
            snapshots={**versions.snapshots, **_snapshot_of(platform, events)},
            code=code_digest(),
            fingerprint=fingerprint_of(table.to_batches(), table.schema, ()).digest,
            counts=counts,
        ),
    )


def _again(platform: Platform, wanted: Manifest, clock: Clock | None) -> TrainingSet:
    """The set of a manifest. Raises QueryError where it comes out another one."""
    contract = _measurement(platform, wanted.contract)
    try:
        made = _made(platform, contract, wanted.as_of, wanted.horizon, wanted.labels, wanted.wait, clock, wanted.columns)
    except KeyError as error:
        was = f"version {wanted.contract_version} had it, version {contract.version} of today has not"
        raise QueryError(f"training set {wanted.contract}: {error.args[0]}: {was}; check out the contract of its day") from None
    if made.manifest.fingerprint == wanted.fingerprint:
        return made
    before, now = wanted.counts, made.counts
    rows = f"it had {before.rows} rows and has {now.rows}" if before != now else f"it has its {now.rows} rows, and not their values"
    code = "" if made.manifest.code == wanted.code else "; the code that makes features is another, check out that of its day"
    raise QueryError(
        f"training set {wanted.contract} as of {wanted.as_of.isoformat()}: it is not the one of the manifest: {rows}{code}. "
        "Retention or an erasure took readings, or silver was changed by hand"
    )


def as_known(versions: Versions, contract: Contract) -> pa.Table:
    """Feature rows of the readings that are there, each as it stood when the reading became visible."""
    frame, troubled = versions.frame, versions.troubled_devices()
    apart = frame["device_id"].isin(troubled)
    parts = [_features(frame[~apart], contract)]
    disordered = frame[apart]
    first = disordered.groupby("event_id")["known"].min()
    for moment in sorted(first.unique()):
        then = disordered[(disordered["known"] <= moment) & (disordered["until"] > moment)]
        new = first.index[first == moment]
        devices = disordered.loc[disordered["event_id"].isin(new), "device_id"].unique()
        computed = _features(then[then["device_id"].isin(devices)], contract)
        parts.append(computed.filter(pa.array(np.isin(computed["event_id"].to_pandas(), new))))
    rows = pa.concat_tables(parts)
    alive = pa.array(np.isin(rows["event_id"].to_pandas(), frame.loc[frame["until"] == ALWAYS, "event_id"]))
    return rows.filter(alive).sort_by([(name, "ascending") for name in _KEY])


def _features(versions: pd.DataFrame, contract: Contract) -> pa.Table:
    ordered = versions.sort_values(list(_KEY), kind="stable").assign(life=0, reading_number=0)
    declared = arrow_schema(features(contract))
    if versions.empty:
        return declared.empty_table()
    schema = pa.schema([declared.field(name) for name in input_columns(contract)])
    return compute(pa.Table.from_pandas(ordered[schema.names], schema, preserve_index=False), contract)


def _happened(platform: Platform, labels: Labels, at: datetime, clock: Clock | None) -> Mapping[str, pd.DataFrame]:
    """By event, `device_id` and `event_time` of each that was known at `at`, by time."""
    text = f'SELECT device_id, event_time FROM silver.{labels.contract} WHERE "{labels.field}" = ? ORDER BY event_time, device_id'  # noqa: S608 - a contract's names

    def known(event: str) -> pd.DataFrame:
        found = query.sql(text, as_of=at, platform=platform, parameters=[event], clock=clock).pandas()
        return found.astype({"event_time": "datetime64[us, UTC]"})

    ended = [known(event) for event in labels.ended_by]
    none = known(labels.event).iloc[:0]
    return {"event": known(labels.event), "end": pd.concat([none, *ended]).sort_values("event_time", kind="stable")}


def _labelled(rows: pa.Table, happened: Mapping[str, pd.DataFrame], closed_by: datetime, horizon: timedelta) -> tuple[pa.Table, Counts]:
    """`rows` whose horizon was over by `closed_by`, with their label."""
    keys = rows.select(["device_id", "at"]).to_pandas().astype({"at": "datetime64[us, UTC]"})
    event, end = (_next(keys, happened[name]) for name in ("event", "end"))
    limit = keys["at"] + horizon
    ended = (end <= limit) & ~(event < end)
    label = (event <= limit) & ~ended
    closed = limit <= closed_by
    seconds = (event - keys["at"]).dt.total_seconds().where(label)
    kept = closed & ~ended
    table = rows.append_column("label", pa.array(label)).append_column(
        "seconds_to_event", pa.array(seconds, pa.float64(), from_pandas=True)
    )
    counts = Counts(int(kept.sum()), int((label & kept).sum()), int((~closed).sum()), int((closed & ended).sum()))
    return table.filter(pa.array(kept)), counts


def _next(keys: pd.DataFrame, events: pd.DataFrame) -> "pd.Series[Any]":
    """The time of the device's first event after each row, in the rows' order; NaT where there is none."""
    placed = keys.assign(place=np.arange(len(keys))).sort_values("at", kind="stable")
    found = pd.merge_asof(
        placed, events, left_on="at", right_on="event_time", by="device_id", direction="forward", allow_exact_matches=False
    )
    return found.sort_values("place")["event_time"].reset_index(drop=True)


def _snapshot_of(platform: Platform, name: str) -> dict[str, int]:
    table = history.load(platform, name)
    snapshot = table.current_snapshot() if table is not None else None
    return {name: snapshot.snapshot_id} if snapshot is not None else {}
