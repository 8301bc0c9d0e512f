"""What became of each run: the rows of ops.publications and ops.ledger, read as states.

    planned ─▶ publishing ─▶ visible                 a run whose branch main was moved to
           │             └─▶ abandoned               main had moved, or its branch was dropped by a healer
           └─▶ held ─▶ accepted (by another run) or refused      the quality gate said no

Rows are only appended, and two healers may note the same thing: the state of a run follows from the set of its rows, in
the order of `_STRONGEST`, whatever the clocks of their writers said.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.expressions import AlwaysTrue, BooleanExpression, EqualTo
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.snapshots import Operation, ancestors_of

from lake.catalog import append_rows, open_catalog
from lake.tables import LEDGER, PUBLICATIONS, Table
from runtime.clock import Clock
from runtime.platforms import Platform


class State(StrEnum):
    PUBLISHING = "publishing"
    VISIBLE = "visible"
    ABANDONED = "abandoned"
    HELD = "held"
    ACCEPTED = "accepted"
    REFUSED = "refused"


_STRONGEST = (State.VISIBLE, State.ACCEPTED, State.REFUSED, State.HELD, State.ABANDONED, State.PUBLISHING)
# Runs in these states have settled what becomes of the objects they planned.
SETTLED = (State.VISIBLE, State.ACCEPTED, State.REFUSED, State.HELD)


@dataclass(frozen=True)
class Publication:
    """A run on one table. `known_at` is when it became visible; None until then."""

    run_id: str
    table_name: str
    contract: str
    state: State
    snapshot_id: int | None
    base_snapshot: int | None
    inputs: tuple[str, ...]
    related_run: str | None
    why: str | None
    who: str | None
    recorded_at: datetime
    known_at: datetime | None


@dataclass(frozen=True)
class Planned:
    """One object in a run's plan."""

    run_id: str
    object: str
    rows: int
    min_event_time: datetime | None
    max_event_time: datetime | None
    planned_at: datetime
    # Another object took its place, or nothing did: it is not there any more, and what it held is in the plan under the other's key.
    replaced: bool = False


def read_publications(platform: Platform, table_name: str | None = None, contract: str | None = None) -> list[Publication]:
    """Every run on the table (all tables: None) and of the contract, each once, in its present state."""
    of_run: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in _rows(platform, PUBLICATIONS, contract):
        if table_name is None or row["table_name"] == table_name:
            of_run.setdefault((row["run_id"], row["table_name"]), []).append(row)
    found = {key: _present(members) for key, members in of_run.items()}
    settled_by = {
        (run.related_run, run.table_name) for run in found.values() if run.related_run and run.state in (State.VISIBLE, State.ACCEPTED)
    }
    # Repeated, because an accepting run may itself have been held and accepted.
    for _ in found:
        more = {(run.related_run, run.table_name) for key, run in found.items() if key in settled_by and run.related_run} - settled_by
        if not more:
            break
        settled_by |= more
    return [_accepted(run) if key in settled_by and run.state is State.HELD else run for key, run in found.items()]


def read_held(platform: Platform, table_name: str, contract: str) -> dict[str, tuple[datetime, str]]:
    """When each run that was ever held on the table was, and why, whatever became of it since."""
    rows = [row for row in _rows(platform, PUBLICATIONS, contract) if row["table_name"] == table_name and row["state"] == State.HELD]
    return {row["run_id"]: (row["recorded_at"], row["why"] or "") for row in sorted(rows, key=lambda row: row["recorded_at"], reverse=True)}


def read_ledger(platform: Platform, contract: str, replaced_too: bool = False) -> list[Planned]:
    """The plans of the contract's runs, each object under the key it has today.

    `replaced_too`: those also that the erasure of a device replaced, as whoever lists bronze meanwhile may still see them.
    """
    rows = _rows(platform, LEDGER, contract)
    replaced = {(row["run_id"], row["replaces"]) for row in rows if row.get("replaces")}
    planned = [
        Planned(
            row["run_id"],
            row["object"],
            row["rows"],
            row["min_event_time"],
            row["max_event_time"],
            row["planned_at"],
            (row["run_id"], row["object"]) in replaced,
        )
        for row in rows
    ]
    return [plan for plan in planned if replaced_too or not plan.replaced]


@dataclass(frozen=True)
class Replacement:
    """`new` holds what is left of `old`; of no rows it is `old` itself, of which nothing is left."""

    old: str
    new: str
    rows: int
    min_event_time: datetime | None
    max_event_time: datetime | None


def note_replaced(platform: Platform, contract: str, replacement: Replacement) -> None:
    """Note that an object of bronze took another's place, in the plan of each run that has the other. Again changes nothing."""
    rows = _rows(platform, LEDGER, contract)
    told = {(row["run_id"], row.get("replaces")) for row in rows}
    planned = {row["run_id"]: row for row in rows if row["object"] == replacement.old and row.get("replaces") != replacement.old}
    of_object = {
        "object": replacement.new,
        "rows": replacement.rows,
        "min_event_time": replacement.min_event_time,
        "max_event_time": replacement.max_event_time,
        "replaces": replacement.old,
    }
    new = [row | of_object for run_id, row in planned.items() if (run_id, replacement.old) not in told]
    if new:
        append_rows(platform, LEDGER, new)


def note(
    platform: Platform,
    clock: Clock,
    run_id: str,
    table: Table,
    contract: str,
    state: State,
    *,
    snapshot_id: int | None = None,
    base_snapshot: int | None = None,
    inputs: Iterable[str] = (),
    related_run: str | None = None,
    why: str | None = None,
    who: str | None = None,
) -> None:
    """Append one row: `run_id` on `table` is now in `state`. The clock is read here, after what it tells of."""
    row = {
        "run_id": run_id,
        "table_name": table.name,
        "contract": contract,
        "state": state.value,
        "snapshot_id": snapshot_id,
        "base_snapshot": base_snapshot,
        "inputs": json.dumps(list(inputs)),
        "related_run": related_run,
        "why": why,
        "who": who,
        "recorded_at": clock.now(),
    }
    append_rows(platform, PUBLICATIONS, [row])


def _present(rows: list[dict[str, Any]]) -> Publication:
    """One run from its rows: the strongest state, and what any row knows of it."""
    rows = [row for row in rows if not _is_superseded(row, rows)]
    states = {row["state"] for row in rows}
    state = next(state for state in _STRONGEST if state.value in states)
    first = min((row for row in rows if row["state"] == state.value), key=lambda row: row["recorded_at"])

    def known(column: str) -> Any:
        return first[column] if first[column] is not None else next((row[column] for row in rows if row[column] is not None), None)

    inputs = {text for row in rows for text in json.loads(row["inputs"] or "[]")}
    return Publication(
        run_id=first["run_id"],
        table_name=first["table_name"],
        contract=first["contract"],
        state=state,
        snapshot_id=known("snapshot_id"),
        base_snapshot=known("base_snapshot"),
        inputs=tuple(sorted(inputs)),
        related_run=known("related_run"),
        why=known("why"),
        who=known("who"),
        recorded_at=first["recorded_at"],
        known_at=first["recorded_at"] if state is State.VISIBLE else None,
    )


def _is_superseded(row: dict[str, Any], rows: list[dict[str, Any]]) -> bool:
    """`abandoned` is said of one snapshot: a run that published another one after all is under way again."""
    if row["state"] != State.ABANDONED:
        return False
    published = {other["snapshot_id"] for other in rows if other["state"] == State.PUBLISHING}
    abandoned = {other["snapshot_id"] for other in rows if other["state"] == State.ABANDONED}
    return bool(published - abandoned)


def _accepted(run: Publication) -> Publication:
    return Publication(**{**vars(run), "state": State.ACCEPTED})


@dataclass(frozen=True)
class _Seen:
    """What was read of a table: where its metadata lay, its snapshot, the rows."""

    metadata_location: str
    snapshot_id: int | None
    rows: tuple[dict[str, Any], ...]


def _rows(platform: Platform, table: Table, contract: str | None) -> Sequence[dict[str, Any]]:
    """The contract's rows (None: all). A job asks again and again, of a table that grows with each run: what was read stays read."""
    try:
        iceberg = open_catalog(platform).load_table(table.name)
    except NoSuchTableError:
        return ()
    seen = _SEEN.get((table.name, contract))
    if seen is None or seen.metadata_location != iceberg.metadata_location:
        seen = _SEEN[table.name, contract] = _read(iceberg, contract, seen)
    return seen.rows


def _read(iceberg: IcebergTable, contract: str | None, seen: _Seen | None) -> _Seen:
    current = iceberg.current_snapshot()
    snapshot_id = current.snapshot_id if current else None
    wanted: BooleanExpression = AlwaysTrue() if contract is None else EqualTo("contract", contract)
    if seen is not None and seen.snapshot_id == snapshot_id:
        rows = seen.rows
    elif seen is not None and _only_appended_since(iceberg, seen.snapshot_id):
        new = iceberg.incremental_append_scan(from_snapshot_id_exclusive=seen.snapshot_id, row_filter=wanted)
        rows = (*seen.rows, *new.to_arrow().to_pylist())
    else:
        rows = tuple(iceberg.scan(row_filter=wanted).to_arrow().to_pylist())
    return _Seen(iceberg.metadata_location, snapshot_id, rows)


def _only_appended_since(iceberg: IcebergTable, snapshot_id: int | None) -> bool:
    """Whether main comes from that snapshot by appends alone: another's table, or one whose files were compacted, does not."""
    for snapshot in ancestors_of(iceberg.current_snapshot(), iceberg.metadata):
        if snapshot.snapshot_id == snapshot_id:
            return True
        if snapshot.summary is None or snapshot.summary.operation != Operation.APPEND:
            break
    return False


# By table and contract. One process works on few contracts.
_SEEN: dict[tuple[str, str | None], _Seen] = {}
