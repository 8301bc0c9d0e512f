"""How a run's rows become visible: on a branch of its own, by one compare-and-swap of main.

    heal      branches of unfinished runs are dropped first, and only then main's history tells what became of them
    attempt   the job writes to a branch made from main's snapshot, the base
    publish   note `publishing` → main moves from base to the branch's snapshot, if it still is base → note `visible`

Where main had moved, or a healer took the branch away, the attempt is abandoned and begins again, up to five times. The
unit is a table and a contract: heal leaves the runs of other contracts alone, which may share the table.

The swap is PyIceberg's ``commit_table`` with the requirements that main is the base and that the branch is what was audited:
Spark's ``fast_forward`` alone would also fail for a commit that has nothing to do with main.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.refs import SnapshotRefType
from pyiceberg.table.snapshots import ancestors_of
from pyiceberg.table.update import AssertRefSnapshotId, RemoveSnapshotRefUpdate, SetSnapshotRefUpdate

from lake.catalog import ensure_table, open_catalog
from lake.layout import branch_identifier, branch_name
from lake.publications import Publication, State, note, read_publications
from lake.tables import Table
from runtime.errors import FleetlakeError, PublishLost
from runtime.log import logger
from spark_jobs.session import SparkLake

TRIES = 5
_COMMIT_TRIES = 20
BOUNDARIES = ("healed", "publishing", "fast_forwarded", "visible")
log = logger("publication")


class MainMoved(Exception):
    """Main is not the base any more, or the branch is gone: the attempt must begin again."""


@dataclass
class Branch:
    """A run's branch of one table; made from `base_snapshot` when it is first written to."""

    lake: SparkLake
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
        """Name to write to and read from in Spark SQL; makes the branch."""
        if not self.made:
            self._make()
        return branch_identifier(self.table.name, self.name)

    def _make(self) -> None:
        def create(iceberg: IcebergTable) -> None:
            # A run id is used once, so a branch of that name is what a crash of this very attempt left.
            if self.name not in iceberg.metadata.refs:
                iceberg.manage_snapshots().create_branch(self.base_snapshot, self.name).commit()

        _commit(self.lake, self.table, create)
        self.made = True

    def snapshot(self) -> int:
        """The branch's present snapshot. Raises MainMoved where a healer dropped it."""
        ref = _load(self.lake, self.table).metadata.refs.get(self.name)
        if ref is None:
            raise MainMoved(f"branch {self.name} was dropped by another run's heal")
        return ref.snapshot_id

    def drop(self) -> None:
        _commit(self.lake, self.table, lambda iceberg: _drop_branches(iceberg, [self.name]))


@dataclass(frozen=True)
class Outcome:
    """`run_id` and `snapshot_id` are None where there was nothing to publish."""

    run_id: str | None
    snapshot_id: int | None
    tries: int


Attempt = Callable[[Branch], Sequence[str] | None]


def publish(
    lake: SparkLake,
    table: Table,
    contract: str,
    run: str,
    attempt: Attempt,
    *,
    related_run: str | None = None,
    why: str | None = None,
    who: str | None = None,
    taken: Callable[[], Sequence[str]] = tuple,
) -> Outcome:
    """Run `attempt` on a branch and publish it; `attempt` returns the inputs it was made from, or None for nothing to do.

    `run` is the Airflow run; each try has an id of its own, ``{run}.{n}``. `taken` names ids that are used up although
    nothing was noted of them here. Raises PublishLost when main moved under all five tries.
    """
    for tries in range(1, TRIES + 1):
        heal(lake, table, contract)
        lake.boundary("healed")
        branch = Branch(lake, table, contract, next_run_id(lake, table, run, taken()), _main_snapshot(lake, table))
        try:
            inputs = _attempted(attempt, branch)
            if inputs is None:
                return Outcome(None, None, tries)
            snapshot = branch.snapshot()
            details = {"base_snapshot": branch.base_snapshot, "related_run": related_run, "why": why, "who": who}
            note(
                lake.platform, lake.clock, branch.run_id, table, contract, State.PUBLISHING, snapshot_id=snapshot, inputs=inputs, **details
            )
            lake.boundary("publishing")
            _swap(branch, snapshot)
        except MainMoved as moved:
            log.info(f"publish {table.name}, run {branch.run_id}: {moved}; beginning again")
            branch.drop()
            note(lake.platform, lake.clock, branch.run_id, table, contract, State.ABANDONED, base_snapshot=branch.base_snapshot)
            continue
        lake.boundary("fast_forwarded")
        note(lake.platform, lake.clock, branch.run_id, table, contract, State.VISIBLE, snapshot_id=snapshot, inputs=inputs, **details)
        lake.boundary("visible")
        return Outcome(branch.run_id, snapshot, tries)
    raise PublishLost(f"publish {table.name}, run {run}: other runs published first {TRIES} times; run it again")


def _attempted(attempt: Attempt, branch: Branch) -> Sequence[str] | None:
    """The attempt's inputs. An error that comes from the branch having been dropped under it is MainMoved."""
    try:
        return attempt(branch)
    except FleetlakeError:
        raise
    except Exception as error:
        if branch.made and branch.name not in _load(branch.lake, branch.table).metadata.refs:
            raise MainMoved(f"branch {branch.name} was dropped by another run's heal") from error
        raise


def heal(lake: SparkLake, table: Table, contract: str) -> None:
    """Settle the contract's unfinished runs on the table: drop their branches, then note them visible or abandoned."""
    ensure_table(open_catalog(lake.platform), table)
    unfinished = [run for run in read_publications(lake.platform, table.name, contract) if run.state is State.PUBLISHING]
    prefix = branch_name(f"{contract}.")
    refs = _load(lake, table).metadata.refs
    left = [name for name, ref in refs.items() if ref.snapshot_ref_type == SnapshotRefType.BRANCH and name.startswith(prefix)]
    if left:
        log.info(f"heal {table.name}: dropping the branches of {len(left)} unfinished runs")
        _commit(lake, table, lambda iceberg: _drop_branches(iceberg, left))
    if unfinished:
        history = _history(lake, table)
        for run in unfinished:
            _settle(lake, table, run, history)


def next_run_id(lake: SparkLake, table: Table, run: str, taken: Sequence[str] = ()) -> str:
    """``{run}.{n}`` with the first n above all that were used."""
    used = {known.run_id for known in read_publications(lake.platform, table.name)} | set(taken)
    numbers = [int(name.rpartition(".")[2]) for name in used if name.rpartition(".")[0] == run and name.rpartition(".")[2].isdigit()]
    return f"{run}.{max(numbers, default=0) + 1}"


def _settle(lake: SparkLake, table: Table, run: Publication, history: set[int]) -> None:
    state = State.VISIBLE if run.snapshot_id in history else State.ABANDONED
    log.info(f"heal {table.name}: run {run.run_id} was left publishing; it is {state}")
    note(
        lake.platform,
        lake.clock,
        run.run_id,
        table,
        run.contract,
        state,
        snapshot_id=run.snapshot_id,
        base_snapshot=run.base_snapshot,
        inputs=run.inputs,
        related_run=run.related_run,
        why=run.why,
        who=run.who,
    )


def _swap(branch: Branch, snapshot: int) -> None:
    """Move main from the base to `snapshot` and drop the branch, in one commit. Raises MainMoved."""
    lake, table = branch.lake, branch.table
    metadata = _load(lake, table).metadata
    if branch.base_snapshot not in {ancestor.snapshot_id for ancestor in ancestors_of(metadata.snapshot_by_id(snapshot), metadata)}:
        raise MainMoved(f"branch {branch.name} does not come from the planned base {branch.base_snapshot}")
    updates = (
        SetSnapshotRefUpdate(ref_name="main", type=SnapshotRefType.BRANCH, snapshot_id=snapshot),
        RemoveSnapshotRefUpdate(ref_name=branch.name),
    )
    for _ in range(_COMMIT_TRIES):
        iceberg = _load(lake, table)
        refs = iceberg.metadata.refs
        if refs["main"].snapshot_id != branch.base_snapshot:
            raise MainMoved("main moved since the plan")
        if branch.name not in refs or refs[branch.name].snapshot_id != snapshot:
            raise MainMoved(f"branch {branch.name} was dropped by another run's heal")
        requirements = (
            AssertRefSnapshotId(ref="main", snapshot_id=branch.base_snapshot),
            AssertRefSnapshotId(ref=branch.name, snapshot_id=snapshot),
        )
        try:
            open_catalog(lake.platform).commit_table(iceberg, requirements, updates)
            return
        except CommitFailedException:
            # Somebody committed in between: look again whether main is still the base.
            continue
    raise MainMoved("other commits came first each time")


def _main_snapshot(lake: SparkLake, table: Table) -> int:
    """Main's snapshot; a table that has none gets an empty one, so that every run has a base to compare with."""
    iceberg = _load(lake, table)
    if iceberg.current_snapshot() is None:
        _commit(lake, table, _first_snapshot)
        iceberg = _load(lake, table)
    current = iceberg.current_snapshot()
    assert current is not None
    return current.snapshot_id


def _first_snapshot(iceberg: IcebergTable) -> None:
    if iceberg.current_snapshot() is None:
        iceberg.append(pa.Table.from_pylist([], schema=iceberg.schema().as_arrow()))


def _drop_branches(iceberg: IcebergTable, names: list[str]) -> None:
    there = [name for name in names if name in iceberg.metadata.refs]
    if there:
        with iceberg.manage_snapshots() as snapshots:
            for name in there:
                snapshots.remove_branch(name)


def _history(lake: SparkLake, table: Table) -> set[int]:
    iceberg = _load(lake, table)
    return {snapshot.snapshot_id for snapshot in ancestors_of(iceberg.current_snapshot(), iceberg.metadata)}


def _commit(lake: SparkLake, table: Table, change: Callable[[IcebergTable], None]) -> None:
    """Apply `change` to the table as it is now, again where another commit came first."""
    for _ in range(_COMMIT_TRIES):
        try:
            change(_load(lake, table))
            return
        except CommitFailedException:
            continue
    raise PublishLost(f"change the branches of {table.name}: other commits came first {_COMMIT_TRIES} times; run it again")


def _load(lake: SparkLake, table: Table) -> IcebergTable:
    return open_catalog(lake.platform).load_table(table.name)
