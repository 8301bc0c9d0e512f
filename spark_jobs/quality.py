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
    objects_of_waiting,
    quarantined,
    rows_around,
    span_of,
    taken_in,
    with_waiting,
)
from spark_jobs.quality_completeness import hourly_completeness
from spark_jobs.quality_frames import duplicates, first_marked, flag, flags, of_run, run_figures, suspects
from spark_jobs.quality_history import daily, null_rises, usual_null_shares, volume
from spark_jobs.quality_runs import CheckResult, Lenience, Status, write_results
from spark_jobs.session import SparkLake

if TYPE_CHECKING:
    from spark_jobs.quality_suite import Figures

# A share of fewer readings than this says nothing.
_LEAST_FOR_A_SHARE = 50
_LOOKED_AT = 5000


@dataclass(frozen=True)
class Verdict:
    """`warning`: what the checks say that did not pass and may hold no run; empty where there are none."""

    passed: bool
    results: tuple[CheckResult, ...]
    sentence: str
    warning: str = ""


def audit(lake: SparkLake, contract: Contract, branch: str, run_id: str, waived: frozenset[str] = frozenset()) -> Verdict:
    """Judge the run's rows on its branch and write the verdict to ops.quality_runs. `waived` names checks that may fail."""
    # Imported here: Great Expectations alone takes seconds to import.
    from spark_jobs.quality_suite import checks_of, evaluate

    table = lake.spark.table(branch)
    span = span_of(table.where(F.col("run_id") == run_id))
    if span is None:
        return Verdict(True, (), f"silver.{contract.name}: run {run_id} has no new readings; there is nothing to judge")
    results = tuple(evaluate(checks_of(contract), measure(lake, contract, table, run_id, span)))
    lenience = Lenience(waived, frozenset(contract.quality.warn))
    write_results(lake.platform, run_id, contract.name, results, lenience, lake.clock.now())
    return verdict(contract, run_id, results, lenience, span.rows)


def verdict(contract: Contract, run_id: str, results: tuple[CheckResult, ...], lenience: Lenience, rows: int) -> Verdict:
    """Of the checks that fail the one with the most readings at fault is named, and so of those that only warn."""
    run = f"silver.{contract.name}: run {run_id}"
    of = {status: sorted((r for r in results if lenience.status(r) is status), key=lambda r: -r.failing_rows) for status in Status}
    warning = _named(of[Status.WARNED], "warned")
    if of[Status.FAILED]:
        return Verdict(False, results, f"{run} is held by the quality gate: {_named(of[Status.FAILED], 'failed')}", warning)
    passed = f"{run} passed {len(of[Status.PASSED])} checks with {rows} readings; {len(of[Status.WAIVED])} were waived"
    return Verdict(True, results, passed, warning)


def _named(results: list[CheckResult], did: str) -> str:
    more = f"; {len(results) - 1} more checks {did}" if len(results) > 1 else ""
    return results[0].sentence + more if results else ""


def measure(lake: SparkLake, contract: Contract, table: DataFrame, run_id: str, span: Span) -> "Figures":
    """The figures that the expectations are about; `table` is the branch."""
    from spark_jobs.quality_suite import Figures

    within, known = around(contract, span), read_known(lake, contract.name)
    is_of_run = (F.col("run_id") == run_id).cast("int").alias("_of_run")
    # Nothing is cached: the fields are read once where all is well, and to read two columns again is cheaper than to keep all.
    fields = ["device_id", "event_time", *(field.name for field in contract.fields), is_of_run]
    spans = arrival_spans(contract, span.received_minutes)
    refused = quarantined(lake.platform, contract, known.objects_of(run_id), spans)
    taken = taken_in(table, spans) if refused else span.rows
    usual = usual_null_shares(lake.platform, contract, span.last.date())
    frames, behind = _row_figures(contract, rows_around(table, fields, span, within), _refused_figures(refused, taken), usual)
    if contract.cadence_seconds:
        waiting = objects_of_waiting(known, within)
        came = rows_around(table, ["device_id", "event_time", is_of_run], span, within, needs_ids=bool(waiting))
        hours = hourly_completeness(with_waiting(lake, contract, came, waiting, within), contract.cadence_seconds)
        days = {hour.date() for hour in span.hours}
        frames |= {"hours": hours.toPandas(), "days": volume(daily(table, span.first.date()).toPandas(), days)}
    reasons = [{"reason": reason, "readings": count} for reason, count in refused.items()]
    listed = [{"detail": row["reason"], "readings": row["readings"]} for row in reasons]
    return Figures(frames, behind.samples | {"quarantined": reasons}, behind.readings | {"quarantined": listed})


def _refused_figures(refused: Mapping[str, int], taken: int) -> dict[str, float]:
    """`taken`: all readings that were received in the same minutes, the run's and those that are there already."""
    count = sum(refused.values())
    arrived = count + taken
    return {"quarantined": count, "quarantined_share": count / arrived if arrived >= _LEAST_FOR_A_SHARE else 0.0}


@dataclass(frozen=True)
class Behind:
    """The rows behind figures, by the figure's name: those that a person would look at first, and the readings themselves."""

    samples: dict[str, list[dict[str, Any]]]
    readings: dict[str, list[dict[str, Any]]]


def _row_figures(
    contract: Contract, seen: DataFrame, refused: Mapping[str, float], usual: Mapping[str, float]
) -> tuple[dict[str, pd.DataFrame], Behind]:
    """What the rows show: the frames `run` and `nulls`, and the rows behind those figures that are beyond their limits."""
    from spark_jobs.quality_suite import checks_of, share_of

    flagged = flag(seen, contract)
    figures: dict[str, Any] = run_figures(flagged, contract).toPandas().iloc[0].to_dict()
    # Of few readings a share says little: one of ten is no tenth of a fleet's.
    of = max(figures["rows"], _LEAST_FOR_A_SHARE)
    shares = {field.name: figures[f"nulls_{field.name}"] / figures["rows"] for field in contract.fields}
    rises = null_rises(shares, usual) if figures["rows"] >= _LEAST_FOR_A_SHARE else {}
    figures |= dict(refused) | {f"null_share_{name}": share for name, share in shares.items()} | rises
    figures |= {share_of(name): figures[of_run(name)] / of for name in flags(contract)}
    counts = {check.count for check in checks_of(contract) if check.most is not None and figures.get(check.column, 0) > check.most}
    frames = {"run": pd.DataFrame([figures]), "nulls": pd.DataFrame([figures] if rises else [])}
    return frames, _behind(flagged, sorted(counts.intersection(flags(contract))), "duplicates" in counts)


def _behind(flagged: DataFrame, names: list[str], has_duplicates: bool) -> Behind:
    samples, readings = {}, {}
    if names:
        firsts, every = (
            found.toPandas().to_dict("records")
            for found in (suspects(flagged, names).limit(_LOOKED_AT), first_marked(flagged, names, _LOOKED_AT))
        )
        samples = {name: [row for row in firsts if row["flag"] == name] for name in names}
        readings = {name: [row for row in every if row["flag"] == name] for name in names}
    if has_duplicates:
        samples["duplicates"] = duplicates(flagged).limit(_LOOKED_AT).toPandas().to_dict("records")
        readings["duplicates"] = [row | {"readings": row["rows"]} for row in samples["duplicates"]]
    return Behind(samples, readings)
