"""What the quality page shows, read from the tables of operation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import pandas as pd
from pyiceberg.expressions import And, EqualTo, GreaterThanOrEqual

from lake import history
from lake.publications import Publication, State, read_held, read_publications
from lake.table import Table
from lake.tables import QUALITY_FAILURES, QUALITY_RUNS
from runtime.platforms import Platform

_VERDICT = ("run_id", "recorded_at", "check_name", "field", "status", "observed", "threshold", "failing_rows", "sentence")
_FAILURE = ("run_id", "check_name", "field", "device_id", "readings")


@dataclass(frozen=True)
class Decision:
    """What became of a run that was held: `state` is held until a person has decided. `accepted_by` is the run that published its readings."""

    run_id: str
    held_at: datetime
    sentence: str
    state: State
    decided_at: datetime | None = None
    who: str = ""
    why: str = ""
    accepted_by: str = ""


def verdicts(platform: Platform, contract: str, since: datetime) -> pd.DataFrame:
    """run_id, recorded_at, check_name, field, status, observed, threshold, failing_rows, sentence: oldest run first."""
    return _read(platform, QUALITY_RUNS, contract, since, _VERDICT).sort_values(
        ["recorded_at", "run_id", "check_name", "field"], ignore_index=True
    )


def decisions(platform: Platform, contract: str, since: datetime) -> list[Decision]:
    """Every run that was held since then, or is held now, the newest first."""
    table = f"silver.{contract}"
    runs = {run.run_id: run for run in read_publications(platform, table, contract)}
    accepting = {run.related_run: run for run in runs.values() if run.related_run and run.known_at}
    held = read_held(platform, table, contract)
    found = (_decision(Decision(run_id, at, why, runs[run_id].state), runs, accepting) for run_id, (at, why) in held.items())
    return [decision for decision in found if decision.held_at >= since or decision.state is State.HELD]


def _decision(held: Decision, runs: Mapping[str, Publication], accepting: Mapping[str, Publication]) -> Decision:
    if held.state is State.ACCEPTED and (by := accepting.get(held.run_id)):
        return replace(held, decided_at=by.known_at, who=by.who or "", why=by.why or "", accepted_by=by.run_id)
    if held.state is State.REFUSED:
        by = runs[held.run_id]
        return replace(held, decided_at=by.recorded_at, who=by.who or "", why=by.why or "")
    return held


def worst(platform: Platform, contract: str, since: datetime, count: int = 10) -> pd.DataFrame:
    """device_id, checks, runs, readings: the devices that most of what did not pass is about."""
    rows = _read(platform, QUALITY_FAILURES, contract, since, _FAILURE).dropna(subset="device_id")
    rows["check"] = rows["check_name"].str.replace("_", " ") + (" of " + rows["field"]).fillna("")
    by_device = rows.groupby("device_id").agg(checks=("check", _listed), runs=("run_id", "nunique"), readings=("readings", "sum"))
    by_device = by_device.reset_index().sort_values(["runs", "readings", "device_id"], ascending=[False, False, True])
    return by_device.head(count)


def _listed(names: pd.Series) -> str:
    return ", ".join(sorted(names.unique()))


def _read(platform: Platform, table: Table, contract: str, since: datetime, columns: Sequence[str]) -> pd.DataFrame:
    stored = history.load(platform, table.name)
    if stored is None:
        return pd.DataFrame(columns=list(columns))
    of_contract = And(EqualTo("contract", contract), GreaterThanOrEqual("recorded_at", since.isoformat()))
    return stored.scan(row_filter=of_contract, selected_fields=tuple(columns)).to_pandas()[list(columns)]
