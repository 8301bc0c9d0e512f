"""Snapshots that maintenance made stand for those that they were made from: what compaction wrote says the same, what an erasure wrote all but a device.

Which they stand for is in the snapshot's own summary, so it is true from the commit on and cannot be lost apart from it.
"""

from collections.abc import Collection

from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.snapshots import Snapshot

STANDS_FOR = "fleetlake.stands-for"
# Of a named snapshot that was made again beside main's history, the one that had its name before.
MADE_AGAIN_FROM = "fleetlake.made-again-from"


def stands_for(snapshot: Snapshot | None) -> frozenset[int]:
    """The snapshots that this one is read in place of, once they are gone."""
    return _numbers(snapshot, STANDS_FOR)


def made_again_from(snapshot: Snapshot | None) -> frozenset[int]:
    return _numbers(snapshot, MADE_AGAIN_FROM)


def _numbers(snapshot: Snapshot | None, name: str) -> frozenset[int]:
    text = snapshot.summary[name] if snapshot is not None and snapshot.summary is not None else None
    return frozenset(int(word) for word in text.split(",")) if text else frozenset()


def standing_for(table: IcebergTable, snapshot_id: int) -> dict[str, str]:
    """The property of a snapshot that is made from `snapshot_id` and says the same."""
    return {STANDS_FOR: _text(stands_for(table.snapshot_by_id(snapshot_id)) | {snapshot_id})}


def remade(table: IcebergTable, snapshot_id: int) -> dict[str, str]:
    """The property of a named snapshot that is made again from `snapshot_id`."""
    before = table.snapshot_by_id(snapshot_id)
    return {MADE_AGAIN_FROM: _text(stands_for(before) | made_again_from(before) | {snapshot_id})}


def _text(numbers: Collection[int]) -> str:
    return ",".join(str(number) for number in sorted(numbers))


def present(table: IcebergTable, snapshot_id: int) -> int | None:
    """`snapshot_id` where it is still there, otherwise what stands for it; None where nothing does."""
    if table.snapshot_by_id(snapshot_id) is not None:
        return snapshot_id
    return next(
        (snapshot.snapshot_id for snapshot in table.snapshots() if snapshot_id in stands_for(snapshot) | made_again_from(snapshot)), None
    )


def serves(snapshot: Snapshot, wanted: Collection[int | None]) -> bool:
    """Whether the snapshot is one of the wanted, or stands for one."""
    return snapshot.snapshot_id in wanted or not stands_for(snapshot).isdisjoint(wanted)
