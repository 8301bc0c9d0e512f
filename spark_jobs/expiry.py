"""Snapshots that nobody needs, and files that no snapshot knows, taken off storage.

Expiry first takes snapshots out of the table's metadata, which changes no row of what is left; the files go only when all that
the metadata still knows of is proven not to be among them. Orphans are files that no metadata knows of: of jobs that died
while writing. A job that is writing now has files that none knows of yet, so that young ones stay.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pyiceberg.table import Table as IcebergTable

from lake.expiry import YOUNG, expirable
from lake.layout import table_identifier
from lake.maintenance import Action, Proof, Verdict, record
from lake.publications import read_publications
from lake.table_storage import StoredFile, known_paths, remove, stored_files
from lake.tables import Table
from runtime.errors import ProofFailed, UserError
from runtime.log import logger
from spark_jobs.branch import load
from spark_jobs.maintained import heal_all, owners
from spark_jobs.session import SparkLake
from spark_jobs.table_files import DataFile, data_files, sizes

ORPHAN_AGE = timedelta(days=3)
_LEAST_ORPHAN_AGE = timedelta(hours=1)
log = logger("maintain")


def history_of(lake: SparkLake, table: Table) -> timedelta | None:
    """How far back `as_of` must reach on the table: the longest of its contracts' windows; None for ever."""
    windows = [lake.contracts[name].retention.history_days for name in owners(lake, table)]
    known = [days for days in windows if days is not None]
    return timedelta(days=max(known)) if known and len(known) == len(windows) else None


def plan_expiry(lake: SparkLake, table: Table, young: timedelta = YOUNG) -> list[int]:
    runs = read_publications(lake.platform, table.name)
    return expirable(table, load(lake.platform, table), runs, history_of(lake, table), lake.clock.now(), young)


def expire(lake: SparkLake, table: Table, run: str, young: timedelta = YOUNG) -> int:
    """Expire what nobody needs; how many snapshots. Raises ProofFailed, no file gone, where main or a name would lose one."""
    heal_all(lake, table)
    return expire_these(lake, table, run, plan_expiry(lake, table, young))


def expire_these(lake: SparkLake, table: Table, run: str, ids: list[int]) -> int:
    """Take these snapshots out of the table and their files off storage; how many there were."""
    if not ids:
        return 0
    before = load(lake.platform, table)
    going = known_paths(before, [snapshot for snapshot in before.snapshots() if snapshot.snapshot_id in set(ids)])
    _take_out(lake, table, ids)
    lake.boundary("taken_out")
    after = load(lake.platform, table)
    files = going - known_paths(after)
    proof = _proof(lake, table, run, before, after, files, len(ids))
    record(lake.platform, lake.clock, proof)
    if proof.verdict is Verdict.REFUSED:
        raise ProofFailed(f"expire {table.name}: {proof.detail}; no file was removed")
    gone = remove(after, files)
    log.info(f"expire {table.name}: {len(ids)} snapshots, {gone} files")
    return len(ids)


def _take_out(lake: SparkLake, table: Table, ids: list[int]) -> None:
    """By Iceberg's own Java: it keeps what has a name at the moment of the commit, where PyIceberg would drop the name with it."""
    jvm: Any = lake.spark._jvm
    # Iceberg asks the active session which catalog a name begins with, and that may be another lake's.
    jvm.org.apache.spark.sql.classic.SparkSession.setActiveSession(lake.spark._jsparkSession)
    loaded = jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(lake.spark._jsparkSession, table_identifier(table.name))
    # Nothing by its age: the table's own default is five days.
    update = loaded.expireSnapshots().expireOlderThan(1).retainLast(1).cleanExpiredFiles(False)
    for snapshot_id in ids:
        update = update.expireSnapshotId(snapshot_id)
    update.commit()


def _proof(lake: SparkLake, table: Table, run: str, before: IcebergTable, after: IcebergTable, files: set[str], count: int) -> Proof:
    main = before.current_snapshot()
    assert main is not None
    there, now = (
        data_files(lake.platform, table, main.snapshot_id) if found.snapshot_by_id(main.snapshot_id) else {} for found in (before, after)
    )
    lost = {name for name, ref in before.metadata.refs.items() if after.snapshot_by_id(ref.snapshot_id) is None}
    needed = files & known_paths(after)
    holds = there == now and not lost and not needed
    if holds:
        told = f"{count} snapshots expired; {len(files)} files that they alone knew go, main has the same files"
    elif lost:
        told = f"{', '.join(sorted(lost))} would be lost"
    else:
        told = f"{len(needed)} files are still needed" if needed else "main would be another"
    return _proof_where_main_stays(
        run, Action.EXPIRE, table, main.snapshot_id, there, now, Verdict.HOLDS if holds else Verdict.REFUSED, told
    )


def _proof_where_main_stays(
    run: str,
    action: Action,
    table: Table,
    snapshot: int | None,
    before: Mapping[str, DataFile],
    after: Mapping[str, DataFile],
    verdict: Verdict,
    detail: str,
) -> Proof:
    """Of an action that leaves main where it is: its files before and after."""
    rows, files, size = sizes(before)
    rows_after, files_after, size_after = sizes(after)
    return Proof(
        run,
        action,
        table.name,
        verdict,
        rows_before=rows,
        rows_after=rows_after,
        files_before=files,
        files_after=files_after,
        bytes_before=size,
        bytes_after=size_after,
        snapshot_before=snapshot,
        snapshot_after=snapshot,
        detail=detail,
    )


def plan_orphans(lake: SparkLake, table: Table, age: timedelta = ORPHAN_AGE, now: datetime | None = None) -> list[StoredFile]:
    """Files of the table's folder that no metadata knows and that nobody has changed for `age`.

    Raises UserError for an age at which a file may be one that a job is writing.
    """
    if age < _LEAST_ORPHAN_AGE:
        raise UserError(
            f"orphans of {table.name}: an age of {age} may take a file that a job is writing; give at least {_LEAST_ORPHAN_AGE}"
        )
    # Storage first: what is committed after it was looked at is then known.
    stored = stored_files(load(lake.platform, table))
    known = known_paths(load(lake.platform, table))
    oldest = (now or lake.clock.now()) - age
    return [file for file in stored if file.path not in known and file.changed_at < oldest]


def remove_orphans(lake: SparkLake, table: Table, run: str, age: timedelta = ORPHAN_AGE) -> int:
    """Remove them; how many."""
    heal_all(lake, table)
    orphans = plan_orphans(lake, table, age)
    if not orphans:
        return 0
    iceberg = load(lake.platform, table)
    current = iceberg.current_snapshot()
    snapshot = current.snapshot_id if current else None
    files = data_files(lake.platform, table, snapshot)
    size_of_orphans = sum(file.bytes for file in orphans)
    told = f"{len(orphans)} files of {size_of_orphans} bytes that no snapshot knows, none younger than {age}"
    record(
        lake.platform, lake.clock, _proof_where_main_stays(run, Action.REMOVE_ORPHANS, table, snapshot, files, files, Verdict.HOLDS, told)
    )
    remove(iceberg, [file.path for file in orphans])
    log.info(f"orphans of {table.name}: {told}")
    return len(orphans)
