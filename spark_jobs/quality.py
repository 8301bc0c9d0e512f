"""The quality gate: what only many readings can show, checked on a run's branch before anybody reads it.

Decode has refused what one reading can show. The gate judges in event time: row checks on the run's rows with what came
before them, completeness on the closed hours the run touched, readings of held runs counting as arrived.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import pyarrow.fs as pafs
import pyarrow.parquet as pq
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.contracts import Contract
from lake.layout import quarantine_prefix
from lake.objects import list_keys
from lake.publications import State
from runtime.log import logger
from spark_jobs.bronze_plan import read_known
from spark_jobs.quality_frames import EXPECTED_HOURS, checked_for_stuck, duplicates, hourly_completeness, run_figures, stuck_after
from spark_jobs.quality_runs import CheckResult, write_results
from spark_jobs.session import SparkLake

# Fewer readings than this say nothing about a share.
_LEAST_FOR_A_SHARE = 50
_EARLIER_DAYS = 7
log = logger("quality")


@dataclass(frozen=True)
class Verdict:
    passed: bool
    results: tuple[CheckResult, ...]
    sentence: str


def audit(lake: SparkLake, contract: Contract, branch: str, run_id: str, waived: frozenset[str] = frozenset()) -> Verdict:
    """Judge the run's rows on its branch and write the verdict to ops.quality_runs. `waived` names checks that may fail."""
    # Imported here: Great Expectations alone takes seconds to import.
    from spark_jobs.quality_suite import checks_of, evaluate

    mine = lake.spark.table(branch).where(F.col("run_id") == run_id)
    span = mine.agg(
        F.min("event_time").cast("double").alias("first"),
        F.max("event_time").cast("double").alias("last"),
        F.min("received_at").cast("double").alias("received_first"),
        F.max("received_at").cast("double").alias("received_last"),
        F.count("*").alias("rows"),
    ).first()
    assert span is not None
    if not span["rows"]:
        return Verdict(True, (), f"silver.{contract.name}: run {run_id} has no new rows; nothing to judge")
    seen = _seen(lake, contract, branch, span["first"], span["last"]).cache()
    try:
        frames, samples = _frames(lake, contract, seen, run_id, span.asDict(), branch)
    finally:
        seen.unpersist()
    results = tuple(evaluate(checks_of(contract), frames, samples))
    write_results(lake.platform, run_id, contract.name, results, waived, lake.clock.now())
    return _verdict(contract, run_id, results, waived, span["rows"])


def _verdict(contract: Contract, run_id: str, results: tuple[CheckResult, ...], waived: frozenset[str], rows: int) -> Verdict:
    failed = [result for result in results if not result.passed and result.key not in waived]
    if not failed:
        passed = sum(result.passed for result in results)
        return Verdict(True, results, f"silver.{contract.name}: run {run_id} with {rows} rows passed {passed} of {len(results)} checks")
    worst = max(failed, key=lambda result: result.failing_rows)
    more = f" (and {len(failed) - 1} more checks)" if len(failed) > 1 else ""
    return Verdict(False, results, f"silver.{contract.name}: run {run_id} is held by the quality gate: {worst.sentence}{more}")


def _seen(lake: SparkLake, contract: Contract, branch: str, first: float, last: float) -> DataFrame:
    """The branch's rows around the run: as far back as a streak or an expectation reaches, and held readings as arrived."""
    longest = max((stuck_after(contract, field) for field in checked_for_stuck(contract)), default=0)
    back = max(EXPECTED_HOURS * 3600, longest * (contract.cadence_seconds or 0) * 2) + 3600
    columns = ["device_id", "event_time", "event_id", "run_id", *(field.name for field in contract.fields)]
    bounds = f"event_time >= timestamp_seconds({first - back}D) AND event_time <= timestamp_seconds({last + 86_400}D)"
    return lake.spark.table(branch).where(bounds).select(*columns)


def _frames(
    lake: SparkLake, contract: Contract, seen: DataFrame, run_id: str, span: dict[str, Any], branch: str
) -> tuple[dict[str, pd.DataFrame], dict[str, list[dict[str, Any]]]]:
    figures = run_figures(seen, contract, run_id).toPandas().iloc[0].to_dict()
    twice = duplicates(seen).limit(20).toPandas()
    samples = {name.removeprefix("sample_"): [row.asDict() for row in rows] for name, rows in figures.items() if name.startswith("sample_")}
    samples["duplicate_event_ids"] = twice.to_dict("records")
    run = {name: figures[name] for name in figures if name.startswith(("stuck_", "jump_"))}
    run |= {f"null_share_{field.name}": figures[f"nulls_{field.name}"] / span["rows"] for field in contract.fields}
    run |= {"duplicate_event_ids": len(twice), "quarantined_share": _quarantined_share(lake, contract, span)}
    frames = {"run": pd.DataFrame([run])}
    if contract.cadence_seconds:
        arrived = _with_held(lake, contract, seen)
        frames["hours"] = hourly_completeness(arrived, contract.cadence_seconds, run_id).toPandas()
        frames["days"] = _volume(lake, contract, branch, span)
    return frames, samples


def _with_held(lake: SparkLake, contract: Contract, seen: DataFrame) -> DataFrame:
    """`seen` with the readings of held runs, which arrived although nobody sees them yet."""
    from spark_jobs.silver import read_bronze

    known = read_known(lake, contract.name)
    held = sorted({key for run in known.runs if run.state is State.HELD for key in known.objects_of(run.run_id)})
    columns = ["device_id", "event_time", "event_id", "run_id"]
    if not held:
        return seen.select(*columns)
    waiting = read_bronze(lake, contract, held).withColumn("run_id", F.lit("held")).select(*columns)
    missing = waiting.dropDuplicates(["event_id"]).join(seen.select("event_id"), on="event_id", how="left_anti")
    return seen.select(*columns).unionByName(missing)


def _quarantined_share(lake: SparkLake, contract: Contract, span: dict[str, Any]) -> float:
    """Of what arrived while the run's readings did, the share that decode refused; 0 where too little arrived to tell."""
    first, last = span["received_first"], span["received_last"]
    refused: set[str] = set()
    for key in list_keys(lake.platform, quarantine_prefix(contract.name)):
        filesystem, path = pafs.FileSystem.from_uri(lake.platform.object_uri(key))
        rows = pq.read_table(path, filesystem=filesystem, columns=["quarantine_id", "received_at", "origin"], partitioning=None).to_pylist()
        refused |= {
            row["quarantine_id"]
            for row in rows
            if row["origin"] == "decode" and row["received_at"] and first <= row["received_at"].timestamp() <= last
        }
    total = len(refused) + int(span["rows"])
    return len(refused) / total if total >= _LEAST_FOR_A_SHARE else 0.0


def _volume(lake: SparkLake, contract: Contract, branch: str, span: dict[str, Any]) -> pd.DataFrame:
    """Whole event days that the run touched against the median of the days before: `day`, `rows`, `volume_ratio`."""
    first = datetime.fromtimestamp(span["first"]) - timedelta(days=2 * _EARLIER_DAYS)  # noqa: DTZ006 - a bound, a day off does not matter
    daily = (
        lake.spark.table(branch)
        .where(F.col("event_time") >= F.lit(f"{first:%Y-%m-%d}").cast("timestamp"))
        .groupBy(F.to_date("event_time").alias("day"))
        .agg(F.count("*").alias("rows"))
        .orderBy("day")
        .toPandas()
    )
    # The newest day is not over, and the first may have begun late.
    whole = daily.iloc[1:-1].reset_index(drop=True)
    whole["volume_ratio"] = whole["rows"] / whole["rows"].shift(1).rolling(_EARLIER_DAYS * 2, min_periods=_EARLIER_DAYS).median()
    begun = pd.Timestamp(span["first"], unit="s").date()
    judged = whole.dropna(subset=["volume_ratio"])
    return judged.loc[judged["day"].map(lambda day: day >= begun).astype(bool)].reset_index(drop=True)
