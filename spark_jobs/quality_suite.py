"""The gate's expectations: a Great Expectations suite made from a contract, over the figures of one run.

Three small frames carry the figures: `run` (one row), `hours` (a row a closed hour) and `days` (a row an event day).
"""

import logging
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import great_expectations as gx
import pandas as pd
from great_expectations import expectations as gxe

from lake.contracts import Contract
from spark_jobs.quality_frames import checked_for_stuck, stuck_after
from spark_jobs.quality_runs import CheckResult

_FORMAT = {"result_format": "COMPLETE", "partial_unexpected_count": 20}


@dataclass(frozen=True)
class Check:
    """One expectation: the values of `column` in `frame` lie within the limits."""

    name: str
    field: str | None
    frame: str
    column: str
    words: str
    least: float | None = None
    most: float | None = None

    @property
    def expectation(self) -> Any:
        return gxe.ExpectColumnValuesToBeBetween(column=self.column, min_value=self.least, max_value=self.most)


def checks_of(contract: Contract) -> list[Check]:
    quality = contract.quality
    checks = [Check("unique_event_id", None, "run", "duplicate_event_ids", "event ids stand in more than one row", most=0)]
    if contract.is_measurement:
        checks += [
            Check(
                "completeness",
                None,
                "hours",
                "completeness",
                "of the readings expected in a closed hour arrived",
                least=quality.completeness,
            ),
            Check(
                "quarantined_share", None, "run", "quarantined_share", "of what arrived was quarantined", most=quality.max_quarantined_share
            ),
            Check(
                "volume",
                None,
                "days",
                "volume_ratio",
                "times the median of the days before",
                1 / quality.volume_factor,
                quality.volume_factor,
            ),
        ]
    for field in contract.fields:
        if field.max_null_share is not None:
            words = f"of the values of {field.name} are null"
            checks.append(Check("null_share", field.name, "run", f"null_share_{field.name}", words, most=field.max_null_share))
    if contract.is_measurement:
        for field in checked_for_stuck(contract):
            words = f"rows where {field.name} has not changed for {stuck_after(contract, field)} readings of its device"
            checks.append(Check("stuck", field.name, "run", f"stuck_{field.name}", words, most=0))
        for field in contract.numbers:
            if field.max_step is not None:
                words = f"rows where {field.name} jumped by more than {field.max_step:g} {field.unit}"
                checks.append(Check("jump", field.name, "run", f"jump_{field.name}", words, most=0))
    return checks


def evaluate(checks: Iterable[Check], frames: dict[str, pd.DataFrame], samples: dict[str, list[dict[str, Any]]]) -> list[CheckResult]:
    """Every check on its frame. A frame without rows has nothing to judge and passes."""
    every = list(checks)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("great_expectations").setLevel(logging.WARNING)
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        source = context.data_sources.add_pandas("run")
        return [
            result
            for name, frame in frames.items()
            for result in _evaluate_frame(context, source, name, frame, [c for c in every if c.frame == name], samples)
        ]


def _evaluate_frame(
    context: Any, source: Any, name: str, frame: pd.DataFrame, checks: list[Check], samples: dict[str, list[dict[str, Any]]]
) -> list[CheckResult]:
    if not checks:
        return []
    suite = context.suites.add(gx.ExpectationSuite(name=name, expectations=[check.expectation for check in checks]))
    batch = source.add_dataframe_asset(name=name).add_batch_definition_whole_dataframe("all")
    definition = context.validation_definitions.add(gx.ValidationDefinition(name=name, data=batch, suite=suite))
    found = {r.expectation_config.kwargs["column"]: r for r in definition.run(batch_parameters={"dataframe": frame}, result_format=_FORMAT).results}
    return [_result(check, frame, found[check.column], samples) for check in checks]


def _result(check: Check, frame: pd.DataFrame, outcome: Any, samples: dict[str, list[dict[str, Any]]]) -> CheckResult:
    values = frame[check.column].dropna()
    failing = frame.loc[outcome.result.get("unexpected_index_list") or []]
    low = check.least is not None and (check.most is None or (not values.empty and values.min() < check.least))
    worst = None if values.empty else float(values.min() if low else values.max())
    is_count = check.name in ("stuck", "jump", "unique_event_id")
    sample = samples.get(check.column) or [{key: str(value) for key, value in row.items()} for row in failing.head(20).to_dict("records")]
    return CheckResult(
        name=check.name,
        field=check.field,
        passed=bool(outcome.success),
        observed=worst,
        threshold=check.least if low else check.most,
        failing_rows=int(worst or 0) if is_count else len(failing),
        sample=tuple(sample) if not outcome.success else (),
        sentence=_sentence(check, worst, low, failing, is_count, sample),
    )


def _sentence(check: Check, worst: float | None, low: bool, failing: pd.DataFrame, is_count: bool, sample: list[dict[str, Any]]) -> str:
    if worst is None:
        return f"{check.name}: nothing to judge"
    seen = f"{worst:.0f}" if is_count else f"{worst:.2f}"
    limit = f"{check.least if low else check.most:g} is the {'least' if low else 'most'}"
    hours = (
        f" ({len(failing)} hours, the worst {failing.loc[failing[check.column].idxmin(), 'hour']:%Y-%m-%d %H:%M} UTC)"
        if _has_hours(failing)
        else ""
    )
    devices = sorted({row["device_id"] for row in sample if "device_id" in row}) if is_count else []
    of = f" of {', '.join(devices[:3])}{' and others' if len(devices) > 3 else ''}" if devices and worst else ""
    return f"{check.name}: {seen} {check.words}{of}; {limit}{hours}"


def _has_hours(failing: pd.DataFrame) -> bool:
    return "hour" in failing.columns and not failing.empty
