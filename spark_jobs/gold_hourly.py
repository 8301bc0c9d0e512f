"""Silver to gold.{contract}_hourly: each device's hours, with its gaps.

A new reading touches its own hour, and the device's next hour with data, whose gap reaches back. Both are computed anew from
all their readings; the reading before them, which the gap begins at, lies in the hour with data before, wherever that is.
"""

from collections.abc import Sequence
from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lake.contracts import Contract, Field
from lake.tables import gold_hourly, silver
from runtime.log import logger
from spark_jobs.branch import Branch
from spark_jobs.pending import pending, pending_readings
from spark_jobs.publication import Outcome, publish
from spark_jobs.rewrite import base, days, replace
from spark_jobs.session import SparkLake, prepare_tables

log = logger("gold_hourly")


def run(lake: SparkLake, contract_name: str, run: str) -> Outcome:
    """Publish the hours that silver's new publications touch."""
    contract = lake.contracts.named(contract_name)
    if not contract.is_measurement:
        return Outcome(None, None, 0)
    prepare_tables(lake.platform, contract)
    table = gold_hourly(contract)
    outcome = publish(lake, table, contract.name, run, lambda branch: _attempt(lake, contract, branch))
    log.info(f"{table.name}: " + (f"run {outcome.run_id} is visible" if outcome.run_id else "nothing new in silver"))
    return outcome


def _attempt(lake: SparkLake, contract: Contract, branch: Branch) -> Sequence[str] | None:
    new = pending(lake, silver(contract), branch.table, contract.name)
    if new is None or not new.runs:
        return None
    there = base(lake, branch.table, branch)
    readings = lake.at_snapshot(silver(contract), new.snapshot)
    hours = touched_hours(pending_readings(lake, contract, new), there).cache()
    try:
        _replace(branch, contract, hours, there, readings)
    finally:
        hours.unpersist()
    return new.inputs


def _replace(branch: Branch, contract: Contract, hours: DataFrame, there: DataFrame, readings: DataFrame) -> None:
    needed = hours.groupBy(F.to_date("hour").alias("day")).agg(F.max("_is_affected").alias("_is_affected")).collect()
    affected: list[date] = [row["day"] for row in needed if row["_is_affected"]]
    if not affected:
        return
    of_hours = readings.where(days("event_time", [row["day"] for row in needed])).withColumn("hour", F.date_trunc("hour", "event_time"))
    rows = build(of_hours.join(F.broadcast(hours), ["device_id", "hour"]), contract)
    stale = hours.where("_is_affected").select("device_id", "hour")
    kept = there.where(days("hour", affected)).join(F.broadcast(stale), ["device_id", "hour"], "left_anti")
    replace(branch, kept, rows, days("hour", affected))


def touched_hours(new: DataFrame, there: DataFrame) -> DataFrame:
    """`device_id`, `hour`, `_is_affected`: the hours to compute anew, and besides them those in which their first gap begins.

    `new`: the readings that came or went (`is_there`). `there`: the hours as they are.
    """
    touched = new.groupBy("device_id", F.date_trunc("hour", "event_time").alias("hour")).agg(F.max("is_there").alias("is_there"))
    others = there.select("device_id", "hour").join(touched.select("device_id").distinct(), "device_id", "left_semi")
    known = (
        touched.withColumn("is_touched", F.lit(True))
        .unionByName(others.select("*", F.lit(True).alias("is_there"), F.lit(False).alias("is_touched")))
        .groupBy("device_id", "hour")
        .agg(
            F.max("is_touched").alias("is_touched"),
            F.coalesce(F.max(F.when(F.col("is_touched"), F.col("is_there"))), F.lit(True)).alias("is_there"),
        )
    )
    in_order = Window.partitionBy("device_id").orderBy("hour")
    of_data = Window.partitionBy("device_id", "is_there").orderBy("hour")
    follows = F.coalesce(F.lag("is_touched").over(in_order), F.lit(False))
    is_before = F.coalesce(F.lead("_is_affected").over(of_data), F.lit(False)) & F.col("is_there")
    affected = known.withColumn("_is_affected", F.col("is_touched") | follows)
    return affected.withColumn("is_before", is_before).where("_is_affected OR is_before").select("device_id", "hour", "_is_affected")


def build(readings: DataFrame, contract: Contract) -> DataFrame:
    """The hours of `readings` (silver's columns, `hour`, `_is_affected`) that are affected; each device's others give only gaps."""
    table = gold_hourly(contract)
    return readings.transform(with_gaps, contract).where("_is_affected").transform(roll_up, contract).select(*table.column_names)


def with_gaps(readings: DataFrame, contract: Contract) -> DataFrame:
    """`_gap_microseconds`: how long before a reading its device was silent, where that is a gap."""
    before = F.lag("event_time").over(Window.partitionBy("device_id").orderBy("event_time", "event_id"))
    silence = F.unix_micros("event_time") - F.unix_micros(before)
    limit = round((contract.gap_seconds or 0) * 1e6)
    return readings.withColumn("_gap_microseconds", F.when(silence > limit, silence))


def roll_up(readings: DataFrame, contract: Contract) -> DataFrame:
    """One row for each device and hour.

    By windows in the order of the readings and not by groups: a sum's last bits depend on the order of its terms.
    """
    group = Window.partitionBy("device_id", "hour").orderBy("event_time", "event_id")
    whole = group.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    rolled = readings.select(
        "device_id",
        "hour",
        F.row_number().over(group).alias("place"),
        F.count("*").over(whole).alias("readings"),
        F.count("_gap_microseconds").over(whole).alias("gaps"),
        (F.coalesce(F.sum("_gap_microseconds").over(whole), F.lit(0)) / F.lit(1e6)).alias("gap_seconds"),
        *(statistic.over(whole).alias(name) for field in contract.fields for name, statistic in statistics(field).items()),
    )
    return rolled.where("place = 1")


def statistics(field: Field) -> dict[str, Column]:
    """A field's columns of the hour. The last value is that of the last reading that has one."""
    name = field.name
    last = F.last(name, ignorenulls=True)
    if field.type == "string":
        return {f"{name}_last": last}
    if field.type == "bool":
        return {f"{name}_share_true": F.avg(F.col(name).cast("int"))}
    # Null where there is none, as in hours that were rolled up before the contract had the field.
    count = F.sum(F.when(F.col(name).isNotNull(), F.lit(1)))
    values = {"count": count, "min": F.min(name), "max": F.max(name), "mean": F.avg(name), "last": last}
    return {f"{name}_{statistic}": value for statistic, value in values.items()}
