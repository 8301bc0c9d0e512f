"""Silver and quarantine to gold.device_daily: each device's days, of one contract at a time.

A new reading touches its own day and the device's next day with data, whose first gap reaches back to `last_seen` of the day
before it. A new quarantine object touches the days on which its rows were received.
"""

from collections.abc import Sequence
from datetime import date, timedelta

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lake.contracts import Contract
from lake.layout import quarantine_day, quarantine_prefix
from lake.objects import list_keys
from lake.schemas import spark_columns
from lake.tables import DEVICE_DAILY, quarantine, silver
from runtime.log import logger
from spark_jobs.branch import Branch
from spark_jobs.gold_hourly import with_gaps
from spark_jobs.pending import named_inputs, pending, pending_readings
from spark_jobs.publication import Outcome, publish
from spark_jobs.rewrite import base, days, months, replace
from spark_jobs.session import SparkLake, empty_frame, prepare_tables

log = logger("gold_device_daily")
# An object may have been put by a clock that was behind the one that received its rows.
_CLOCKS_APART = timedelta(days=1)


def run(lake: SparkLake, contract_name: str, run: str) -> Outcome:
    """Publish the contract's days that silver's new publications and new quarantine objects touch."""
    contract = lake.contracts.named(contract_name)
    prepare_tables(lake.platform, contract)
    outcome = publish(lake, DEVICE_DAILY, contract.name, run, lambda branch: _attempt(lake, contract, branch))
    log.info(f"{DEVICE_DAILY.name}, {contract.name}: " + (f"run {outcome.run_id} is visible" if outcome.run_id else "nothing new"))
    return outcome


def _attempt(lake: SparkLake, contract: Contract, branch: Branch) -> Sequence[str] | None:
    keys = [key for key in list_keys(lake.platform, quarantine_prefix(contract.name)) if quarantine_day(key)]
    taken = named_inputs(lake, DEVICE_DAILY, contract.name)
    new_keys = [key for key in keys if key not in taken]
    new = pending(lake, silver(contract), DEVICE_DAILY, contract.name)
    if not new_keys and (new is None or not new.runs):
        return None
    there = base(lake, DEVICE_DAILY, branch)
    of_readings = pending_readings(lake, contract, new) if new else _no_readings(lake)
    touched = touched_days(of_readings, read_quarantine(lake, contract, new_keys), there.where(F.col("contract") == contract.name)).cache()
    try:
        readings = lake.at_snapshot(silver(contract), new.snapshot) if new else lake.table(silver(contract))
        _replace(lake, branch, contract, touched, there, readings, keys)
    finally:
        touched.unpersist()
    return [*(new.inputs if new else ()), *new_keys]


def _replace(
    lake: SparkLake, branch: Branch, contract: Contract, touched: DataFrame, there: DataFrame, readings: DataFrame, keys: Sequence[str]
) -> None:
    affected: list[date] = [row["day"] for row in touched.select("day").distinct().collect()]
    if not affected:
        return
    is_of_contract = F.col("contract") == contract.name
    others = there.where(is_of_contract).join(F.broadcast(touched), ["device_id", "day"], "left_anti")
    quarantined = read_quarantine(lake, contract, [key for key in keys if _may_hold(key, min(affected))])
    rows = build(readings.where(days("event_time", affected)), quarantined, others, touched, contract)
    kept = there.where(months("day", affected)).join(
        F.broadcast(touched.withColumn("contract", F.lit(contract.name))), list(DEVICE_DAILY.key), "left_anti"
    )
    replace(branch, kept, rows, months("day", affected))


def _may_hold(key: str, first: date) -> bool:
    put_on = quarantine_day(key)
    return put_on is not None and put_on >= first - _CLOCKS_APART


def read_quarantine(lake: SparkLake, contract: Contract, keys: Sequence[str]) -> DataFrame:
    """`device_id`, `day` (received), `quarantine_id` of the objects' rows; those without a time of receipt are left out."""
    if not keys:
        return empty_frame(lake.spark, {"device_id": "string", "day": "date", "quarantine_id": "string"})
    schema = spark_columns(quarantine(contract.name)).replace(" NOT NULL", "")
    frame = lake.spark.read.schema(schema).parquet(*(lake.platform.object_uri(key) for key in keys))
    return frame.where("received_at IS NOT NULL").select("device_id", F.to_date("received_at").alias("day"), "quarantine_id")


def _no_readings(lake: SparkLake) -> DataFrame:
    return empty_frame(lake.spark, {"device_id": "string", "event_time": "timestamp", "is_there": "boolean"})


def touched_days(new: DataFrame, quarantined: DataFrame, there: DataFrame) -> DataFrame:
    """`device_id`, `day` of the days to compute anew.

    `new`: the readings that came or went. `quarantined`: the quarantined rows that came. `there`: the contract's days as they are.
    """
    came = new.select("device_id", F.to_date("event_time").alias("day")).distinct()
    others = there.where("readings > 0").select("device_id", "day").join(came.select("device_id").distinct(), "device_id", "left_semi")
    known = (
        came.withColumn("is_touched", F.lit(True))
        .unionByName(others.withColumn("is_touched", F.lit(False)))
        .groupBy("device_id", "day")
        .agg(F.max("is_touched").alias("is_touched"))
    )
    follows = F.lag("is_touched").over(Window.partitionBy("device_id").orderBy("day"))
    affected = known.withColumn("follows", F.coalesce(follows, F.lit(False))).where("is_touched OR follows")
    return affected.select("device_id", "day").unionByName(quarantined.select("device_id", "day")).distinct()


def build(readings: DataFrame, quarantined: DataFrame, others: DataFrame, touched: DataFrame, contract: Contract) -> DataFrame:
    """The days `touched` of `readings` (silver's columns) and `quarantined` rows; `others` are the contract's days that stay."""
    of_days = readings.select("device_id", F.to_date("event_time").alias("day"), "event_time", "event_id")
    before = others.where("last_seen IS NOT NULL").select("device_id", F.col("last_seen").alias("event_time"))
    counted = (
        of_days.join(F.broadcast(touched), ["device_id", "day"])
        .unionByName(before.join(touched.select("device_id").distinct(), "device_id", "left_semi"), allowMissingColumns=True)
        .transform(with_gaps, contract)
        .where("day IS NOT NULL")
        .unionByName(quarantined.join(F.broadcast(touched), ["device_id", "day"]), allowMissingColumns=True)
    )
    return counted.transform(roll_up, contract).select(*DEVICE_DAILY.column_names)


def roll_up(rows: DataFrame, contract: Contract) -> DataFrame:
    """One row for each device and day. Only counts and extremes: in whatever order the rows come, the result is the same."""
    return rows.groupBy("device_id", "day").agg(
        F.lit(contract.name).alias("contract"),
        F.count("event_time").alias("readings"),
        _of_measurement(F.count("_gap_microseconds"), contract).alias("gaps"),
        F.size(F.collect_set("quarantine_id")).cast("bigint").alias("quarantined"),
        _of_measurement(F.size(F.collect_set(_slot(contract))) * F.lit(contract.cadence_seconds or 0.0), contract).alias("uptime_seconds"),
        F.min("event_time").alias("first_seen"),
        F.max("event_time").alias("last_seen"),
    )


def _of_measurement(value: Column, contract: Contract) -> Column:
    """Events come when they come: they have neither gaps nor uptime."""
    return value if contract.is_measurement else F.lit(None)


def _slot(contract: Contract) -> Column:
    """Which cadence of its day a reading was measured in."""
    since_midnight = F.unix_micros("event_time") - F.unix_micros(F.date_trunc("day", "event_time"))
    return F.floor(since_midnight / F.lit((contract.cadence_seconds or 86_400) * 1e6))
