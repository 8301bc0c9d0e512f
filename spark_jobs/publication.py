"""How a run's rows become visible: on a branch of its own, by one compare-and-swap of main.

    heal      branches of unfinished runs are dropped first, and only then main's history tells what became of them
    attempt   the job writes to a branch made from main's snapshot, the base
    publish   note `publishing` → main moves from base to the branch's snapshot, if it still is base → note `visible`

Where main had moved, or a healer took the branch away, the attempt is abandoned and begins again, up to five times. It does
not drop branches again then: of runs at once, each takes the branches away that were there when it began, and the one that
began last is left alone. The unit is a table and a contract: runs of other contracts, which may share the table, are not
touched.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pyiceberg.exceptions import CommitFailedException

from lake.catalog import ensure_table, open_catalog
from lake.publications import Publication, State, note, read_publications
from lake.tables import Table
from runtime.errors import FleetlakeError, PublishLost
from runtime.log import logger
from spark_jobs.branch import Branch, MainMoved, branches_of, drop_branches, history, load, main_snapshot
from spark_jobs.session import SparkLake

TRIES = 5
BOUNDARIES = ("healed", "publishing", "fast_forwarded", "visible")
log = logger("publication")


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

    It writes to ``branch.identifier`` in one commit, computed from `branch.base_snapshot`. `run` is the Airflow run; each try
    has an id of its own, ``{run}.{n}``. `taken` names ids that are used up although nothing was noted of them here.
    Raises PublishLost when main moved under all five tries.
    """
    heal(lake, table, contract)
    lake.boundary("healed")
    details = {"related_run": related_run, "why": why, "who": who}
    for tries in range(1, TRIES + 1):
        # The base is read before the attempt looks at what is visible: what becomes visible in between moves main.
        base = main_snapshot(lake.platform, table)
        branch = Branch(lake.platform, table, contract, next_run_id(lake, table, contract, run, taken()), base)
        try:
            snapshot = _try(lake, branch, attempt, details)
            return Outcome(branch.run_id if snapshot else None, snapshot, tries)
        except MainMoved as moved:
            log.info(f"publish {table.name}, run {branch.run_id}: {moved}; beginning again")
            note_visible(lake, table, contract)
    raise PublishLost(f"publish {table.name}, run {run}: other runs published first {TRIES} times; run it again")


def _try(lake: SparkLake, branch: Branch, attempt: Attempt, details: dict[str, Any]) -> int | None:
    """One attempt, published: its snapshot, or None where there is nothing to do. Raises MainMoved, the run then abandoned."""
    facts: dict[str, Any] = {"base_snapshot": branch.base_snapshot, **details}
    try:
        inputs = _attempted(attempt, branch)
        if inputs is None:
            branch.drop()
            return None
        facts |= {"snapshot_id": branch.snapshot(), "inputs": inputs}
        note(lake.platform, lake.clock, branch.run_id, branch.table, branch.contract, State.PUBLISHING, **facts)
        lake.boundary("publishing")
        branch.swap(facts["snapshot_id"])
    except MainMoved:
        # As in heal: the branch goes first, so that nothing can publish it once main's history has been asked.
        branch.drop()
        if not branch.was_published(facts.get("snapshot_id")):
            if branch.made:
                note(lake.platform, lake.clock, branch.run_id, branch.table, branch.contract, State.ABANDONED, **facts)
            raise
    lake.boundary("fast_forwarded")
    note(lake.platform, lake.clock, branch.run_id, branch.table, branch.contract, State.VISIBLE, **facts)
    lake.boundary("visible")
    return int(facts["snapshot_id"])


def _attempted(attempt: Attempt, branch: Branch) -> Sequence[str] | None:
    """The attempt's inputs. An error that comes from the branch having been dropped under it, or from other commits each time, is MainMoved."""
    try:
        inputs = attempt(branch)
        if inputs is not None:
            branch.make()
        return inputs
    except (FleetlakeError, MainMoved):
        raise
    except Exception as error:
        if branch.made and not branch.exists:
            raise MainMoved(f"branch {branch.name} was dropped by another run's heal") from error
        if _is_overtaken(error):
            raise MainMoved(f"other commits to {branch.table.name} came first each time that {branch.name} tried") from error
        raise


def _is_overtaken(error: Exception) -> bool:
    """PyIceberg's error of that name, or Spark's, which is known by its text."""
    return isinstance(error, CommitFailedException) or "org.apache.iceberg.exceptions.CommitFailedException" in str(error)


def heal(lake: SparkLake, table: Table, contract: str) -> None:
    """Settle the contract's unfinished runs on the table: drop their branches, then note them visible or abandoned."""
    ensure_table(open_catalog(lake.platform), table)
    left = branches_of(lake.platform, table, contract)
    if left:
        log.info(f"heal {table.name}: dropping the branches of unfinished runs: {', '.join(sorted(left.values()))}")
        drop_branches(lake.platform, table, list(left))
    # From here on none of them can publish. Only now do the notes and main's history tell what each of them did.
    known = {run.run_id: run for run in read_publications(lake.platform, table.name, contract)}
    unfinished = [run for run in known.values() if run.state is State.PUBLISHING]
    reached = history(load(lake.platform, table)) if unfinished else set()
    for run in unfinished:
        _note_state(lake, table, run, State.VISIBLE if run.snapshot_id in reached else State.ABANDONED)
    for run_id in sorted(set(left.values()) - known.keys()):
        note(lake.platform, lake.clock, run_id, table, contract, State.ABANDONED)


def note_visible(lake: SparkLake, table: Table, contract: str) -> None:
    """Note those visible that main has reached and that have not said so yet; live runs are left alone."""
    publishing = [run for run in read_publications(lake.platform, table.name, contract) if run.state is State.PUBLISHING]
    reached = history(load(lake.platform, table)) if publishing else set()
    for run in publishing:
        if run.snapshot_id in reached:
            _note_state(lake, table, run, State.VISIBLE)


def next_run_id(lake: SparkLake, table: Table, contract: str, run: str, taken: Sequence[str] = ()) -> str:
    """``{run}.{n}`` with the first n above all that were used."""
    noted = {known.run_id for known in read_publications(lake.platform, table.name, contract)}
    used = noted | set(taken) | set(branches_of(lake.platform, table, contract).values())
    numbers = [int(name.rpartition(".")[2]) for name in used if name.rpartition(".")[0] == run and name.rpartition(".")[2].isdigit()]
    return f"{run}.{max(numbers, default=0) + 1}"


def _note_state(lake: SparkLake, table: Table, run: Publication, state: State) -> None:
    log.info(f"{table.name}: run {run.run_id} was left publishing; it is {state}")
    facts = {name: getattr(run, name) for name in ("snapshot_id", "base_snapshot", "inputs", "related_run", "why", "who")}
    note(lake.platform, lake.clock, run.run_id, table, run.contract, state, **facts)
