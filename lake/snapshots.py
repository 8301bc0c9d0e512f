"""Named snapshots of tables: what a training was made from stays readable under its name, whatever maintenance does.

A name is a tag of Iceberg. Expiry leaves what has one, compaction does not touch it; only the erasure of a device makes a
named snapshot anew, without the device and under the same name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.refs import SnapshotRefType

from lake.history import load
from runtime.errors import RetryLater, UserError
from runtime.platforms import Platform

_TRIES = 20


@dataclass(frozen=True)
class Named:
    """`made_at`: when the snapshot was committed; `rows`: of the whole table then, where the snapshot says."""

    table: str
    name: str
    snapshot_id: int
    made_at: datetime | None
    rows: int | None


def keep(platform: Platform, table: str, name: str, snapshot_id: int | None = None) -> Named:
    """Name a snapshot of `table` (None: the present one). The same name for the same snapshot again changes nothing.

    Raises UserError for a table or snapshot that there is not, and for a name that another snapshot has.
    """

    def change(iceberg: IcebergTable) -> None:
        current = iceberg.current_snapshot()
        wanted = snapshot_id if snapshot_id is not None else current.snapshot_id if current else None
        if wanted is None or iceberg.snapshot_by_id(wanted) is None:
            raise UserError(f"keep {name} of {table}: there is no snapshot {wanted or 'yet'}; it may have been expired")
        taken = iceberg.metadata.refs.get(name)
        if taken is not None and (taken.snapshot_ref_type != SnapshotRefType.TAG or taken.snapshot_id != wanted):
            raise UserError(f"keep {name} of {table}: snapshot {taken.snapshot_id} has this name; drop it first, or choose another")
        if taken is None:
            iceberg.manage_snapshots().create_tag(wanted, name).commit()

    _changed(platform, table, f"keep {name} of {table}", change)
    return next(found for found in named(platform, table) if found.name == name)


def named(platform: Platform, table: str) -> list[Named]:
    """The named snapshots of `table`, by name."""
    iceberg = _loaded(platform, table)
    tags = {name: ref.snapshot_id for name, ref in iceberg.metadata.refs.items() if ref.snapshot_ref_type == SnapshotRefType.TAG}
    return [_described(iceberg, table, name, snapshot_id) for name, snapshot_id in sorted(tags.items())]


def drop(platform: Platform, table: str, name: str) -> None:
    """Take the name away; the next expiry may then take the snapshot. Raises UserError where there is no such name."""

    def change(iceberg: IcebergTable) -> None:
        ref = iceberg.metadata.refs.get(name)
        if ref is None or ref.snapshot_ref_type != SnapshotRefType.TAG:
            there = ", ".join(found.name for found in named(platform, table)) or "none"
            raise UserError(f"drop {name} of {table}: there is no snapshot of this name; there are: {there}")
        iceberg.manage_snapshots().remove_tag(name).commit()

    _changed(platform, table, f"drop {name} of {table}", change)


def _changed(platform: Platform, table: str, what: str, change: Callable[[IcebergTable], None]) -> None:
    for _ in range(_TRIES):
        try:
            change(_loaded(platform, table))
            return
        except CommitFailedException:
            continue
    raise RetryLater(f"{what}: other writers committed first {_TRIES} times; run it again")


def _loaded(platform: Platform, table: str) -> IcebergTable:
    iceberg = load(platform, table)
    if iceberg is None:
        raise UserError(f'snapshots of {table}: there is no such table; `fleetlake query "SHOW TABLES"` names those there are')
    return iceberg


def _described(iceberg: IcebergTable, table: str, name: str, snapshot_id: int) -> Named:
    snapshot = iceberg.snapshot_by_id(snapshot_id)
    if snapshot is None:
        return Named(table, name, snapshot_id, None, None)
    rows = snapshot.summary["total-records"] if snapshot.summary else None
    return Named(table, name, snapshot_id, datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC), int(rows) if rows else None)
