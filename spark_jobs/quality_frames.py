"""What the quality gate looks at: figures of a run that no single reading shows, computed on its branch.

Each function is pure: frames in, frame out. `seen` is the branch's rows around the run: `device_id`, `event_time`,
`event_id`, `run_id` and the contract's fields.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lake.contracts import Contract, Field

# A device that was silent for longer is not expected any more.
EXPECTED_HOURS = 24
# An hour of fewer devices says nothing about a fleet.
LEAST_DEVICES = 3
_SAMPLE = 20


def checked_for_stuck(contract: Contract) -> tuple[Field, ...]:
    """Numbers that move in a sound sensor: not those that may be constant, not a counter."""
    return tuple(field for field in contract.numbers if not field.may_be_constant and not field.lifetime_counter)


def stuck_after(contract: Contract, field: Field) -> int:
    return field.stuck_after or contract.quality.stuck_after


def duplicates(seen: DataFrame) -> DataFrame:
    """Event ids that stand in more than one row: `event_id`, `rows`."""
    return seen.groupBy("event_id").agg(F.count("*").alias("rows")).where("rows > 1")


def run_figures(seen: DataFrame, contract: Contract, run_id: str) -> DataFrame:
    """One row: `rows`, null shares, and per checked field the rows that are stuck or jump, with a sample of them.

    A row is stuck in a field when it ends `stuck_after` neighbouring readings of its device with one value, at least one
    of which is the run's. It jumps when it differs by more than `max_step` from the reading before.
    """
    flagged = seen.withColumn("of_run", (F.col("run_id") == run_id).cast("int"))
    for field in checked_for_stuck(contract):
        flagged = flagged.withColumn(f"stuck_{field.name}", _is_stuck(field.name, stuck_after(contract, field)))
    for field in _with_max_step(contract):
        flagged = flagged.withColumn(f"jump_{field.name}", _jumps(field))
    mine = F.col("of_run") == 1
    where = F.struct("device_id", F.date_format("event_time", "yyyy-MM-dd'T'HH:mm:ss'Z'").alias("event_time"), "event_id")
    flags = [f"stuck_{f.name}" for f in checked_for_stuck(contract)] + [f"jump_{f.name}" for f in _with_max_step(contract)]
    return flagged.agg(
        F.sum("of_run").alias("rows"),
        *(F.sum((mine & F.col(field.name).isNull()).cast("int")).alias(f"nulls_{field.name}") for field in contract.fields),
        *(F.sum(F.col(flag).cast("int")).alias(flag) for flag in flags),
        *(F.slice(F.collect_list(F.when(F.col(flag), where)), 1, _SAMPLE).alias(f"sample_{flag}") for flag in flags),
    )


def _with_max_step(contract: Contract) -> Sequence[Field]:
    return [field for field in contract.numbers if field.max_step is not None]


def _is_stuck(name: str, readings: int) -> Column:
    order = Window.partitionBy("device_id").orderBy("event_time", "event_id").rowsBetween(-(readings - 1), 0)
    same = F.min(name).over(order) == F.max(name).over(order)
    return F.coalesce(same & (F.count(name).over(order) == readings) & (F.max("of_run").over(order) == 1), F.lit(False))


def _jumps(field: Field) -> Column:
    before = F.lag(field.name).over(Window.partitionBy("device_id").orderBy("event_time", "event_id"))
    return F.coalesce((F.abs(F.col(field.name) - before) > field.max_step) & (F.col("of_run") == 1), F.lit(False))


def hourly_completeness(seen: DataFrame, cadence_seconds: float, run_id: str) -> DataFrame:
    """Closed hours that the run touched: `hour`, `devices`, `expected`, `arrived`, `completeness`.

    Closed: its end is not after the newest event. A device is expected in an hour when it was seen in it or in the 24
    hours before, from its first reading on, once a cadence. Hours with fewer than 3 such devices are left out.
    """
    hour = F.date_trunc("hour", "event_time")
    device_hours = seen.groupBy("device_id", hour.alias("hour")).agg(
        F.count("*").alias("arrived"),
        F.min("event_time").alias("first"),
        F.max("event_time").alias("last"),
        F.max((F.col("run_id") == run_id).cast("int")).alias("touched"),
    )
    by_device = Window.partitionBy("device_id")
    following = F.lead("hour").over(by_device.orderBy("hour"))
    reach = F.col("hour") + F.expr(f"INTERVAL {EXPECTED_HOURS} HOURS")
    spans = (
        device_hours.withColumn("first_seen", F.min("first").over(by_device))
        .withColumn("newest", F.max("last").over(Window.partitionBy(F.lit(1))))
        .withColumn("end", F.least(F.coalesce(following - F.expr("INTERVAL 1 HOUR"), reach), reach, F.date_trunc("hour", "newest")))
        .withColumn("expected_hour", F.explode(F.expr("sequence(hour, greatest(hour, end), INTERVAL 1 HOUR)")))
    )
    is_own = F.col("expected_hour") == F.col("hour")
    hour_end = F.col("expected_hour") + F.expr("INTERVAL 1 HOUR")
    seconds = hour_end.cast("double") - F.greatest("expected_hour", "first_seen").cast("double")
    return (
        spans.where(hour_end <= F.col("newest"))
        .groupBy(F.col("expected_hour").alias("hour"))
        .agg(
            F.countDistinct("device_id").alias("devices"),
            F.sum(F.floor(seconds / cadence_seconds)).alias("expected"),
            F.sum(F.when(is_own, F.col("arrived")).otherwise(0)).alias("arrived"),
            F.max(F.when(is_own, F.col("touched")).otherwise(0)).alias("touched"),
        )
        .where(f"touched = 1 AND devices >= {LEAST_DEVICES} AND expected > 0")
        .select("hour", "devices", "expected", "arrived", F.least(F.lit(1.0), F.col("arrived") / F.col("expected")).alias("completeness"))
    )
