"""Changes to a table that must leave all else as it is: written to a branch, proven there, and only then published.

The proof compares what the change took away with what it put in its place. Data files never change, so all rows but those of
the files that went and of the files that came are the same by being the same files; of these two, every row that was not
meant to go must be there before and after, equally often, whatever its order: the same count and the same multiset hash
(lake.fingerprint, over all columns). Where it is not so, the proof says it in ops.maintenance and nothing is published.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyiceberg.table.snapshots import Operation
from pyspark.sql import Column

from lake.catalog import ensure_table, open_catalog
from lake.maintenance import MAINTAINED, Action, Proof, Verdict, record
from lake.stand_in import standing_for
from lake.tables import MAINTENANCE, SHARED_TABLES, Table, contract_tables
from runtime.errors import ProofFailed, PublishLost
from runtime.log import logger
from spark_jobs.branch import Branch, MainMoved, branches_of, drop_branches, load, main_snapshot
from spark_jobs.live_manifests import settle
from spark_jobs.publication import Outcome, heal, publish
from spark_jobs.session import SparkLake
from spark_jobs.table_files import data_files, multiset, sizes

# Of the tables of operation, to which every run appends: each try takes a second, and nothing is lost by another one.
_OPS_TRIES = 20
log = logger("maintain")


@dataclass(frozen=True)
class Change:
    """`write` writes to the branch in one commit and says whether it did; rows that satisfy `gone` are meant to go, all others to stay.

    `edited`: rows that stand in the place of others, which are not compared. `is_rewrite`: the table says the same afterwards.
    `facts`: columns of ops.maintenance beside those of the proof.
    """

    table: Table
    action: Action
    run: str
    write: Callable[[Branch], bool]
    gone: Column | None = None
    edited: Column | None = None
    is_rewrite: bool = False
    facts: dict[str, Any] = field(default_factory=dict)


def apply(lake: SparkLake, change: Change) -> Outcome:
    """Publish the change, begun again where other runs came first. Raises ProofFailed where it would change what must stay."""
    if change.table.namespace == "ops":
        return _publish_unnoted(lake, change)
    return publish(lake, change.table, MAINTAINED, change.run, lambda branch: _attempt(lake, change, branch))


def _attempt(lake: SparkLake, change: Change, branch: Branch) -> Sequence[str] | None:
    if not change.write(branch):
        return None
    lake.boundary("written")
    properties = standing_for(load(branch.platform, branch.table), branch.base_snapshot)
    settle(branch, Operation.REPLACE if change.is_rewrite else Operation.OVERWRITE, properties)
    proof = prove(lake, change, branch)
    if change.table.name != MAINTENANCE.name or proof.verdict is Verdict.REFUSED:
        record(lake.platform, lake.clock, proof)
    if proof.verdict is Verdict.REFUSED:
        branch.drop()
        raise ProofFailed(f"{change.action} {change.table.name}, run {branch.run_id}: {proof.detail}; nothing was published")
    lake.boundary("proved")
    log.info(f"{change.action} {change.table.name}: {proof.detail}")
    return []


def prove(lake: SparkLake, change: Change, branch: Branch) -> Proof:
    """What the branch changed against its base, and whether that is what was meant."""
    now = branch.snapshot()
    before, after = (data_files(lake.platform, branch.table, snapshot) for snapshot in (branch.base_snapshot, now))
    went, came = before.keys() - after.keys(), after.keys() - before.keys()
    apart = change.gone if change.gone is None or change.edited is None else change.gone | change.edited
    old, new = (multiset(lake, branch.table, paths, apart) for paths in (went, came))
    left = change.gone is not None and not lake.spark.table(branch.identifier).where(change.gone).isEmpty()
    rows, files, size = sizes(before)
    new_rows, new_files, new_size = sizes(after)
    holds = old == new and not left
    return Proof(
        branch.run_id,
        change.action,
        branch.table.name,
        Verdict.HOLDS if holds else Verdict.REFUSED,
        rows_before=rows,
        rows_after=new_rows,
        hash_before=old.digest,
        hash_after=new.digest,
        rows_compared=old.rows,
        files_before=files,
        files_after=new_files,
        bytes_before=size,
        bytes_after=new_size,
        snapshot_before=branch.base_snapshot,
        snapshot_after=now,
        detail=_told(
            old.rows, new.rows, old == new, left, f"{files} files to {new_files}, {size} to {new_size} bytes, {rows - new_rows} rows gone"
        ),
        **change.facts,
    )


def _told(old: int, new: int, are_equal: bool, left: bool, done: str) -> str:
    if left:
        return "rows that were meant to go are still there"
    if not are_equal:
        return f"the rows that were meant to stay are others afterwards: {old} before, {new} after"
    return f"{done}; {old} rewritten rows are the same"


def _publish_unnoted(lake: SparkLake, change: Change) -> Outcome:
    """Publish to a table of operation. A note in ops.publications would itself move that table's main, and nobody asks for it."""
    heal_unnoted(lake, change.table)
    for tries in range(1, _OPS_TRIES + 1):
        branch = Branch(lake.platform, change.table, MAINTAINED, f"{change.run}.{tries}", main_snapshot(lake.platform, change.table))
        try:
            if _attempt(lake, change, branch) is None:
                branch.drop()
                return Outcome(None, None, tries)
            snapshot = branch.snapshot()
            lake.boundary("publishing")
            proof = prove(lake, change, branch) if change.table.name == MAINTENANCE.name else None
            branch.swap(snapshot)
            lake.boundary("fast_forwarded")
            if proof is not None:
                # Noted before, it would have moved the very main that is swapped.
                record(lake.platform, lake.clock, proof)
            return Outcome(branch.run_id, snapshot, tries)
        except MainMoved as moved:
            branch.drop()
            log.info(f"{change.action} {change.table.name}, run {branch.run_id}: {moved}; beginning again")
    raise PublishLost(f"{change.action} {change.table.name}, run {change.run}: other runs committed first {_OPS_TRIES} times; run it again")


def heal_unnoted(lake: SparkLake, table: Table) -> None:
    ensure_table(open_catalog(lake.platform), table)
    left = branches_of(lake.platform, table, MAINTAINED)
    if left:
        drop_branches(lake.platform, table, list(left))


def heal_all(lake: SparkLake, table: Table) -> None:
    """Settle what runs of every contract, and of maintenance, left unfinished on the table."""
    if table.namespace == "ops":
        heal_unnoted(lake, table)
        return
    for contract in (*owners(lake, table), MAINTAINED):
        heal(lake, table, contract)


def owners(lake: SparkLake, table: Table) -> list[str]:
    """The contracts whose runs publish to the table."""
    if table in SHARED_TABLES:
        return list(lake.contracts)
    return [contract.name for contract in lake.contracts.values() if table.name in {found.name for found in contract_tables(contract)}]
