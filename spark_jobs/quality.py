"""The quality gate: what only many readings can show, checked on a run's branch before anybody reads it.

Decode has refused what one reading can show. The gate judges in event time: row checks on the run's rows with what came
before them, completeness on the closed hours that the run touched, readings of held and refused runs counting as arrived.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.contracts import Contract
from spark_jobs.bronze_plan import read_known
from spark_jobs.quality_arrivals import (
    Span,
    around,
    arrival_spans,
    daily,
    objects_of_waiting,
    quarantined,
    rows_around,
    span_of,
    taken_in,
    volume,
    with_waiting,
)
from spark_jobs.quality_completeness import hourly_completeness
from spark_jobs.quality_frames import checked_for_nulls, duplicates, flag, flags, run_figures, suspects
from spark_jobs.quality_runs import CheckResult, write_results
from spark_jobs.session import SparkLake

if TYPE_CHECKING:
    from spark_jobs.quality_suite import Figures

# A share of fewer readings than this says nothing.
_LEAST_FOR_A_SHARE = 50
_LOOKED_AT = 5000


@dataclass(frozen=True)
class Verdict:
    passed: bool
    results: tuple[CheckResult, ...]
    sentence: str


def audit(lake: SparkLake, contract: Contract, branch: str, run_id: str, waived: frozenset[str] = frozenset()) -> Verdict:
    """Judge the run's rows on its branch and write the verdict to ops.quality_runs. `waived` names checks that may fail."""
    # Imported here: Great Expectations alone takes seconds to import.
    from spark_jobs.quality_suite import checks_of, evaluate

    table = lake.spark.table(branch)
    span = span_of(table.where(F.col("run_id") == run_id))
    if span is None:
        return Verdict(True, (), f"silver.{contract.name}: run {run_id} has no new readings; there is nothing to judge")
    results = tuple(evaluate(checks_of(contract), measure(lake, contract, table, run_id, span)))
    write_results(lake.platform, run_id, contract.name, results, waived, lake.clock.now())
    return verdict(contract, run_id, results, waived, span.rows)


def verdict(contract: Contract, run_id: str, results: tuple[CheckResult, ...], waived: frozenset[str], rows: int) -> Verdict:
    """Of the checks that fail and are not waived, the one with the most readings at fault is named."""
    run = f"silver.{contract.name}: run {run_id}"
    failed = sorted((r for r in results if not r.passed and r.key not in waived), key=lambda r: -r.failing_rows)
    if failed:
        more = f"; {len(failed) - 1} more checks failed" if len(failed) > 1 else ""
        return Verdict(False, results, f"{run} is held by the quality gate: {failed[0].sentence}{more}")
    forgiven = sum(not result.passed for result in results)
    return Verdict(True, results, f"{run} passed {len(results) - forgiven} checks with {rows} readings; {forgiven} were waived")


def measure(lake: SparkLake, contract: Contract, table: DataFrame, run_id: str, span: Span) -> "Figures":
    """The figures that the expectations are about; `table` is the branch."""
    from spark_jobs.quality_suite import Figures

    within, known = around(contract, span), read_known(lake, contract.name)
    waiting = objects_of_waiting(known, within) if contract.cadence_seconds else []
    of_run = (F.col("run_id") == run_id).cast("int").alias("_of_run")
    columns = ["device_id", "event_time", *(field.name for field in contract.fields), of_run]
    seen = rows_around(table, columns, span, within, needs_ids=bool(waiting)).cache()
    try:
        run, samples = _row_figures(contract, seen)
        spans = arrival_spans(contract, span.received_minutes)
        refused = quarantined(lake.platform, contract, known.objects_of(run_id), spans)
        run |= _refused_figures(refused, taken_in(table, spans) if refused else span.rows)
        samples["quarantined"] = [{"reason": reason, "readings": count} for reason, count in refused.items()]
        frames = {"run": pd.DataFrame([run])}
        if contract.cadence_seconds:
            hours = hourly_completeness(with_waiting(lake, contract, seen, waiting, within), contract.cadence_seconds)
            frames |= {"hours": hours.toPandas(), "days": volume(daily(table, run_id, span.first).toPandas())}
    finally:
        seen.unpersist()
    return Figures(frames, samples)


def _refused_figures(refused: Mapping[str, int], taken: int) -> dict[str, float]:
    """`taken`: all readings that were received in the same minutes, the run's and those that are there already."""
    count = sum(refused.values())
    arrived = count + taken
    return {"quarantined": count, "quarantined_share": count / arrived if arrived >= _LEAST_FOR_A_SHARE else 0.0}


def _row_figures(contract: Contract, seen: DataFrame) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """What the rows show: figures by name, and the rows behind those that are not nought."""
    flagged = flag(seen, contract)
    figures: dict[str, Any] = run_figures(flagged, contract).toPandas().iloc[0].to_dict()
    figures |= {f"null_share_{f.name}": figures[f"nulls_{f.name}"] / figures["rows"] for f in checked_for_nulls(contract)}
    twice = duplicates(flagged).limit(_LOOKED_AT).toPandas().to_dict("records") if figures["duplicates"] else []
    marked = [name for name in flags(contract) if figures[name]]
    rows = suspects(flagged, marked).limit(_LOOKED_AT).toPandas().to_dict("records") if marked else []
    samples = {name: [row for row in rows if row["flag"] == name] for name in marked}
    return figures, samples | {"duplicates": twice}
