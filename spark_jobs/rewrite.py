"""Replace part of a derived table on a run's branch: whole partitions are written anew, in the table's order."""

from datetime import date, datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lake.tables import Table
from spark_jobs.branch import Branch, load
from spark_jobs.session import SparkLake

# The rows come to the writer partition by partition and sorted; Iceberg need not shuffle them again.
_AS_THEY_COME = {"distribution-mode": "none", "use-table-distribution-and-ordering": "false", "fanout-enabled": "true"}


def base(lake: SparkLake, table: Table, branch: Branch) -> DataFrame:
    """The table as the run found it."""
    found = lake.at_snapshot(table, branch.base_snapshot)
    # Of an empty table Spark then leaves out every join with it, which on a first run is most of the plan.
    return found if _has_rows(branch) else found.limit(0)


def replace(branch: Branch, kept: DataFrame, rows: DataFrame, partitions: Column) -> None:
    """Write `kept` and `rows` in place of what satisfies `partitions`, which must take each partition whole or not at all."""
    table = branch.table
    unit, column = table.partition.rstrip(")").split("(")
    part = F.date_trunc(unit, F.col(column))
    # `kept` has the table's own columns, which a newer version of the contract may have added to.
    written = kept.unionByName(rows, allowMissingColumns=True).repartition(part).sortWithinPartitions(part, *(table.sort or table.key))
    written.writeTo(branch.identifier).options(**_AS_THEY_COME).overwrite(partitions)


def _has_rows(branch: Branch) -> bool:
    snapshot = load(branch.platform, branch.table).snapshot_by_id(branch.base_snapshot)
    return snapshot is None or snapshot.summary is None or snapshot.summary["total-records"] != "0"


def days(column: str, wanted: list[date]) -> Column:
    """A condition for whole days, that Iceberg prunes partitions by."""
    return _spans(column, [(day, day + timedelta(days=1)) for day in wanted], "timestamp")


def months(column: str, wanted: list[date]) -> Column:
    """A condition for the whole months of the days `wanted` on a date column."""
    first = {day.replace(day=1) for day in wanted}
    return _spans(column, [(day, (day + timedelta(days=31)).replace(day=1)) for day in first], "date")


def from_day_of(column: str, at: datetime) -> Column:
    return F.expr(f"{column} >= timestamp'{at.date()} 00:00:00'")


def _spans(column: str, spans: list[tuple[date, date]], kind: str) -> Column:
    joined: list[tuple[date, date]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    texts = (f"({column} >= {kind}'{start}' AND {column} < {kind}'{end}')" for start, end in joined)
    return F.expr(" OR ".join(texts) or "false")
