"""What the quality gate sees in a run's rows: streaks of equal values, jumps, nulls, repeated ids.

Pure: frames in, frames out. `seen` is the branch's rows around the run: `device_id`, `event_time`, `event_id`, `_of_run` (1
or 0) and the contract's fields. Every figure costs one pass over it in the order of device and time, however long a streak may be.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from lake.contracts import Contract, Field
from spark_jobs.quality_limits import checked_for_jumps, checked_for_stuck, silence, stuck_after


def flag(seen: DataFrame, contract: Contract) -> DataFrame:
    """`seen` with a column for each check of a field, null in sound rows.

    ``stuck_{field}``: since when the field has had this one value, for `stuck_after` readings of one life of the device or
    more, with a row of the run among them. ``jump_{field}``: the row's time, where a row of the run differs by more than
    `max_step` from the reading before it in the same life. ``nulls_{field}``: the row's time, where a row of the run has no
    value of the field. ``_repeated``: the row's time, where the one before has its event id.
    """
    fields = checked_for_stuck(contract)
    steps = [
        {"_place": F.row_number().over(_in_order()), "_begins_life": _begins_life(contract)},
        {f"changed_{field.name}": _changes(field) for field in fields},
        {f"began_{field.name}": _newest_where(f"changed_{field.name}", "_place") for field in fields}
        | {f"since_{field.name}": _newest_where(f"changed_{field.name}", "event_time") for field in fields}
        | {"_newest_of_run": _newest_where("_of_run = 1", "_place")},
        {f"stuck_{field.name}": _stuck(field, stuck_after(contract, field)) for field in fields},
        {f"jump_{field.name}": _jump(field) for field in checked_for_jumps(contract)},
        {f"nulls_{field.name}": _null(field) for field in contract.fields} | {"_repeated": _repeated()},
    ]
    # A window function cannot be an argument of another one: each step reads the columns of the one before.
    flagged = seen
    for columns in steps:
        flagged = flagged.withColumns(columns) if columns else flagged
    return flagged.select(*seen.columns, *flags(contract), "_repeated")


def _in_order() -> WindowSpec:
    return Window.partitionBy("device_id").orderBy("event_time", "event_id")


def _begins_life(contract: Contract) -> Column:
    counter = contract.lifetime_counter
    before = F.lag(F.unix_seconds("event_time")).over(_in_order())
    is_first = before.isNull() | (F.unix_seconds("event_time") - before >= int(silence(contract).total_seconds()))
    if counter is None:
        return is_first
    return is_first | F.coalesce(F.col(counter.name) < F.lag(counter.name).over(_in_order()), F.lit(False))


def _changes(field: Field) -> Column:
    return F.col("_begins_life") | ~F.col(field.name).eqNullSafe(F.lag(field.name).over(_in_order()))


def _newest_where(condition: str, column: str) -> Column:
    return F.max(F.when(F.expr(condition), F.col(column))).over(_in_order().rowsBetween(Window.unboundedPreceding, Window.currentRow))


def _stuck(field: Field, readings: int) -> Column:
    began = F.col(f"began_{field.name}")
    lasts = F.col("_place") - began >= readings - 1
    return F.when(F.col(field.name).isNotNull() & lasts & (F.col("_newest_of_run") >= began), F.col(f"since_{field.name}"))


def _jump(field: Field) -> Column:
    step = F.abs(F.col(field.name) - F.lag(field.name).over(_in_order()))
    return F.when((F.col("_of_run") == 1) & ~F.col("_begins_life") & (step > field.max_step), F.col("event_time"))


def _null(field: Field) -> Column:
    return F.when((F.col("_of_run") == 1) & F.col(field.name).isNull(), F.col("event_time"))


def _repeated() -> Column:
    # An id is made of device and time among others: rows of one id are neighbours.
    return F.when(F.col("event_id") == F.lag("event_id").over(_in_order()), F.col("event_time"))


def run_figures(flagged: DataFrame, contract: Contract) -> DataFrame:
    """One row: the run's `rows`, how many rows each of the flags marks and how many of the run's (``of_run_{flag}``), and `duplicates`."""
    counts = [F.count(name).alias(name) for name in flags(contract)]
    run_alone = [F.count(F.when(F.col("_of_run") == 1, F.col(name))).alias(of_run(name)) for name in flags(contract)]
    return flagged.agg(F.sum("_of_run").alias("rows"), F.count("_repeated").alias("duplicates"), *counts, *run_alone)


def of_run(name: str) -> str:
    """The figure of a flag that counts the run's rows alone."""
    return f"of_run_{name}"


def flags(contract: Contract) -> list[str]:
    checked = {"stuck": checked_for_stuck(contract), "jump": checked_for_jumps(contract), "nulls": contract.fields}
    return [f"{name}_{field.name}" for name, fields in checked.items() for field in fields]


def marked(flagged: DataFrame, names: Sequence[str]) -> DataFrame:
    """What the flags `names` mark, a row for each flag and reading: `flag`, `device_id`, `event_time`, `event_id`, `since`, `value`.

    Nulls have neither beginning nor value.
    """
    marks = [F.when(F.col(name).isNotNull(), _mark(name)) for name in names]
    each = flagged.select("device_id", "event_time", "event_id", F.explode(F.filter(F.array(*marks), lambda mark: mark.isNotNull())))
    return each.select("col.flag", "device_id", "event_time", "event_id", "col.since", "col.value")


def suspects(flagged: DataFrame, names: Sequence[str]) -> DataFrame:
    """A row for each flag of `names`, device and beginning: `event_time`, `event_id` and `value` of its last reading, and how many `rows`."""
    return (
        marked(flagged, names)
        .groupBy("flag", "device_id", "since")
        .agg(
            F.count("*").alias("rows"),
            F.max_by("event_id", "event_time").alias("event_id"),
            F.max_by("value", "event_time").alias("value"),
            F.max("event_time").alias("event_time"),
        )
        .orderBy("flag", F.desc("rows"), "device_id", "since")
    )


def first_marked(flagged: DataFrame, names: Sequence[str], count: int) -> DataFrame:
    """The first `count` readings that each flag of `names` marks, by device and time; columns as of `marked`."""
    place = F.row_number().over(Window.partitionBy("flag").orderBy("device_id", "event_time", "event_id"))
    first = marked(flagged, names).withColumn("_nth", place).where(F.col("_nth") <= count)
    return first.drop("_nth").orderBy("flag", "device_id", "event_time")


def _mark(name: str) -> Column:
    check, _, field = name.partition("_")
    since = F.lit(None).cast("timestamp") if check == "nulls" else F.col(name)
    return F.struct(F.lit(name).alias("flag"), since.alias("since"), F.col(field).try_cast("double").alias("value"))


def duplicates(flagged: DataFrame) -> DataFrame:
    """Event ids that stand in more than one row: `event_id`, `device_id`, `event_time`, `rows`."""
    repeated = flagged.where("_repeated IS NOT NULL").groupBy("event_id", "device_id", "event_time")
    return repeated.agg((F.count("*") + 1).alias("rows")).orderBy("event_id")
