"""A run's branch of a table: made once, written once, and main moved to it by one compare-and-swap.

Spark commits an append to a branch that was dropped under it by making the branch again from whatever main is by then, and
an insert-only MERGE is such an append: it validates nothing. So main moves only to a snapshot whose parent is the planned
base, and only while main is that base.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.refs import SnapshotRefType
from pyiceberg.table.snapshots import Snapshot, ancestors_of
from pyiceberg.table.update import AssertRefSnapshotId, RemoveSnapshotRefUpdate, SetSnapshotRefUpdate
from pyiceberg.table.update.snapshot import ManageSnapshots

from lake.catalog import QuickTransaction, open_catalog
from lake.layout import branch_identifier, branch_name, run_of_branch
from lake.tables import Table
from runtime.errors import PublishLost
from runtime.platforms import Platform

_COMMIT_TRIES = 20


class MainMoved(Exception):
    """Main is not the base any more, or the branch is gone: the attempt must begin again."""


@dataclass
class Branch:
    """A run's branch of one table, of main's snapshot `base_snapshot`; an attempt writes to it in one commit."""

    platform: Platform
    table: Table
    contract: str
    run_id: str
    base_snapshot: int
    made: bool = field(default=False)

    @property
    def name(self) -> str:
        return branch_name(f"{self.contract}.{self.run_id}")

    @property
    def identifier(self) -> str:
        """Name to write to and read from in Spark SQL; makes the branch when it is first asked for."""
        self.make()
        return branch_identifier(self.table.name, self.name)

    def make(self) -> None:
        """Make the branch, which reserves the run's id. Raises MainMoved where another process has taken the id."""
        if self.made:
            return

        def create(iceberg: IcebergTable) -> None:
            if self.name in iceberg.metadata.refs:
                raise MainMoved(f"another process runs as {self.run_id}")
            _refs(iceberg).create_branch(self.base_snapshot, self.name).commit()

        _commit(self.platform, self.table, create)
        self.made = True

    @property
    def exists(self) -> bool:
        return self.name in load(self.platform, self.table).metadata.refs

    def snapshot(self) -> int:
        """The branch's present snapshot: what the attempt wrote, or the base where it wrote nothing. Raises MainMoved."""
        return self._written().snapshot_id

    def added_rows(self) -> int:
        """Rows that the attempt's commit added, by the snapshot's own count. Raises MainMoved."""
        written = self._written()
        summary = written.summary if written.snapshot_id != self.base_snapshot else None
        return int((summary and summary["added-records"]) or 0)

    def _written(self) -> Snapshot:
        metadata = load(self.platform, self.table).metadata
        ref = metadata.refs.get(self.name)
        if ref is None:
            raise MainMoved(f"branch {self.name} was dropped by another run's heal")
        written = metadata.snapshot_by_id(ref.snapshot_id)
        assert written is not None
        if self.base_snapshot not in (written.snapshot_id, written.parent_snapshot_id):
            raise MainMoved(f"branch {self.name} does not come from the planned base {self.base_snapshot}")
        return written

    def drop(self) -> None:
        if self.made:
            drop_branches(self.platform, self.table, [self.name])

    def swap(self, snapshot: int) -> None:
        """Move main from the base to `snapshot` and drop the branch, in one commit. Raises MainMoved.

        PyIceberg's ``commit_table`` with both requirements: Spark's ``fast_forward`` would also fail for a commit that
        has nothing to do with main, such as another contract's branch on a shared table.
        """
        updates = (
            SetSnapshotRefUpdate(ref_name="main", type=SnapshotRefType.BRANCH, snapshot_id=snapshot),
            RemoveSnapshotRefUpdate(ref_name=self.name),
        )
        requirements = (
            AssertRefSnapshotId(ref="main", snapshot_id=self.base_snapshot),
            AssertRefSnapshotId(ref=self.name, snapshot_id=snapshot),
        )
        for _ in range(_COMMIT_TRIES):
            iceberg = load(self.platform, self.table)
            self._check(iceberg, snapshot)
            try:
                open_catalog(self.platform).commit_table(iceberg, requirements, updates)
                return
            except CommitFailedException:
                # Somebody committed in between: look again whether main is still the base.
                continue
        raise MainMoved("other commits came first each time")

    def was_published(self, snapshot: int | None) -> bool:
        """Whether main has reached the snapshot that the attempt wrote: a commit may succeed and seem to have failed."""
        return snapshot not in (None, self.base_snapshot) and snapshot in history(load(self.platform, self.table))

    def _check(self, iceberg: IcebergTable, snapshot: int) -> None:
        refs = iceberg.metadata.refs
        if refs["main"].snapshot_id != self.base_snapshot:
            raise MainMoved("main moved since the plan")
        if self.name not in refs or refs[self.name].snapshot_id != snapshot:
            raise MainMoved(f"branch {self.name} was dropped by another run's heal")


def branches_of(platform: Platform, table: Table, contract: str) -> dict[str, str]:
    """The branches of the contract's runs on the table: run id by branch name."""
    refs = load(platform, table).metadata.refs
    runs = {name: run_of_branch(name) for name, ref in refs.items() if ref.snapshot_ref_type == SnapshotRefType.BRANCH}
    prefix = f"{contract}."
    return {name: run.removeprefix(prefix) for name, run in runs.items() if run is not None and run.startswith(prefix)}


def drop_branches(platform: Platform, table: Table, names: list[str]) -> None:
    def drop(iceberg: IcebergTable) -> None:
        there = [name for name in names if name in iceberg.metadata.refs]
        if there:
            with _refs(iceberg) as snapshots:
                for name in there:
                    snapshots.remove_branch(name)

    _commit(platform, table, drop)


def _refs(iceberg: IcebergTable) -> ManageSnapshots:
    return ManageSnapshots(QuickTransaction(iceberg, autocommit=True))


def main_snapshot(platform: Platform, table: Table) -> int:
    """Main's snapshot; a table that has none gets an empty one, so that every run has a base to compare with."""

    def first(iceberg: IcebergTable) -> None:
        if iceberg.current_snapshot() is None:
            append_nothing(iceberg)

    current = load(platform, table).current_snapshot()
    if current is None:
        _commit(platform, table, first)
        current = load(platform, table).current_snapshot()
    assert current is not None
    return current.snapshot_id


def append_nothing(iceberg: IcebergTable, branch: str = "main") -> None:
    """An empty snapshot."""
    with QuickTransaction(iceberg) as transaction:
        transaction.append(iceberg.schema().as_arrow().empty_table(), branch=branch)


def history(iceberg: IcebergTable) -> set[int]:
    """The snapshots that main comes from, its own too."""
    return {snapshot.snapshot_id for snapshot in ancestors_of(iceberg.current_snapshot(), iceberg.metadata)}


def load(platform: Platform, table: Table) -> IcebergTable:
    return open_catalog(platform).load_table(table.name)


def _commit(platform: Platform, table: Table, change: Callable[[IcebergTable], None]) -> None:
    """Apply `change` to the table as it is now, again where another commit came first."""
    for _ in range(_COMMIT_TRIES):
        try:
            change(load(platform, table))
            return
        except CommitFailedException:
            continue
    raise PublishLost(f"change the branches of {table.name}: other commits came first {_COMMIT_TRIES} times; run it again")
