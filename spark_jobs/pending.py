"""What a derived table has not yet taken from its source: the publications that none of its own visible ones names as input."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lake.catalog import open_catalog
from lake.contracts import Contract
from lake.publications import Publication, State, read_ledger, read_publications
from lake.tables import Table, silver, superseded
from spark_jobs.session import SparkLake


@dataclass(frozen=True)
class Pending:
    """Visible runs of `source` to take in, all of them in its `snapshot`. `inputs` is how the taker names them."""

    source: Table
    snapshot: int
    runs: tuple[str, ...]

    @property
    def inputs(self) -> list[str]:
        return [input_name(self.source, run) for run in self.runs]


def input_name(source: Table, run_id: str) -> str:
    return f"{source.name}:{run_id}"


def pending(lake: SparkLake, source: Table, target: Table, contract: str) -> Pending | None:
    """The runs to take in and the one snapshot to read them at; None where the source has never been published to.

    The publications are read first: whatever run they call visible is then in the snapshot. A run that became visible in
    between is in it too, and is taken in again, to the same rows, by the next run.
    """
    taken = named_inputs(lake, target, contract)
    visible = sorted(_visible(read_publications(lake.platform, source.name, contract)), key=_known_at)
    snapshot = open_catalog(lake.platform).load_table(source.name).current_snapshot()
    if snapshot is None:
        return None
    runs = tuple(run.run_id for run in visible if input_name(source, run.run_id) not in taken)
    return Pending(source, snapshot.snapshot_id, runs)


def named_inputs(lake: SparkLake, target: Table, contract: str) -> set[str]:
    """Everything that visible publications of `target` were made from."""
    return {name for run in _visible(read_publications(lake.platform, target.name, contract)) for name in run.inputs}


def pending_readings(lake: SparkLake, contract: Contract, silver_pending: Pending) -> DataFrame:
    """`device_id`, `event_time` of each reading that the pending runs brought, changed or took away, and whether it `is_there`.

    Where one was taken away, the other readings of its device and day are there too: they tell what is left of it.
    """
    runs = list(silver_pending.runs)
    readings = lake.at_snapshot(silver(contract), silver_pending.snapshot)
    bounds = _event_times(lake, contract, runs)
    brought = readings.where(F.col("run_id").isin(runs) & (between("event_time", *bounds) if bounds else F.lit(True)))
    if not _has_rows(lake, superseded(contract)):
        return brought.select("device_id", "event_time", F.lit(True).alias("is_there"))
    taken = lake.table(superseded(contract)).where(F.col("superseded_by").isin(runs))
    day = ["device_id", F.to_date("event_time").alias("day")]
    left = readings.withColumn("day", F.to_date("event_time")).join(taken.select(*day).distinct(), ["device_id", "day"], "left_semi")
    there = brought.unionByName(left.drop("day")).select("device_id", "event_time", F.lit(True).alias("is_there"))
    return there.unionByName(taken.select("device_id", "event_time", F.lit(False).alias("is_there")))


def between(column: str, first: datetime, end: datetime) -> Column:
    """A condition that Iceberg prunes partitions by; `end` is excluded."""
    return (F.col(column) >= moment(first)) & (F.col(column) < moment(end))


def moment(at: datetime) -> Column:
    # As text with its zone: a Python datetime would be taken in the machine's own zone.
    return F.lit(at.astimezone(UTC).isoformat()).cast("timestamp")


def _event_times(lake: SparkLake, contract: Contract, runs: Sequence[str]) -> tuple[datetime, datetime] | None:
    """Between which event times the runs' readings lie by their plans; None where a plan does not say, as a rebuild's."""
    planned = [plan for plan in read_ledger(lake.platform, contract.name) if plan.run_id in set(runs)]
    times = [time for plan in planned for time in (plan.min_event_time, plan.max_event_time) if time is not None]
    if not times or {plan.run_id for plan in planned} != set(runs) or len(times) < 2 * len(planned):
        return None
    return min(times), max(times) + timedelta(microseconds=1)


def _has_rows(lake: SparkLake, table: Table) -> bool:
    snapshot = open_catalog(lake.platform).load_table(table.name).current_snapshot()
    return snapshot is not None and (snapshot.summary is None or snapshot.summary["total-records"] != "0")


def _visible(runs: Sequence[Publication]) -> list[Publication]:
    return [run for run in runs if run.state is State.VISIBLE]


def _known_at(run: Publication) -> datetime:
    assert run.known_at is not None
    return run.known_at
