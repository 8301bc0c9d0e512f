"""Which snapshots of a table nobody needs any more.

Kept are what a branch or a name points to, what is young, and of a derived table every snapshot that `as_of` would read
within its window of history, unless another stands for it. Silver and the tables of operation are read as of a moment by
their rows, so of them the present snapshot is enough.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.snapshots import Snapshot

from lake.publications import Publication
from lake.stand_in import serves, stands_for
from lake.tables import Table

# A job may still read a snapshot that it pinned when it began.
YOUNG = timedelta(days=1)


def expirable(
    table: Table, iceberg: IcebergTable, runs: Iterable[Publication], history: timedelta | None, now: datetime, young: timedelta = YOUNG
) -> list[int]:
    """Ids of the snapshots to expire, oldest first. `runs`: the table's; `history`: the window of `as_of`, None for ever."""
    kept = {ref.snapshot_id for ref in iceberg.metadata.refs.values()}
    if table.namespace not in ("silver", "ops"):
        kept |= read_by_as_of(iceberg, runs, None if history is None else now - history)
    youngest = (now - young).timestamp() * 1000
    old = (snapshot for snapshot in iceberg.snapshots() if snapshot.snapshot_id not in kept and snapshot.timestamp_ms < youngest)
    return [snapshot.snapshot_id for snapshot in sorted(old, key=_order)]


def read_by_as_of(iceberg: IcebergTable, runs: Iterable[Publication], since: datetime | None) -> set[int]:
    """The snapshots that `as_of(T)` reads for some T from `since` on (None: of all times)."""
    known_at = {run.snapshot_id: run.known_at for run in runs if run.known_at is not None and run.snapshot_id is not None}
    visible = [snapshot for snapshot in iceberg.snapshots() if serves(snapshot, known_at)]
    if since is not None:
        by_then = [snapshot for snapshot in visible if _first_known(snapshot, known_at) <= since]
        # At `since` and after it none is read that is older than the newest of these.
        first = max((_order(snapshot) for snapshot in by_then), default=0)
        visible = [snapshot for snapshot in visible if _order(snapshot) >= first]
    stood_for = frozenset[int]().union(*(stands_for(snapshot) for snapshot in visible))
    return {snapshot.snapshot_id for snapshot in visible if snapshot.snapshot_id not in stood_for}


def _first_known(snapshot: Snapshot, known_at: dict[int, datetime]) -> datetime:
    """Since when the snapshot, or one that it stands for, was visible."""
    return min(known_at[number] for number in stands_for(snapshot) | {snapshot.snapshot_id} if number in known_at)


def _order(snapshot: Snapshot) -> int:
    return snapshot.sequence_number or 0
