"""What was known when: publications and snapshots behind `as_of`.

`known_at` of a row is when its run became visible, by ops.publications; no clock is written into a row. As of T, silver has
the rows whose run was visible by T, and of the superseded rows those whose run was and whose superseding run was not.
Derived tables are read at the newest of their snapshots that was visible by T. T must lie before every publication under
way, because a publication notes its `known_at` only after its rows are visible: so the answer for T never changes later.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.snapshots import ancestors_of

from lake.catalog import open_catalog
from lake.publications import Publication, State, read_publications
from lake.stand_in import present, serves
from runtime.clock import Clock, SystemClock
from runtime.errors import QueryError
from runtime.platforms import Platform

LATEST = "latest"


@dataclass(frozen=True)
class SilverKnowledge:
    """Silver pinned at one snapshot. `known`: runs visible by T; `later`: runs that have rows in the snapshot, unknown at T."""

    known: frozenset[str]
    later: frozenset[str]
    silver: IcebergTable | None
    superseded: IcebergTable | None


def moment(as_of: datetime | str, clock: Clock | None = None) -> datetime:
    """`as_of` as an aware moment. Raises QueryError for what is no time, has no zone, or lies in the future."""
    at = _parsed(as_of) if isinstance(as_of, str) else as_of
    if at.tzinfo is None:
        raise QueryError(f"as of {as_of}: the time has no zone; write it with one, such as {at:%Y-%m-%dT%H:%M:%S}Z")
    now = (clock or SystemClock()).now()
    if at > now:
        raise QueryError(f"as of {as_of}: this lies in the future (now is {now:%Y-%m-%dT%H:%M:%SZ}); what will be known then is open")
    return at


def latest(platform: Platform, tables: Collection[str] | None = None, clock: Clock | None = None) -> datetime:
    """The newest moment that `as_of` does not refuse for these tables (None: for all)."""
    # The clock first: a publication that begins after it was read is later than the answer.
    now = (clock or SystemClock()).now()
    under_way = _under_way(read_publications(platform), tables)
    return min([now, *(run.recorded_at - timedelta(microseconds=1) for run in under_way)])


def resolve(platform: Platform, as_of: datetime | str, tables: Collection[str], clock: Clock | None = None) -> datetime:
    """The moment `as_of` means for `tables`; "latest" is the newest that can be answered.

    Raises QueryError for a moment that cannot be answered: in the future, or later than a publication under way.
    """
    if as_of == LATEST:
        return latest(platform, tables, clock)
    at = moment(as_of, clock)
    for run in _under_way(read_publications(platform), tables):
        if at >= run.recorded_at:
            raise QueryError(
                f"as of {at.isoformat()}: run {run.run_id} has been publishing to {run.table_name} since "
                f"{run.recorded_at.isoformat()}, and its rows have no time of knowledge yet; ask for an earlier time, or for latest"
            )
    return at


def known_at(platform: Platform, table: str, contract: str | None = None) -> dict[str, datetime]:
    """When each run that is visible on the table became so, by run id."""
    return {run.run_id: run.known_at for run in read_publications(platform, table, contract) if run.known_at is not None}


def silver_at(platform: Platform, contract: str, at: datetime) -> SilverKnowledge:
    """Which rows of silver and superseded count at `at`, with both tables pinned so that a rebuild in between cannot split them.

    A rebuild writes its superseded rows, notes `publishing`, moves main, notes `visible`. So what has happened in the pinned
    silver is told by the publications read before it, or by its own ancestry; superseded rows are complete when read after it.
    """
    name = f"silver.{contract}"
    before = known_at(platform, name)
    silver, superseded = load(platform, name), load(platform, f"{name}_superseded")
    after = read_publications(platform, name)
    known = frozenset(run.run_id for run in after if _visible_by(run, at))
    ancestry = _ancestry(silver)
    inside = before.keys() | {run.run_id for run in after if run.snapshot_id in ancestry}
    return SilverKnowledge(known, frozenset(inside - known), silver, superseded)


def snapshot_at(platform: Platform, table: IcebergTable, name: str, at: datetime) -> int | None:
    """The newest snapshot of a derived table that was visible by `at`, or what stands for it; None where nothing was.

    Newest by the order of the snapshots: of two publications the later one holds both, whichever was noted first.
    Raises QueryError where it was expired.
    """
    visible = {run.snapshot_id: run.known_at for run in read_publications(platform, name) if run.snapshot_id and _visible_by(run, at)}
    if not visible:
        return None
    newest = max(visible, key=lambda snapshot_id: visible[snapshot_id] or at)
    there = [snapshot for snapshot in table.snapshots() if serves(snapshot, visible)]
    if any(serves(snapshot, {newest}) for snapshot in there):
        return int(max(there, key=lambda snapshot: snapshot.sequence_number or 0).snapshot_id)
    # One that was made again under its name.
    kept = present(table, newest)
    if kept is not None:
        return kept
    raise QueryError(
        f"{name} as of {at.isoformat()}: its snapshot of that time was expired; ask for a later time, or rebuild it from silver"
    )


def load(platform: Platform, name: str) -> IcebergTable | None:
    """The Iceberg table as it is now; None where nothing has made it yet."""
    try:
        return open_catalog(platform).load_table(name)
    except NoSuchTableError:
        return None


def _parsed(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise QueryError(f"as of {text!r}: this is no ISO 8601 time; write it like 2026-11-24T09:30:00Z, or latest") from None


def _visible_by(run: Publication, at: datetime) -> bool:
    return run.known_at is not None and run.known_at <= at


def _under_way(runs: Iterable[Publication], tables: Collection[str] | None) -> list[Publication]:
    return [run for run in runs if run.state is State.PUBLISHING and (tables is None or run.table_name in tables)]


def _ancestry(table: IcebergTable | None) -> set[int]:
    if table is None:
        return set()
    return {snapshot.snapshot_id for snapshot in ancestors_of(table.current_snapshot(), table.metadata)}
