"""The daily maintenance of a contract's tables, or of those that all share: heal, retain, compact, expire, remove orphans.

In this order: what is not kept need not be compacted, and what compaction replaced goes with the next day's expiry. Each step
leaves its proof in ops.maintenance; one that fails leaves its table as it was, and the others are still done.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lake.catalog import ensure_tables
from lake.tables import OPS, SHARED_TABLES, Table, contract_tables
from runtime.errors import FleetlakeError, JobError, ProofFailed, UserError
from runtime.log import logger
from spark_jobs.compaction import compact, plan
from spark_jobs.evolution import evolve
from spark_jobs.expiry import expire, plan_expiry, plan_orphans, remove_orphans
from spark_jobs.main import SHARED
from spark_jobs.retention import retain
from spark_jobs.session import SparkLake, prepare_tables

log = logger("maintain")


@dataclass(frozen=True)
class _Step:
    """`words`: what it is about; `plan` says what would be done, `act` does it and says what was done; nothing where there is nothing."""

    words: str
    plan: Callable[[], str]
    act: Callable[[], str]


def tables_of(lake: SparkLake, contract: str) -> tuple[Table, ...]:
    """The tables to maintain of a contract; of SHARED those of all contracts and of operation."""
    return (*SHARED_TABLES, *OPS) if contract == SHARED else contract_tables(lake.contracts.named(contract))


def run(lake: SparkLake, contract: str, run: str, names: Sequence[str] = (), dry_run: bool = False) -> list[str]:
    """Maintain the tables (those of `names`, or all); what was done, or would be, in words.

    Raises JobError at the end where a step failed, UserError for a table that is not one of these.
    """
    tables = _chosen(tables_of(lake, contract), names, contract)
    if contract == SHARED:
        ensure_tables(lake.platform, tables)
    else:
        prepare_tables(lake.platform, lake.contracts.named(contract))
        if not dry_run:
            evolve(lake, lake.contracts.named(contract))
    steps = [] if contract == SHARED or names else [_retention(lake, contract, run)]
    steps += [step for table in tables for step in _of_table(lake, table, run)]
    said, failed = list[str](), list[tuple[str, FleetlakeError]]()
    for step in steps:
        try:
            told = step.plan() if dry_run else step.act()
        except FleetlakeError as error:
            log.warning(f"{step.words}: {error}")
            failed.append((step.words, error))
            continue
        said += [told] if told else []
    for sentence in said:
        log.info(sentence)
    if failed:
        # Where a proof did not hold another try would find the same.
        kind = ProofFailed if any(isinstance(error, ProofFailed) for _, error in failed) else JobError
        raise kind(f"maintain {contract}: {len(failed)} of {len(steps)} steps failed; first: {failed[0][0]}: {failed[0][1]}")
    log.info(f"maintain {contract}: " + ("; ".join(said) if said else "nothing to do"))
    return said


def _chosen(tables: Sequence[Table], names: Sequence[str], contract: str) -> list[Table]:
    there = {table.name: table for table in tables}
    for name in names:
        if name not in there:
            raise UserError(f"maintain {name}: {contract} has no such table; it has {', '.join(there)}")
    return [there[name] for name in names] or list(tables)


def _retention(lake: SparkLake, contract: str, run: str) -> _Step:
    return _Step(
        f"retain {contract}",
        lambda: "; ".join(retain(lake, contract, run, dry_run=True)),
        lambda: "; ".join(retain(lake, contract, run)),
    )


def _of_table(lake: SparkLake, table: Table, run: str) -> list[_Step]:
    def told(count: int, what: str) -> str:
        return f"{table.name}: {count} {what}" if count else ""

    return [
        _Step(
            f"compact {table.name}",
            lambda: told(len(plan(lake, table)), "partitions would be compacted"),
            lambda: told(sum(outcome.run_id is not None for outcome in compact(lake, table, run)), "commits of compacted partitions"),
        ),
        _Step(
            f"expire {table.name}",
            lambda: told(len(plan_expiry(lake, table)), "snapshots would be expired"),
            lambda: told(expire(lake, table, run), "snapshots expired"),
        ),
        _Step(
            f"orphans of {table.name}",
            lambda: told(len(plan_orphans(lake, table)), "orphan files would be removed"),
            lambda: told(remove_orphans(lake, table, run), "orphan files removed"),
        ),
    ]
