"""Silver of one event day made again from bronze; where it says otherwise it is corrected, as new knowledge and not as an edit.

heal → read the visible runs' objects that cover the day → compare with silver → note what is replaced → replace → publish.
It plans no object, and there is no gate: each reading of it has passed the gate in its own run. Equal rows keep their run_id;
a row that changes or goes is put to the superseded table first, where it counts once the rebuild is visible.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa
from pyiceberg.expressions import And, GreaterThanOrEqual, LessThan
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from lake.contracts import Contract
from lake.fingerprint import LEFT_OUT
from lake.layout import ingest_partition, table_identifier
from lake.objects import list_keys
from lake.publications import Planned, read_publications
from lake.tables import silver, superseded
from runtime.errors import JobError, UserError
from runtime.log import logger
from spark_jobs.branch import Branch, history, load
from spark_jobs.bronze_plan import read_known
from spark_jobs.conflicts import quarantine_conflicts
from spark_jobs.evolution import evolve
from spark_jobs.publication import Outcome, publish
from spark_jobs.publication_order import in_order
from spark_jobs.rewrite import base, days, replace
from spark_jobs.session import SparkLake, prepare_tables
from spark_jobs.silver import conflicting, read_bronze

BOUNDARIES = ("healed", "compared", "superseded", "replaced", "publishing", "fast_forwarded", "visible")
log = logger("rebuild")


@dataclass(frozen=True)
class Changes:
    """How many of silver's readings of the day the rebuild adds, changes and takes away."""

    added: int
    changed: int
    gone: int

    @property
    def any(self) -> bool:
        return bool(self.added or self.changed or self.gone)


def run(lake: SparkLake, contract_name: str, run: str, day: date) -> Outcome:
    """Publish what bronze says of the event day where silver says otherwise.

    Raises UserError for a day to come or that silver keeps no longer, JobError where an object that the day was made from is gone.
    """
    if day > lake.clock.now().date():
        raise UserError(f"rebuild silver.{contract_name} of {day}: this day is still to come; give one that has begun")
    contract = lake.contracts.named(contract_name)
    _refuse_where_let_go(lake, contract, day)
    prepare_tables(lake.platform, contract)
    evolve(lake, contract)
    outcome = publish(
        lake,
        silver(contract),
        contract.name,
        run,
        lambda branch: _attempt(lake, contract, branch, day),
        taken=lambda: read_known(lake, contract.name).run_ids,
    )
    log.info(f"silver.{contract.name} of {day}: " + (f"run {outcome.run_id} is visible" if outcome.run_id else "it is as bronze says"))
    return outcome


def _refuse_where_let_go(lake: SparkLake, contract: Contract, day: date) -> None:
    """What retention has taken from silver, bronze may still have: a rebuild is not to bring it back."""
    days = contract.retention.silver_days
    if days is not None and day < lake.clock.now().date() - timedelta(days=days):
        raise UserError(f"rebuild silver.{contract.name} of {day}: the contract's retention keeps {days} days; this day is let go")


def _attempt(lake: SparkLake, contract: Contract, branch: Branch, day: date) -> Sequence[str] | None:
    plans = covering(lake, contract, branch, day)
    if not plans and not _has_files(branch, day):
        return None
    _refuse_where_gone(lake, contract, plans, day)
    there = of_day(base(lake, silver(contract), branch), day)
    readings = of_day(read_in_order(lake, contract, [plan.object for plan in plans]), day)
    compared = compare(there, build(readings, contract), contract).cache()
    try:
        changes = count(compared)
        lake.boundary("compared")
        if not changes.any:
            return None
        log.info(
            f"silver.{contract.name} of {day}: {changes.added} readings to add, {changes.changed} to change, {changes.gone} to take away"
        )
        branch.make()
        supersede(lake, contract, compared, branch.run_id)
        lake.boundary("superseded")
        _quarantine(lake, contract, readings, compared)
        kept = compared.where("_change = 'equal'").select("_there.*")
        fresh = compared.where("_change IN ('added', 'changed')").select("_built.*").withColumn("run_id", F.lit(branch.run_id))
        replace(branch, kept, fresh, days("event_time", [day]))
        lake.boundary("replaced")
    finally:
        compared.unpersist()
    return [f"rebuild:{day}"]


def covering(lake: SparkLake, contract: Contract, branch: Branch, day: date) -> list[Planned]:
    """What visible runs planned that may hold readings of the day, in the order in which the runs were published.

    Visible is what main had reached when the branch's base was read, whether or not its run has said so by now.
    """
    known, table = read_known(lake, contract.name), silver(contract)
    # All that was published to the table, by whomever: each stands upon the one before it.
    runs = in_order(read_publications(lake.platform, table.name), history(load(lake.platform, table)))
    place = {run.run_id: number for number, run in enumerate(runs)}
    plans = [plan for plan in known.planned if plan.run_id in place and _covers(plan, day)]
    return sorted(plans, key=lambda plan: (place[plan.run_id], plan.object))


def _covers(plan: Planned, day: date) -> bool:
    if plan.min_event_time is None or plan.max_event_time is None:
        return plan.rows > 0
    return plan.min_event_time.date() <= day <= plan.max_event_time.date()


def _has_files(branch: Branch, day: date) -> bool:
    """Whether silver has files of the day: asked of Iceberg, as to open a session for a day that nothing is known of would take seconds."""
    of_day = And(
        GreaterThanOrEqual("event_time", f"{day}T00:00:00+00:00"), LessThan("event_time", f"{day + timedelta(days=1)}T00:00:00+00:00")
    )
    scan = load(branch.platform, branch.table).scan(row_filter=of_day, snapshot_id=branch.base_snapshot)
    return next(iter(scan.plan_files()), None) is not None


def _refuse_where_gone(lake: SparkLake, contract: Contract, plans: Sequence[Planned], day: date) -> None:
    """Raises JobError where an object is not there, or the ledger has none: silver would lose its readings."""
    if not plans:
        raise JobError(
            f"rebuild silver.{contract.name} of {day}: silver has readings of it and the ledger no object; leave the day as it is"
        )
    partitions = {partition.prefix for plan in plans if (partition := ingest_partition(plan.object))}
    there = {key for prefix in partitions for key in list_keys(lake.platform, prefix)}
    gone = sorted({plan.object for plan in plans} - there)
    if gone:
        raise JobError(
            f"rebuild silver.{contract.name} of {day}: {len(gone)} of its bronze objects are gone or archived, such as {gone[0]}; "
            "restore them, or leave the day as it is"
        )


def read_in_order(lake: SparkLake, contract: Contract, keys: Sequence[str]) -> DataFrame:
    """The objects' rows with `_order`, the object's place in `keys`, and `_row`, its row there."""
    places = lake.spark.createDataFrame(pa.table({"_key": list(keys), "_order": list(range(len(keys)))}))
    # An object's address ends with its key, whatever is before it, and all keys of a contract are of one length.
    key = F.expr(f"right(_object, {len(keys[0])})")
    return read_bronze(lake, contract, keys).withColumn("_key", key).join(F.broadcast(places), "_key").drop("_key", "_object")


def of_day(frame: DataFrame, day: date) -> DataFrame:
    return frame.where(days("event_time", [day]))


def build(readings: DataFrame, contract: Contract) -> DataFrame:
    """Silver's rows but for `run_id`: of each identity the reading that was published first."""
    order = Window.partitionBy("event_id").orderBy("_order", "_row")
    names = [name for name in silver(contract).column_names if name != "run_id"]
    return readings.withColumn("_place", F.row_number().over(order)).where("_place = 1").select(*names)


def compare(there: DataFrame, built: DataFrame, contract: Contract) -> DataFrame:
    """`_there` and `_built` side by side as structs, null where there is none, and `_change`: equal, added, changed or gone.

    What tells of the way a reading came is not compared: which of two deliveries of it was taken says nothing new.
    """
    # Of an identity that stands twice, which no run leaves, one row is kept.
    once = Window.partitionBy("event_id").orderBy("run_id")
    numbered = there.select("event_id", F.struct("*").alias("_there"), F.row_number().over(once).alias("_copy"))
    fresh = built.select("event_id", F.struct("*").alias("_built"), F.lit(1).alias("_copy"))
    names = [name for name in silver(contract).column_names if name not in LEFT_OUT]
    same = F.lit(True)
    for name in names:
        same = same & F.col(f"_there.{name}").eqNullSafe(F.col(f"_built.{name}"))
    change = F.when(F.col("_there").isNull(), "added").when(F.col("_built").isNull(), "gone").when(same, "equal").otherwise("changed")
    return numbered.join(fresh, ["event_id", "_copy"], "full_outer").withColumn("_change", change)


def count(compared: DataFrame) -> Changes:
    found = {row["_change"]: row["count"] for row in compared.groupBy("_change").count().collect()}
    return Changes(found.get("added", 0), found.get("changed", 0), found.get("gone", 0))


def supersede(lake: SparkLake, contract: Contract, compared: DataFrame, run_id: str) -> None:
    """Append what changes or goes to the superseded table, as replaced by the run."""
    replaced = compared.where("_change IN ('changed', 'gone')").select("_there.*").withColumn("superseded_by", F.lit(run_id))
    replaced.writeTo(table_identifier(superseded(contract).name)).append()


def _quarantine(lake: SparkLake, contract: Contract, readings: DataFrame, compared: DataFrame) -> None:
    """Other readings of an identity that stands for another value from now on; those of all others are there already."""
    winners = compared.where("_change = 'changed'").select("_built.*")
    quarantine_conflicts(lake, contract, conflicting(readings, winners, contract))
