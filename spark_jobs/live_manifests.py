"""A branch's snapshot written once more, straight upon the run's base and with manifests of what lives alone.

A commit of Spark notes the files that it took away, with the bounds of their columns: the first and the last device of each.
And it leaves manifests small, one or two a commit. So the run's branch gets, in place of what Spark wrote, a snapshot with the
same data files under new manifests, whose parent is the base, as publication.py asks, and which says what it stands for.

PyIceberg has no such step of its own: this is its append with another list of manifests. ``tests/spark_jobs/test_live_manifests.py``
reads what comes of it by Spark and by PyIceberg, so that a version that changes its inner parts is noticed.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pyiceberg.manifest import ManifestEntry, ManifestFile
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table import Transaction
from pyiceberg.table.snapshots import Operation, Snapshot, Summary
from pyiceberg.table.update.snapshot import _FastAppendFiles

from lake.catalog import QuickTransaction
from spark_jobs.branch import Branch, MainMoved, load

# About 8 MB of a manifest.
_ENTRIES = 20_000
_TOTALS = (
    "total-records",
    "total-data-files",
    "total-files-size",
    "total-delete-files",
    "total-position-deletes",
    "total-equality-deletes",
)


def settle(branch: Branch, operation: Operation, properties: Mapping[str, str]) -> int:
    """Put a clean snapshot in place of what the run wrote to its branch; its id. Raises MainMoved where the branch was dropped."""
    written = branch.snapshot()
    iceberg = load(branch.platform, branch.table)
    replace_head(iceberg, branch.name, written, branch.base_snapshot, operation, properties)
    return branch.snapshot()


def replace_head(
    iceberg: IcebergTable, ref: str, written: int, parent: int | None, operation: Operation, properties: Mapping[str, str]
) -> None:
    """The branch `ref`, which stands at `written`, moves to a snapshot with the same files whose parent is `parent`."""
    source = iceberg.snapshot_by_id(written)
    assert source is not None
    with QuickTransaction(iceberg) as transaction:
        _Clean(operation, transaction, iceberg.io, ref, dict(properties), source, parent).commit()


class _Clean(_FastAppendFiles):
    def __init__(
        self,
        operation: Operation,
        transaction: Transaction,
        io: Any,
        branch: str,
        properties: dict[str, str],
        source: Snapshot,
        parent: int | None,
    ) -> None:
        super().__init__(operation, transaction, io, snapshot_properties=properties, branch=branch)
        self._source = source
        self._parent = parent
        self._parent_snapshot_id = parent

    def _existing_manifests(self) -> list[ManifestFile]:
        of_spec: dict[int, list[ManifestEntry]] = {}
        for manifest in self._source.manifests(io=self._io):
            live = manifest.fetch_manifest_entry(io=self._io, discard_deleted=True)
            of_spec.setdefault(manifest.partition_spec_id, []).extend(live)
        return [self._written(spec, some) for spec, entries in of_spec.items() for some in _parts(entries)]

    def _written(self, spec: int, entries: list[ManifestEntry]) -> ManifestFile:
        with self.new_manifest_writer(self.spec(spec)) as writer:
            for entry in entries:
                writer.existing(entry)
        return writer.to_manifest_file()

    def _summary(self, snapshot_properties: Mapping[str, str] | None = None) -> Summary:
        totals = {name: text for name in _TOTALS if self._source.summary and (text := self._source.summary[name]) is not None}
        return Summary(self._operation, **totals, **(snapshot_properties or {}))

    def _refresh_for_retry(self) -> None:
        """Another commit came first. PyIceberg would begin from whatever the branch is now."""
        if self._current_branch_head_id() != self._source.snapshot_id:
            raise MainMoved(f"branch {self._target_branch} was dropped by another run's heal")
        super()._refresh_for_retry()
        self._parent_snapshot_id = self._parent


def _parts(entries: list[ManifestEntry]) -> Iterator[list[ManifestEntry]]:
    for start in range(0, len(entries), _ENTRIES):
        yield entries[start : start + _ENTRIES]
