"""The gate's expectations: a Great Expectations suite made from a contract, over the figures of one run.

Small frames carry the figures: `run` (one row), `nulls` (one row where the days before say what is usual), `hours` (a row a
closed hour) and `days` (a row an event day). So the rows are read a few times in all, and not once for each expectation.
"""

import logging
import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

import great_expectations as gx
import pandas as pd
from great_expectations import expectations as gxe

from lake.contracts import Contract, Field
from spark_jobs.quality_history import HISTORY_DAYS
from spark_jobs.quality_limits import (
    checked_for_jumps,
    checked_for_null_rise,
    checked_for_nulls,
    checked_for_stuck,
    most_jumps,
    most_null_rise,
    most_nulls,
    most_stuck,
    stuck_after,
)
from spark_jobs.quality_runs import CheckResult

_SAMPLE = 20
_FORMAT = {"result_format": "COMPLETE", "partial_unexpected_count": _SAMPLE}


@dataclass(frozen=True)
class Figures:
    """The frames by name, and by the checks' `count` the rows behind a figure: those that a person would look at first, and its readings."""

    frames: Mapping[str, pd.DataFrame]
    samples: Mapping[str, Sequence[Mapping[str, Any]]]
    readings: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """One expectation: the values of `column` in `frame` lie within the limits. `count` has how many readings are at fault."""

    name: str
    field: str | None
    frame: str
    column: str
    count: str
    words: str
    least: float | None = None
    most: float | None = None

    @property
    def expectation(self) -> Any:
        return gxe.ExpectColumnValuesToBeBetween(column=self.column, min_value=self.least, max_value=self.most)


def checks_of(contract: Contract) -> list[Check]:
    unique = Check("unique_event_id", None, "run", "duplicates", "duplicates", "event ids stand in more than one row", most=0)
    return [unique, *_checks_of_arrival(contract), *_checks_of_fields(contract)]


def _checks_of_arrival(contract: Contract) -> list[Check]:
    quality = contract.quality
    share = "of what was received beside the run's readings was quarantined"
    checks = [Check("quarantined_share", None, "run", "quarantined_share", "quarantined", share, most=quality.max_quarantined_share)]
    if contract.is_measurement:
        expected = "of the readings expected in an hour arrived"
        times, factor = "times the volume of the days before", quality.volume_factor
        checks += [
            Check("completeness", None, "hours", "completeness", "missing", expected, least=quality.completeness),
            Check("volume", None, "days", "volume_ratio", "rows", times, 1 / factor, factor),
        ]
    return checks


def _checks_of_fields(contract: Contract) -> list[Check]:
    return [
        *(_null_share(contract, field) for field in checked_for_nulls(contract)),
        *(_null_rise(contract, field) for field in checked_for_null_rise(contract)),
        *(_stuck(contract, field) for field in checked_for_stuck(contract)),
        *(_jump(contract, field) for field in checked_for_jumps(contract)),
    ]


def _null_share(contract: Contract, field: Field) -> Check:
    words, most = f"of the values of {field.name} are null", most_nulls(contract, field)
    return Check("null_share", field.name, "run", f"null_share_{field.name}", f"nulls_{field.name}", words, most=most)


def _null_rise(contract: Contract, field: Field) -> Check:
    words = f"more of the values of {field.name} are null than was usual on the {HISTORY_DAYS} days before"
    most = most_null_rise(contract, field)
    return Check("null_rise", field.name, "nulls", f"null_rise_{field.name}", f"nulls_{field.name}", words, most=most)


def _stuck(contract: Contract, field: Field) -> Check:
    words = f"readings in which {field.name} has stood still for {stuck_after(contract, field)} or more"
    return _of_readings("stuck", field.name, words, most_stuck(contract, field))


def _jump(contract: Contract, field: Field) -> Check:
    words = f"readings in which {field.name} jumped by more than {field.max_step:g} {field.unit}".rstrip()
    return _of_readings("jump", field.name, words, most_jumps(contract, field))


def _of_readings(name: str, field: str, words: str, most: float) -> Check:
    """Of the readings none may be at fault, or up to a share of the run's."""
    count = f"{name}_{field}"
    if most:
        return Check(name, field, "run", share_of(count), count, f"of the run's readings are {words}", most=most)
    return Check(name, field, "run", count, count, words, most=0)


def share_of(count: str) -> str:
    """The column that has the share of the run's readings of which the column `count` has the number."""
    return f"share_of_{count}"


def evaluate(checks: Iterable[Check], figures: Figures) -> list[CheckResult]:
    """Every check on its frame. A frame without rows has nothing to judge and passes."""
    every = list(checks)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for noisy in ("great_expectations", "great_expectations.data_context.types.base"):
            logging.getLogger(noisy).setLevel(logging.WARNING)
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        source = context.data_sources.add_pandas("run")
        return [
            _result(check, frame, failing, figures)
            for name, frame in figures.frames.items()
            for check, failing in _failing_rows(context, source, name, frame, [check for check in every if check.frame == name])
        ]


def _failing_rows(context: Any, source: Any, name: str, frame: pd.DataFrame, checks: list[Check]) -> list[tuple[Check, pd.DataFrame]]:
    """Each check with the rows of `frame` that Great Expectations found outside its limits."""
    if not checks or frame.empty:
        return [(check, frame) for check in checks]
    suite = context.suites.add(gx.ExpectationSuite(name=name, expectations=[check.expectation for check in checks]))
    batch = source.add_dataframe_asset(name=name).add_batch_definition_whole_dataframe("all")
    definition = context.validation_definitions.add(gx.ValidationDefinition(name=name, data=batch, suite=suite))
    outcome = definition.run(batch_parameters={"dataframe": frame}, result_format=_FORMAT)
    found = {result.expectation_config.kwargs["column"]: result for result in outcome.results}
    return [(check, frame.loc[found[check.column].result["unexpected_index_list"] or []]) for check in checks]


def _result(check: Check, frame: pd.DataFrame, failing: pd.DataFrame, figures: Figures) -> CheckResult:
    if frame.empty:
        return CheckResult(check.name, check.field, True, None, check.most, 0, (), f"{check.name}: there is nothing to judge")
    worst, sample = _worst(check, frame), figures.samples.get(check.count, ())
    is_low = check.least is not None and (check.most is None or worst[check.column] < check.least)
    # The frames of one row are of all figures: no sample.
    parts = failing.to_dict("records") if check.frame in ("hours", "days") else []
    return CheckResult(
        name=check.name,
        field=check.field,
        passed=failing.empty,
        observed=float(worst[check.column]),
        threshold=check.least if is_low else check.most,
        failing_rows=int(failing[check.count].sum()),
        sample=tuple({str(key): _plain(value) for key, value in row.items()} for row in (sample or parts)[:_SAMPLE])
        if len(failing)
        else (),
        sentence=_sentence(check, worst, is_low, failing, sample),
        failures=tuple(_typed(row) for row in figures.readings.get(check.count, ()) or _of_parts(check, parts)) if len(failing) else (),
    )


def _of_parts(check: Check, parts: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Failures of hours and days, and of the devices that are named in an hour."""
    for part in parts:
        at, observed = part["hour" if check.frame == "hours" else "day"], float(part[check.column])
        counted = f"{part['arrived']} of {part['expected']} readings arrived" if check.frame == "hours" else f"{part['devices']} devices"
        yield {"event_time": at, "value": observed, "readings": int(part[check.count]), "detail": counted}
        for device in part.get("silent", ()):
            yield {"event_time": at, "device_id": device, "readings": None, "detail": "less than half of its readings arrived"}


def _worst(check: Check, frame: pd.DataFrame) -> Mapping[str, Any]:
    """The row of `frame` whose value is furthest out: the lowest where only a least is set, else the furthest from 1 by factor."""
    values = frame[check.column].astype(float)
    if check.least is None:
        return frame.loc[values.idxmax()].to_dict()
    return frame.loc[(values if check.most is None else values.where(values <= 1, 1 / values)).idxmin()].to_dict()


def _sentence(check: Check, worst: Mapping[str, Any], is_low: bool, failing: pd.DataFrame, sample: Sequence[Mapping[str, Any]]) -> str:
    is_count = check.column == check.count
    seen = f"{worst[check.column]:.0f}" if is_count else f"{worst[check.column]:.3g}"
    limit = f"{'least' if is_low else 'most'} {check.least if is_low else check.most:g}"
    return f"{check.name}: {seen} {check.words} ({limit})" + (_where(worst, failing, sample) if len(failing) else "")


def _where(worst: Mapping[str, Any], failing: pd.DataFrame, sample: Sequence[Mapping[str, Any]]) -> str:
    """Which device, hour or day is meant first, and how many there are."""
    if "hour" in worst:
        silent = f", silent: {', '.join(worst['silent'])}" if len(worst["silent"]) else ""
        return f", in {len(failing)} hours; the worst is {worst['hour']:%Y-%m-%d %H:00} UTC with {worst['arrived']} of {worst['expected']}{silent}"
    if "day" in worst:
        return f", on {worst['day']:%Y-%m-%d} with {worst['rows']} readings of {worst['devices']} devices"
    if "reason" in (sample[0] if sample else {}):
        return f", first {sample[0]['reason']} ({sample[0]['readings']} readings)"
    devices = list(dict.fromkeys(row["device_id"] for row in sample))
    if not devices:
        return ""
    first = sample[0]
    others = f" and {len(devices) - 1} more" if len(devices) > 1 else ""
    value = f" at {first['value']:g} since {first['since']:%Y-%m-%d %H:%M} UTC" if pd.notna(first.get("since")) else ""
    return f", first {devices[0]}{value}{others}"


def _plain(value: Any) -> Any:
    """A value of a frame as JSON would have it; moments come from Spark in UTC, without a zone."""
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, pd.Timestamp):
        return f"{value.isoformat()}Z"
    if isinstance(value, date):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value.tolist() if hasattr(value, "tolist") else value


def _typed(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A failure as a table takes it: moments of UTC, and no NaN."""
    return {str(name): _moment(value) if isinstance(value, date) else _plain(value) for name, value in row.items()}


def _moment(value: date) -> datetime | None:
    if value is pd.NaT:
        return None
    moment = value.to_pydatetime() if isinstance(value, pd.Timestamp) else datetime.combine(value, time())
    return moment.replace(tzinfo=UTC)
