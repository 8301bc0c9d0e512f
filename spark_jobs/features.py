"""Silver to features.{contract}: the causal features of each reading, for training, batch and live scoring alike.

A late reading changes the features of everything after it in its device: a run takes the devices that new silver rows touch
and computes each from its earliest such reading on. What comes before stays; the readings that the windows reach back to are
taken from features itself. The statistics are lake.causal's.
"""

from collections.abc import Sequence
from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake import causal
from lake.contracts import Contract
from lake.feature_rows import by_devices, input_columns
from lake.schemas import spark_columns
from lake.tables import features, silver
from runtime.log import logger
from spark_jobs.branch import Branch
from spark_jobs.pending import moment, pending, pending_readings
from spark_jobs.publication import Outcome, publish
from spark_jobs.rewrite import base, from_day_of, replace
from spark_jobs.session import SparkLake, prepare_tables

log = logger("features")


def run(lake: SparkLake, contract_name: str, run: str) -> Outcome:
    """Publish the features of the readings that silver's new publications touch."""
    contract = lake.contracts.named(contract_name)
    if not contract.is_measurement:
        return Outcome(None, None, 0)
    prepare_tables(lake.platform, contract)
    table = features(contract)
    outcome = publish(lake, table, contract.name, run, lambda branch: _attempt(lake, contract, branch))
    log.info(f"{table.name}: " + (f"run {outcome.run_id} is visible" if outcome.run_id else "nothing new in silver"))
    return outcome


def _attempt(lake: SparkLake, contract: Contract, branch: Branch) -> Sequence[str] | None:
    new = pending(lake, silver(contract), branch.table, contract.name)
    if new is None or not new.runs:
        return None
    starts = pending_readings(lake, contract, new).groupBy("device_id").agg(F.min("event_time").alias("_since")).cache()
    try:
        first = starts.agg(F.date_format(F.min("_since"), "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX")).first()[0]
        if first is not None:
            _replace(lake, contract, branch, lake.at_snapshot(silver(contract), new.snapshot), starts, datetime.fromisoformat(first))
    finally:
        starts.unpersist()
    return new.inputs


def _replace(lake: SparkLake, contract: Contract, branch: Branch, readings: DataFrame, starts: DataFrame, first: datetime) -> None:
    """Compute the touched devices from their starts on; their later rows give way, all others stay."""
    there = base(lake, branch.table, branch)
    is_later = (there["device_id"] == starts["device_id"]) & (there["at"] >= starts["_since"])
    kept = there.where(from_day_of("at", first)).join(F.broadcast(starts), is_later, "left_anti")
    fresh = readings.where(F.col("event_time") >= moment(first)).join(F.broadcast(starts), "device_id").where("event_time >= _since")
    rows = build(fresh, context(there, starts, contract), contract)
    replace(branch, kept, rows, from_day_of("at", first))


def context(there: DataFrame, starts: DataFrame, contract: Contract) -> DataFrame:
    """The feature rows that windows from `_since` on reach back to: the device's last ones before, and its life's first 20."""
    before = there.join(F.broadcast(starts), "device_id").where("at < _since")
    newest = before.groupBy("device_id").agg(F.max(F.struct("at", "event_id", "life", "reading_number")).alias("_newest"))
    of_life = before.join(F.broadcast(newest), "device_id").where("life = _newest.life")
    is_near = F.col("reading_number") > F.col("_newest.reading_number") - causal.REACH
    return of_life.where(is_near | (F.col("reading_number") <= causal.FIRST)).select(*input_columns(contract))


def build(readings: DataFrame, before: DataFrame, contract: Contract) -> DataFrame:
    """Feature rows of `readings` (silver's columns), given the feature rows `before` them that their windows reach back to."""
    fresh = readings.select(
        "device_id",
        F.col("event_time").alias("at"),
        "event_id",
        *(F.lit(0).cast("bigint").alias(name) for name in ("life", "reading_number")),
        *(field.name for field in contract.numbers),
    )
    in_order = fresh.unionByName(before).repartition("device_id").sortWithinPartitions("device_id", "at", "event_id")
    return in_order.mapInArrow(by_devices(contract), spark_columns(features(contract)).replace(" NOT NULL", ""))
