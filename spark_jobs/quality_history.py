"""What the days before a run were like, which its volume and its nulls are held against."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta
from statistics import median

import pandas as pd
from pyiceberg.expressions import And, GreaterThanOrEqual, LessThan
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.catalog import open_catalog
from lake.contracts import Contract
from lake.tables import silver
from runtime.platforms import Platform
from spark_jobs.quality_limits import checked_for_null_rise

# As many days are looked at; where half of them have readings, they say what is usual.
HISTORY_DAYS = 14
_LEAST_DAYS = 7
_EPOCH = date(1970, 1, 1)


def daily(branch: DataFrame, first: date) -> DataFrame:
    """Event days from `HISTORY_DAYS` before the run's `first` on: `day`, `rows`, `devices`.

    The day is that of the partition: of a row's columns only `device_id` is read, which is small in sorted files.
    """
    since = datetime.combine(first - timedelta(days=HISTORY_DAYS), time(), UTC)
    return (
        branch.where(f"event_time >= timestamp'{since:%Y-%m-%d %H:%M:%S}'")
        .groupBy(F.col("_partition.event_time_day").alias("day"))
        .agg(F.count("*").alias("rows"), F.countDistinct("device_id").alias("devices"))
        .orderBy("day")
    )


def volume(days: pd.DataFrame, touched: Collection[date]) -> pd.DataFrame:
    """Whole days of those `touched` by the run, where seven are before them: `day`, `rows`, `devices`, `volume_ratio`.

    The ratio to the median day before, of the rows or of the rows of a device, whichever is nearer to 1: a fleet that grows
    sends more, and devices that have just joined send less, without anything being wrong.
    """
    # The newest day is not over, and the first may have begun late.
    whole = days.iloc[1:-1].reset_index(drop=True)
    by_device = whole["rows"] / whole["devices"]
    ratios = pd.DataFrame({"rows": _to_days_before(whole["rows"]), "by_device": _to_days_before(by_device)})
    distance = ratios.where(ratios >= 1, 1 / ratios)
    whole["volume_ratio"] = ratios["rows"].where(distance["rows"] <= distance["by_device"], ratios["by_device"])
    return whole[whole["day"].isin(list(touched)) & whole["volume_ratio"].notna()].reset_index(drop=True)


def _to_days_before(figures: pd.Series) -> pd.Series:
    return figures / figures.shift(1).rolling(HISTORY_DAYS, min_periods=_LEAST_DAYS).median()


def usual_null_shares(platform: Platform, contract: Contract, last: date) -> dict[str, float]:
    """Of each field that may be null, the median share of nulls on the `HISTORY_DAYS` days before `last`; empty where too few have readings.

    By the counts of Iceberg's manifests: no row is read.
    """
    fields = [field.name for field in checked_for_null_rise(contract)]
    days = _daily_nulls(platform, contract, last, fields) if fields else {}
    if len(days) < _LEAST_DAYS:
        return {}
    return {name: median(nulls.get(name, 0) / rows for rows, nulls in days.values()) for name in fields}


def _daily_nulls(platform: Platform, contract: Contract, last: date, fields: Collection[str]) -> Mapping[date, tuple[int, dict[str, int]]]:
    """By event day of main, its rows and of each field the nulls. A file from before a field was added has nothing but nulls of it."""
    table = open_catalog(platform).load_table(silver(contract).name)
    since, until = (datetime.combine(day, time(), UTC).isoformat() for day in (last - timedelta(days=HISTORY_DAYS), last))
    scan = table.scan(row_filter=And(GreaterThanOrEqual("event_time", since), LessThan("event_time", until)))
    ids = {name: table.schema().find_field(name).field_id for name in fields}
    rows: dict[date, int] = defaultdict(int)
    nulls: dict[date, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for task in scan.plan_files():
        day, file = _EPOCH + timedelta(days=task.file.partition[0]), task.file
        rows[day] += file.record_count
        for name, identity in ids.items():
            nulls[day][name] += (file.null_value_counts or {}).get(identity, file.record_count)
    return {day: (count, nulls[day]) for day, count in rows.items()}


def null_rises(shares: Mapping[str, float], usual: Mapping[str, float]) -> dict[str, float]:
    """How far each field's share of nulls lies above what is usual: ``null_rise_{field}``, none where nothing is known to be usual."""
    return {f"null_rise_{name}": max(0.0, shares[name] - share) for name, share in usual.items()}
