"""What a contract keeps no longer: whole days of its tables, and objects of bronze, quarantine and replays by their arrival.

Tables lose whole days by a published snapshot, whose proof says that every later row stayed. Bronze loses only objects that a
settled run has read and that nobody holds; a rebuild that needs one of them says that it is gone.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from pyiceberg.expressions import And, BooleanExpression, EqualTo, LessThan
from pyspark.sql import functions as F

from lake.contracts import Contract
from lake.layout import bronze_prefix, ingest_partition, quarantine_day, quarantine_prefix, replayed_day, replayed_prefix
from lake.maintenance import Action, Proof, Verdict, kept_words, record
from lake.objects import list_keys, remove_object
from lake.publications import SETTLED, State
from lake.tables import SHARED_TABLES, Table, features, gold_hourly, silver, superseded
from runtime.log import logger
from spark_jobs.branch import Branch, load
from spark_jobs.bronze_plan import read_known
from spark_jobs.maintained import Change, apply, heal_all
from spark_jobs.session import SparkLake

log = logger("maintain")


def cutoffs(contract: Contract, today: date) -> list[tuple[Table, date]]:
    """The contract's own tables that do not keep everything, and the first day that each of them keeps."""
    kept, found = contract.retention, list[tuple[Table, date]]()
    for days, tables in (
        (kept.silver_days, (silver(contract), superseded(contract))),
        (kept.gold_days, (gold_hourly(contract),) if contract.is_measurement else ()),
        (kept.features_days, (features(contract),) if contract.is_measurement else ()),
    ):
        found += [(table, today - timedelta(days=days)) for table in tables if days is not None]
    return found


def shared_cutoffs(contract: Contract, today: date) -> list[tuple[Table, date]]:
    """The same of tables that contracts share, whose rows of this contract go."""
    days = contract.retention.gold_days
    return [] if days is None else [(table, today - timedelta(days=days)) for table in SHARED_TABLES]


def retain(lake: SparkLake, contract_name: str, run: str, dry_run: bool = False) -> list[str]:
    """Let go what the contract keeps no longer; what was done, or would be, in words."""
    contract = lake.contracts.named(contract_name)
    now = lake.clock.now()
    said = [told for table, first in cutoffs(contract, now.date()) if (told := _retain_table(lake, table, None, first, run, dry_run))]
    for table, first in shared_cutoffs(contract, now.date()):
        told = _retain_table(lake, table, contract.name, first, run, dry_run)
        said += [told] if told else []
    said += _retain_objects(lake, contract, now, run, dry_run)
    for sentence in said:
        log.info(sentence)
    return said


def _retain_table(lake: SparkLake, table: Table, contract: str | None, first: date, run: str, dry_run: bool) -> str:
    old = condition(table, contract, first)
    # By PyIceberg, which counts whole partitions by their manifests: most days there is nothing to do, and no session to open.
    count = load(lake.platform, table).scan(row_filter=_for_iceberg(table, contract, first)).count()
    if not count:
        return ""
    words = f"{table.name}: {count} rows before {first}"
    if dry_run:
        return f"{words} would go"
    lake.open()
    heal_all(lake, table)

    def write(branch: Branch) -> bool:
        lake.sql(f"DELETE FROM {branch.identifier} WHERE {old}")  # noqa: S608 - declared names and a date
        return True

    apply(lake, Change(table, Action.RETAIN, run, write, gone=F.expr(old), facts={"why": kept_words(first)}))
    return f"{words} went"


def condition(table: Table, contract: str | None, first: date) -> str:
    """What of the table, of one contract where it is shared, lies before `first`."""
    column, is_day = _column(table)
    before = f"{column} < date'{first}'" if is_day else f"{column} < timestamp'{first} 00:00:00'"
    return before if contract is None else f"{before} AND contract = '{contract}'"


def _for_iceberg(table: Table, contract: str | None, first: date) -> BooleanExpression:
    column, is_day = _column(table)
    before = LessThan(column, f"{first}" if is_day else f"{first}T00:00:00+00:00")
    return before if contract is None else And(before, EqualTo("contract", contract))


def _column(table: Table) -> tuple[str, bool]:
    """The column that the table is partitioned by, and whether it is a day."""
    name = table.partition.rstrip(")").split("(")[1]
    return name, next(column for column in table.columns if column.name == name).type == "date"


def _retain_objects(lake: SparkLake, contract: Contract, now: datetime, run: str, dry_run: bool) -> Iterator[str]:
    kept = contract.retention
    for name, days, find in (("bronze", kept.bronze_days, _old_bronze), ("quarantine", kept.quarantine_days, _old_quarantine)):
        keys = [] if days is None else find(lake, contract, now - timedelta(days=days))
        if not keys:
            continue
        words = f"{name}.{contract.name}: {len(keys)} objects that arrived more than {days} days ago"
        if not dry_run:
            kept_from = kept_words((now - timedelta(days=days or 0)).date())
            proof = Proof(run, Action.RETAIN, f"{name}.{contract.name}", Verdict.HOLDS, why=kept_from, detail=words)
            record(lake.platform, lake.clock, proof)
            for key in keys:
                remove_object(lake.platform, key)
        yield f"{words} {'would go' if dry_run else 'went'}"


def _old_bronze(lake: SparkLake, contract: Contract, before: datetime) -> list[str]:
    """Objects whose readings somebody has settled for good: visible or refused, in each run that planned them."""
    known = read_known(lake, contract.name)
    state = {found.run_id: found.state for found in known.runs}
    settled = {plan.object for plan in known.planned if state.get(plan.run_id) in SETTLED and state.get(plan.run_id) is not State.HELD}
    held = {plan.object for plan in known.planned if state.get(plan.run_id) is State.HELD}
    listed = ((key, ingest_partition(key)) for key in list_keys(lake.platform, bronze_prefix(contract.name)))
    return [key for key, partition in listed if partition is not None and partition.end <= before and key in settled - held]


def _old_quarantine(lake: SparkLake, contract: Contract, before: datetime) -> list[str]:
    refused = ((key, quarantine_day(key)) for key in list_keys(lake.platform, quarantine_prefix(contract.name)))
    # A note goes with the rows that it is about, which are older.
    notes = ((key, replayed_day(key)) for key in list_keys(lake.platform, replayed_prefix(contract.name)))
    return [key for found in (refused, notes) for key, day in found if day is not None and _end_of(day) <= before]


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time.min, UTC)
