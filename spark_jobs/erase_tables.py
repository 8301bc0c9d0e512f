"""A device taken out of an Iceberg table, its history included: rows, the bounds of manifests, named snapshots, files.

    find      the data files, of every snapshot and of none, that hold a row of the device
    main      its rows deleted on a branch, under new manifests, proven and published; or, where main has none, an empty
              snapshot, so that no run that read the lake before can still publish what it read
    names     each named snapshot that holds it made again without it, proven, under its name
    history   every snapshot that knows one of those files expired, and the files removed

A snapshot that never knew the device stays, and with it what `as_of` reads of it.
"""

from collections.abc import Collection
from datetime import timedelta

import pyarrow.parquet as pq
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.refs import SnapshotRefType
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update import AssertRefSnapshotId, RemoveSnapshotRefUpdate, SetSnapshotRefUpdate
from pyspark.sql import functions as F

from lake.catalog import open_catalog
from lake.erased_device import Device
from lake.maintenance import MAINTAINED, Action, Verdict, record
from lake.stand_in import remade
from lake.table_storage import StoredFile, known_paths, path_forms, remove, stored_files
from lake.tables import Table
from runtime.errors import ProofFailed, RetryLater
from spark_jobs.branch import Branch, append_nothing, load
from spark_jobs.expiry import expire_these
from spark_jobs.live_manifests import settle
from spark_jobs.maintained import Change, apply, heal_all, prove
from spark_jobs.session import SparkLake
from spark_jobs.table_files import data_files

_TRIES = 20
# A job may be writing files that nobody knows yet; those of the erased device are looked into at any age.
WRITING = timedelta(hours=1)


def holding(lake: SparkLake, table: Table, device: Device) -> set[str]:
    """The data files with a row of the device, of all that any snapshot has ever known and still does."""
    iceberg = load(lake.platform, table)
    every = sorted(set().union(*known_files(iceberg).values()))
    there = {file.path for file in stored_files(iceberg)}
    paths = [path for path in every if not there.isdisjoint(path_forms(path))]
    if not paths:
        return set()
    rows = lake.spark.read.schema("device_id string").parquet(*paths).where(F.col("device_id") == device.id)
    found = {form for row in rows.select("_metadata.file_path").distinct().collect() for form in path_forms(row["file_path"])}
    return {path for path in every if not found.isdisjoint(path_forms(path))}


def erase_rows(lake: SparkLake, table: Table, device: Device, run: str, files: Collection[str]) -> None:
    """Main without the device; main's snapshot is another one afterwards in any case."""
    heal_all(lake, table)
    gone = F.col("device_id") == device.id
    current = load(lake.platform, table).current_snapshot()
    is_there = current is not None and not files_of(lake, table, current.snapshot_id).isdisjoint(files)

    def write(branch: Branch) -> bool:
        if is_there:
            _delete(lake, branch, device)
        else:
            branch.make()
            append_nothing(load(lake.platform, table), branch.name)
        return True

    apply(lake, Change(table, Action.ERASE, run, write, gone=gone))


def _delete(lake: SparkLake, branch: Branch, device: Device) -> None:
    # Iceberg's DELETE binds no parameter. A backslash quotes in Spark's SQL.
    text = device.id.replace("\\", "\\\\").replace("'", "\\'")
    lake.sql(f"DELETE FROM {branch.identifier} WHERE device_id = '{text}'")  # noqa: S608 - quoted above


def files_of(lake: SparkLake, table: Table, snapshot_id: int) -> set[str]:
    return set(data_files(lake.platform, table, snapshot_id))


def remake_named(lake: SparkLake, table: Table, device: Device, run: str, files: Collection[str]) -> list[str]:
    """The names whose snapshots were made again."""
    refs = load(lake.platform, table).metadata.refs
    tags = {name: ref.snapshot_id for name, ref in refs.items() if ref.snapshot_ref_type == SnapshotRefType.TAG}
    holding = sorted(name for name, snapshot in tags.items() if not files_of(lake, table, snapshot).isdisjoint(files))
    for place, name in enumerate(holding):
        _remake(lake, table, device, f"{run}.named{place}", name, tags[name])
    return holding


def _remake(lake: SparkLake, table: Table, device: Device, run: str, name: str, snapshot: int) -> None:
    branch = Branch(lake.platform, table, MAINTAINED, run, snapshot)

    def write(branch: Branch) -> bool:
        _delete(lake, branch, device)
        return True

    change = Change(table, Action.ERASE, run, write, gone=F.col("device_id") == device.id, facts={"why": f"named {name}"})
    change.write(branch)
    made = settle(branch, Operation.OVERWRITE, remade(load(lake.platform, table), snapshot))
    proof = prove(lake, change, branch)
    record(lake.platform, lake.clock, proof)
    if proof.verdict is Verdict.REFUSED:
        branch.drop()
        raise ProofFailed(f"erase from {table.name} as named {name}: {proof.detail}; it has its name still")
    _move_name(lake, table, name, snapshot, branch.name, made)


def _move_name(lake: SparkLake, table: Table, name: str, before: int, branch: str, made: int) -> None:
    updates = (SetSnapshotRefUpdate(ref_name=name, type=SnapshotRefType.TAG, snapshot_id=made), RemoveSnapshotRefUpdate(ref_name=branch))
    requirements = (AssertRefSnapshotId(ref=name, snapshot_id=before), AssertRefSnapshotId(ref=branch, snapshot_id=made))
    for _ in range(_TRIES):
        try:
            open_catalog(lake.platform).commit_table(load(lake.platform, table), requirements, updates)
            return
        except CommitFailedException:
            continue
    raise RetryLater(f"name {name} of {table.name}: other writers committed first; run the erasure again")


def forget(lake: SparkLake, table: Table, run: str, files: Collection[str]) -> int:
    """Expire every snapshot that knows one of the files, as live or as deleted; how many."""
    known = known_files(load(lake.platform, table))
    return expire_these(lake, table, run, [snapshot for snapshot, paths in known.items() if not paths.isdisjoint(files)])


def known_files(iceberg: IcebergTable) -> dict[int, set[str]]:
    """The data files that each snapshot's manifests tell of, those too that it took away."""
    of_manifest: dict[str, set[str]] = {}
    known: dict[int, set[str]] = {}
    for snapshot in iceberg.snapshots():
        paths = known[snapshot.snapshot_id] = set()
        for manifest in snapshot.manifests(iceberg.io):
            name = manifest.manifest_path
            if name not in of_manifest:
                entries = manifest.fetch_manifest_entry(iceberg.io, discard_deleted=False)
                of_manifest[name] = {entry.data_file.file_path for entry in entries}
            paths |= of_manifest[name]
    return known


def remove_unknown(lake: SparkLake, table: Table, device: Device) -> list[StoredFile]:
    """Files that no snapshot knows and that hold the device, or may: removed, but those that a job may be writing, which are returned."""
    iceberg = load(lake.platform, table)
    stored = stored_files(iceberg)
    known = known_paths(load(lake.platform, table))
    unknown = [file for file in stored if file.path not in known and _may_hold(iceberg, file, device)]
    youngest = lake.clock.now() - WRITING
    remove(iceberg, [file.path for file in unknown if file.changed_at < youngest])
    return [file for file in unknown if file.changed_at >= youngest]


def _may_hold(iceberg: IcebergTable, file: StoredFile, device: Device) -> bool:
    if file.path.endswith((".metadata.json", ".crc")):
        # Neither has a value of a row.
        return False
    if not file.path.endswith(".parquet"):
        return True
    try:
        with iceberg.io.new_input(_address(iceberg, file)).open() as stream:
            return device.id in pq.read_table(stream, columns=["device_id"])["device_id"].to_pylist()
    except (OSError, ValueError):
        # Not whole: its writer is at work or died.
        return True


def _address(iceberg: IcebergTable, file: StoredFile) -> str:
    scheme = iceberg.location().partition(":")[0]
    return f"file://{file.path}" if scheme == "file" else f"{scheme}://{file.path}"
