"""Completeness against cadence: of the readings that a fleet should have sent in an hour, how many arrived.

Pure: frames in, frames out. `arrived` is what came, held and refused readings too: `device_id`, `event_time`, `_of_run`.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

# A device that was silent for longer is not expected any more.
EXPECTED_HOURS = 24
# An hour of fewer devices says nothing about a fleet.
LEAST_DEVICES = 3
_NAMED = 10


def hourly_completeness(arrived: DataFrame, cadence_seconds: float) -> DataFrame:
    """Closed hours that the run touched: `hour`, `devices`, `expected`, `arrived`, `missing`, `completeness`, `silent`.

    Closed: its end is not after the newest reading. A device is expected in an hour when it was seen in it or in the 24
    hours before, from its first reading on, once a cadence; what it sent beyond that makes up for no other device. Where
    nobody sent anything in the hour before or after, the hour counts from the fleet's first or up to its last reading: a
    fleet that was switched on or off as a whole is no fault of its devices. `silent` names up to ten devices of which less
    than half came.
    """
    # Read three times below, and small: a row for each device and hour.
    by_device = _device_hours(arrived).localCheckpoint()
    expected = F.floor((F.col("until") - F.col("since")) / cadence_seconds)
    # The columns of the device that sent in this hour; an expected device that did not has none.
    counted = (
        _expected_hours(by_device)
        .join(_fleet_hours(by_device), on="hour")
        .join(by_device.select("device_id", "hour", "readings"), on=["device_id", "hour"], how="left")
        .withColumn("since", F.greatest(_seconds("since"), _seconds("first_seen")))
        .withColumn("until", _seconds("until"))
        .withColumn("expected", F.greatest(F.lit(0), expected))
        .withColumn("came", F.least(F.coalesce("readings", F.lit(0)), F.col("expected")))
    )
    is_silent = F.col("came") * 2 < F.col("expected")
    hours = (
        counted.where("touched = 1 AND expected > 0")
        .groupBy("hour")
        .agg(
            F.count("*").alias("devices"),
            F.sum("expected").alias("expected"),
            F.sum("came").alias("arrived"),
            F.slice(F.sort_array(F.collect_list(F.when(is_silent, F.col("device_id")))), 1, _NAMED).alias("silent"),
        )
    )
    judged = hours.where(F.col("devices") >= LEAST_DEVICES)
    missing, completeness = F.col("expected") - F.col("arrived"), F.col("arrived") / F.col("expected")
    return judged.select("*", missing.alias("missing"), completeness.alias("completeness")).orderBy("hour")


def _device_hours(arrived: DataFrame) -> DataFrame:
    return arrived.groupBy("device_id", F.date_trunc("hour", "event_time").alias("hour")).agg(
        F.count("*").alias("readings"),
        F.min("event_time").alias("first"),
        F.max("event_time").alias("last"),
        F.max("_of_run").alias("touched"),
    )


def _expected_hours(by_device: DataFrame) -> DataFrame:
    """`device_id`, `hour`, `first_seen`: each device from an hour it was seen in up to the next such, a day at most."""
    hours = Window.partitionBy("device_id").orderBy("hour")
    following, reach = F.lead("hour").over(hours) - _hours(1), F.col("hour") + _hours(EXPECTED_HOURS)
    spans = by_device.withColumn("first_seen", F.min("first").over(Window.partitionBy("device_id"))).withColumn(
        "last_expected", F.least(F.coalesce(following, reach), reach)
    )
    each = F.explode(F.sequence(F.col("hour"), F.col("last_expected"), _hours(1)))
    return spans.select("device_id", "first_seen", each.alias("hour"))


def _fleet_hours(by_device: DataFrame) -> DataFrame:
    """Closed hours in which anybody sent: `hour`, `touched`, and from `since` to `until` readings are expected."""
    everybody = by_device.groupBy("hour").agg(
        F.min("first").alias("begun"), F.max("last").alias("ended"), F.max("touched").alias("touched")
    )
    # One row an hour: a window over all of them is small.
    hours, end = Window.partitionBy(F.lit(1)).orderBy("hour"), F.col("hour") + _hours(1)
    return (
        everybody.withColumn("newest", F.max("ended").over(Window.partitionBy(F.lit(1))))
        .withColumn("since", F.when(F.lag("hour").over(hours) == F.col("hour") - _hours(1), F.col("hour")).otherwise(F.col("begun")))
        .withColumn("until", F.when(F.lead("hour").over(hours) == end, end).otherwise(F.col("ended")))
        .where(end <= F.col("newest"))
        .select("hour", "since", "until", "touched")
    )


def _hours(count: int) -> Column:
    return F.expr(f"INTERVAL {count} HOURS")


def _seconds(column: str) -> Column:
    return F.col(column).cast("double")
