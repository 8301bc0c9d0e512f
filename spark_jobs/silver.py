"""Bronze to silver: one row per reading, published on a branch after its quality gate (DESIGN: a silver run).

heal → plan → merge → audit → publish. The source is deduplicated by event id, the first by object key and row staying; a
reading that is in silver already changes nothing; one with the same id and other values goes to quarantine as a conflict.
"""

import gc
import importlib
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lake.contracts import Contract
from lake.publications import Planned, State, note
from lake.schemas import spark_columns
from lake.tables import bronze, silver
from runtime.errors import FleetlakeError, GateFailed
from runtime.log import logger
from spark_jobs.branch import Branch, MainMoved
from spark_jobs.bronze_plan import BronzeObject, Known, append_plan, is_held, new_objects, read_known
from spark_jobs.conflicts import quarantine_conflicts
from spark_jobs.evolution import evolve
from spark_jobs.publication import Outcome, heal, publish
from spark_jobs.quality_alarms import Kind, tell_verdict
from spark_jobs.session import SparkLake, prepare_tables
from spark_jobs.set_aside import SetAside, corrupt_among

if TYPE_CHECKING:
    from spark_jobs.quality import Verdict

BOUNDARIES = ("healed", "planned", "merged", "audited", "publishing", "fast_forwarded", "visible")
_GATE = "spark_jobs.quality_suite"
log = logger("silver")


@dataclass(frozen=True)
class Selection:
    """Which objects a run takes: new ones, of open partitions or of all; or exactly those of the run it accepts."""

    everything: bool = False
    accepts: str | None = None
    waived: frozenset[str] = frozenset()
    why: str | None = None
    who: str | None = None


# What judges a run's rows on its branch (by name), waiving some checks: spark_jobs.quality.audit, or a test's own.
Gate = Callable[[SparkLake, Contract, str, str, frozenset[str]], "Verdict"]


def run(lake: SparkLake, contract_name: str, run: str, selection: Selection = Selection(), gate: Gate | None = None) -> Outcome:
    """Publish the contract's new readings. Raises GateFailed where the gate holds them, again when such a run is retried.

    A bronze object that cannot be read is set aside, and the run goes on; one that takes everything then raises JobError at its end.
    """
    contract = lake.contracts.named(contract_name)
    aside, warnings = SetAside(contract.name), dict[str, str]()
    prepare_tables(lake.platform, contract)
    evolve(lake, contract)
    # First of all, so that an accept that ended between its swap and its note counts.
    heal(lake, silver(contract), contract.name)
    if selection.accepts is None and _was_settled_by_a_person(read_known(lake, contract.name), run):
        return Outcome(None, None, 0)
    outcome = publish(
        lake,
        silver(contract),
        contract.name,
        run,
        lambda branch: _attempt(lake, contract, branch, selection, gate or _audit, aside, warnings),
        related_run=selection.accepts,
        why=selection.why,
        who=selection.who,
        taken=lambda: read_known(lake, contract.name).run_ids,
    )
    log.info(f"silver.{contract.name}: " + (f"run {outcome.run_id} is visible" if outcome.run_id else "no new bronze objects"))
    if warning := warnings.get(outcome.run_id or ""):
        log.warning(f"silver.{contract.name}: run {outcome.run_id} is visible with a warning: {warning}")
        tell_verdict(lake.platform, contract, str(outcome.run_id), Kind.WARNED, warning)
    if selection.everything:
        aside.refuse(f"silver.{contract.name}: not every object is accounted for")
    return outcome


def _was_settled_by_a_person(known: Known, run: str) -> bool:
    """Whether an earlier try of the Airflow run was held and then accepted or refused. Raises GateFailed while it is held."""
    earlier = [publication for publication in known.runs if publication.run_id.rpartition(".")[0] == run]
    for publication in earlier:
        if publication.state is State.HELD:
            raise GateFailed(publication.why or f"run {publication.run_id} is held by the quality gate")
    return any(publication.state in (State.ACCEPTED, State.REFUSED) for publication in earlier)


def _attempt(
    lake: SparkLake, contract: Contract, branch: Branch, selection: Selection, gate: Gate, aside: SetAside, warnings: dict[str, str]
) -> Sequence[str] | None:
    """`warnings` gets what the gate says of the branch's run without holding it."""
    planned_at = lake.clock.now()
    keys = [key for key in _objects_to_take(lake, contract, selection) if key not in aside.objects]
    if not keys:
        return None
    # The branch before the plan: it reserves the run's id, and a plan of another process under the same id would be taken for ours.
    branch.make()
    if gate is _audit:
        _import_gate_meanwhile()
    objects = append_plan(lake, contract, branch.run_id, branch.base_snapshot, keys, planned_at, aside)
    if selection.accepts:
        aside.refuse(f"accept run {selection.accepts}")
    if not objects:
        return None
    lake.boundary("planned")
    _merge_what_can_be_read(lake, contract, branch, objects, aside)
    lake.boundary("merged")
    verdict = gate(lake, contract, branch.identifier, branch.run_id, selection.waived)
    lake.boundary("audited")
    if not verdict.passed:
        _hold(lake, contract, branch, verdict.sentence, selection)
    log.info(verdict.sentence)
    warnings[branch.run_id] = verdict.warning
    if selection.accepts and not is_held(read_known(lake, contract.name), selection.accepts):
        # Refused by somebody else while it was being merged and judged.
        return None
    return [f"bronze:{branch.run_id}"]


def _objects_to_take(lake: SparkLake, contract: Contract, selection: Selection) -> list[str]:
    known = read_known(lake, contract.name)
    if selection.accepts is None:
        return new_objects(lake, contract.name, known, selection.everything)
    # Accepted or refused since by somebody else: nothing is left to do.
    return known.objects_of(selection.accepts) if is_held(known, selection.accepts) else []


def _audit(lake: SparkLake, contract: Contract, branch: str, run_id: str, waived: frozenset[str]) -> "Verdict":
    # Imported here: a run without new objects, the most frequent one, does not need the gate's libraries.
    from spark_jobs.quality import audit

    return audit(lake, contract, branch, run_id, waived)


def _import_gate_meanwhile() -> None:
    """Great Expectations takes seconds to import; the merge is work of the JVM, during which this process would only wait."""
    if _GATE not in sys.modules:
        threading.Thread(target=_import_gate, daemon=True).start()


def _import_gate() -> None:
    # All that an import makes stays: to look for garbage among it again and again takes a quarter of its time, and later ones would too.
    gc.disable()
    try:
        importlib.import_module(_GATE)
        gc.freeze()
    finally:
        gc.enable()


def _hold(lake: SparkLake, contract: Contract, branch: Branch, sentence: str, selection: Selection) -> None:
    """Keep the run's objects back: later runs go round them. Always raises GateFailed."""
    held = f"{sentence}; `fleetlake quality show {branch.run_id}` lists the rows, `quality accept` or `refuse` settles it"
    note(
        lake.platform,
        lake.clock,
        branch.run_id,
        silver(contract),
        contract.name,
        State.HELD,
        base_snapshot=branch.base_snapshot,
        related_run=selection.accepts,
        why=held,
    )
    branch.drop()
    tell_verdict(lake.platform, contract, branch.run_id, Kind.HELD, held)
    raise GateFailed(held)


def _merge_what_can_be_read(lake: SparkLake, contract: Contract, branch: Branch, objects: Sequence[BronzeObject], aside: SetAside) -> None:
    """Raises MainMoved where the merge failed over objects that cannot be read: the run begins again without them."""
    try:
        merge(lake, contract, branch, objects)
    except FleetlakeError:
        raise
    except Exception:
        # Of whichever class Spark tells it by: what the objects themselves show decides.
        corrupt = corrupt_among(lake.platform, [o.key for o in objects])
        if not corrupt:
            raise
        for key, why in corrupt.items():
            aside.add(key, why)
        raise MainMoved(f"{len(corrupt)} of {len(objects)} bronze objects cannot be read") from None


def merge(lake: SparkLake, contract: Contract, branch: Branch, objects: Sequence[BronzeObject]) -> None:
    """MERGE the objects' readings into the branch; conflicts are put to quarantine before anything can become visible."""
    readings = read_bronze(lake, contract, [o.key for o in objects])
    days = touched_days(objects)
    # Of the branch's own name: other runs may share the session.
    source = f"source_of_{branch.name}"
    build(readings, contract).withColumn("run_id", F.lit(branch.run_id)).createOrReplaceTempView(source)
    # Named one by one: a table that a newer contract evolved has more columns.
    columns = [f"`{name}`" for name in silver(contract).column_names]
    lake.sql(
        f"MERGE INTO {branch.identifier} t USING {source} s "  # noqa: S608 - declared names and dates
        f"ON t.event_id = s.event_id AND {on_days('t.event_time', days)} "
        f"WHEN NOT MATCHED THEN INSERT ({', '.join(columns)}) VALUES ({', '.join(f's.{name}' for name in columns)})"
    )
    lake.spark.catalog.dropTempView(source)
    if branch.added_rows() < sum(o.rows for o in objects):
        # Only where some identity came twice, or was there, can one stand for two readings.
        merged = lake.spark.table(branch.identifier).where(on_days("event_time", days))
        quarantine_conflicts(lake, contract, conflicting(readings, merged, contract))


def read_bronze(lake: SparkLake, contract: Contract, keys: Sequence[str]) -> DataFrame:
    """The objects' rows with where each stood: `_object` and `_row`. A field that an older object lacks is null."""
    schema = spark_columns(bronze(contract)).replace(" NOT NULL", "")
    frame = lake.spark.read.schema(schema).parquet(*(lake.platform.object_uri(key) for key in keys))
    return frame.select("*", F.col("_metadata.file_path").alias("_object"), F.col("_metadata.row_index").alias("_row"))


def values(contract: Contract, prefix: str = "") -> Column:
    """What makes two readings of one identity the same: the fields and what the contract does not know."""
    return F.struct(
        *(F.col(f"{prefix}{field.name}").alias(field.name) for field in contract.fields), F.col(f"{prefix}_extra").alias("_extra")
    )


def build(readings: DataFrame, contract: Contract) -> DataFrame:
    """Silver's rows but for `run_id`: of each identity the first reading by object key and row."""
    order = Window.partitionBy("event_id").orderBy("_object", "_row")
    names = [name for name in silver(contract).column_names if name != "run_id"]
    return readings.withColumn("_place", F.row_number().over(order)).where("_place = 1").select(*names)


def conflicting(readings: DataFrame, merged: DataFrame, contract: Contract) -> DataFrame:
    """The readings whose identity stands for other values in silver, now that they are merged."""
    there = merged.select("event_id", values(contract).alias("_merged_values"))
    return readings.join(there, on="event_id").where(~values(contract).eqNullSafe(F.col("_merged_values")))


def touched_days(objects: Sequence[BronzeObject | Planned]) -> list[tuple[date, date]]:
    """The event days the objects cover, as ranges: first day, day after the last."""
    spans = sorted(
        (o.min_event_time.date(), o.max_event_time.date() + timedelta(days=1)) for o in objects if o.min_event_time and o.max_event_time
    )
    ranges: list[tuple[date, date]] = []
    for first, end in spans:
        if ranges and first <= ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], max(end, ranges[-1][1]))
        else:
            ranges.append((first, end))
    return ranges


def on_days(column: str, ranges: Sequence[tuple[date, date]]) -> str:
    """A condition that Iceberg prunes partitions by."""
    spans = (f"({column} >= timestamp'{first} 00:00:00' AND {column} < timestamp'{end} 00:00:00')" for first, end in ranges)
    return f"({' OR '.join(spans) or 'false'})"
