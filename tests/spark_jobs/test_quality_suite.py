"""The expectations a contract makes, and what they say of figures written by hand."""

from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest

from lake.contract_quality import MAY_WARN
from lake.contracts import Field
from spark_jobs.quality import verdict
from spark_jobs.quality_runs import CheckResult, Lenience
from spark_jobs.quality_suite import Figures, checks_of, evaluate
from tests.spark_jobs.gate_rows import contract

PUMP = contract(
    Field("bar", "float64", "bar", required=True),
    Field("flow", "float64", "m3/h", max_step=3, max_null_share=0.1),
    Field("mode", "string"),
)
SOUND = {
    "duplicates": 0, "quarantined": 0, "quarantined_share": 0.0, "nulls_bar": 0, "null_share_bar": 0.0, "nulls_flow": 0, "null_share_flow": 0.0,
    "null_rise_flow": 0.0, "null_rise_mode": 0.0, "nulls_mode": 0, "stuck_bar": 0, "stuck_flow": 0, "jump_flow": 0,
}  # fmt: skip
HOURS = pd.DataFrame(
    {
        "hour": pd.to_datetime(["2026-03-02 10:00", "2026-03-02 11:00", "2026-03-02 12:00"]),
        "devices": [4, 4, 4],
        "expected": [24, 24, 24],
        "arrived": [24, 12, 16],
        "missing": [0, 12, 8],
        "completeness": [1.0, 0.5, 16 / 24],
        "silent": [[], ["pump-3", "pump-4"], ["pump-3"]],
    }
)


def results(changes: dict[str, float] | None = None, samples: dict[str, Any] | None = None) -> dict[str, CheckResult]:
    figures = pd.DataFrame([SOUND | (changes or {})])
    frames = {"run": figures, "nulls": figures, "hours": HOURS.head(1), "days": HOURS.head(0)}
    return {result.key: result for result in evaluate(checks_of(PUMP), Figures(frames, samples or {}))}


def of_frame(name: str, frame: pd.DataFrame) -> CheckResult:
    frames = {"run": pd.DataFrame([SOUND]), "hours": HOURS.head(0), "days": HOURS.head(0)} | {name: frame}
    found = {result.name: result for result in evaluate(checks_of(PUMP), Figures(frames, {}))}
    return found["completeness" if name == "hours" else "volume"]


def test_a_contract_makes_its_checks() -> None:
    assert set(results()) == {
        "unique_event_id:", "quarantined_share:", "completeness:", "volume:", "null_share:bar", "null_share:flow", "null_rise:flow",
        "null_rise:mode", "stuck:bar", "stuck:flow",
        "jump:flow",
    }  # fmt: skip


def test_an_event_has_no_cadence_and_no_sensors() -> None:
    event = contract(Field("cycle", "int64", required=True), cadence=None)
    assert {f"{check.name}:{check.field}" for check in checks_of(event)} == {
        "unique_event_id:None",
        "quarantined_share:None",
        "null_share:cycle",
    }


def test_sound_figures_pass_without_samples() -> None:
    assert all(result.passed and result.sample == () and result.failing_rows == 0 for result in results().values())


@pytest.mark.parametrize(
    ("key", "figure", "most", "more"),
    [
        ("unique_event_id:", "duplicates", 0, 1),
        ("quarantined_share:", "quarantined_share", 0.2, 0.201),
        ("null_share:bar", "null_share_bar", 0.0, 0.001),
        ("null_share:flow", "null_share_flow", 0.1, 0.101),
        ("null_rise:mode", "null_rise_mode", 0.2, 0.201),
        ("stuck:flow", "stuck_flow", 0, 1),
        ("jump:flow", "jump_flow", 0, 1),
    ],
)
def test_a_limit_itself_passes_and_more_does_not(key: str, figure: str, most: float, more: float) -> None:
    assert results({figure: most})[key].passed
    failed = results({figure: more})[key]
    assert (failed.passed, failed.observed, failed.threshold) == (False, more, most)


def test_the_hours_that_fail_are_told_with_the_worst_and_who_was_silent() -> None:
    failed = of_frame("hours", HOURS)
    assert (failed.passed, failed.observed, failed.threshold, failed.failing_rows) == (False, 0.5, 0.7, 20)
    assert [(row["hour"], row["silent"]) for row in failed.sample] == [
        ("2026-03-02T11:00:00Z", ["pump-3", "pump-4"]),
        ("2026-03-02T12:00:00Z", ["pump-3"]),
    ]
    assert failed.sentence == (
        "completeness: 0.5 of the readings expected in an hour arrived (least 0.7), in 2 hours; "
        "the worst is 2026-03-02 11:00 UTC with 12 of 24, silent: pump-3, pump-4"
    )


@pytest.mark.parametrize(("ratio", "limit"), [(0.1, 0.2), (8.0, 5.0)])
def test_a_day_of_far_more_or_far_less_is_told(ratio: float, limit: float) -> None:
    days = pd.DataFrame({"day": [date(2026, 3, 1), date(2026, 3, 2)], "rows": [1000, 80], "devices": [10, 9], "volume_ratio": [1.0, ratio]})
    failed = of_frame("days", days)
    assert (failed.passed, failed.observed, failed.threshold) == (False, ratio, limit)
    assert "on 2026-03-02 with 80 readings of 9 devices" in failed.sentence


def test_nothing_to_judge_passes() -> None:
    empty = of_frame("hours", HOURS.head(0))
    assert (empty.passed, empty.observed, empty.sentence) == (True, None, "completeness: there is nothing to judge")


def test_a_stuck_sensor_is_told_with_device_value_and_beginning() -> None:
    since = pd.Timestamp("2026-03-02 13:00")
    suspects = [{"flag": "stuck_bar", "device_id": f"pump-{n}", "since": since, "value": 7.25, "rows": 9 - n} for n in (1, 2)]
    failed = results({"stuck_bar": 15}, {"stuck_bar": suspects})["stuck:bar"]
    assert failed.sentence == (
        "stuck: 15 readings in which bar has stood still for 30 or more (most 0), first pump-1 at 7.25 since 2026-03-02 13:00 UTC and 1 more"
    )
    assert failed.sample[0] == {"flag": "stuck_bar", "device_id": "pump-1", "since": "2026-03-02T13:00:00Z", "value": 7.25, "rows": 8}


def test_a_contract_that_tolerates_a_share_is_held_by_more_alone_and_a_field_may_have_its_own() -> None:
    tolerant = contract(
        Field("bar", "float64", "bar", max_stuck_share=0.5),
        Field("flow", "float64", "m3/h", max_step=3),
        max_stuck_share=0.1,
        max_jump_share=0.01,
    )
    sound = SOUND | {
        "null_rise_bar": 0.0,
        "share_of_stuck_bar": 0.5,
        "share_of_stuck_flow": 0.101,
        "share_of_jump_flow": 0.0,
        "stuck_flow": 9,
    }
    frames = {"run": pd.DataFrame([sound]), "nulls": pd.DataFrame([sound]), "hours": HOURS.head(0), "days": HOURS.head(0)}
    found = {result.key: result for result in evaluate(checks_of(tolerant), Figures(frames, {}))}
    assert {key for key, result in found.items() if not result.passed} == {"stuck:flow"}
    assert (found["stuck:flow"].threshold, found["stuck:flow"].failing_rows) == (0.1, 9)
    assert (
        found["stuck:flow"].sentence
        == "stuck: 0.101 of the run's readings are readings in which flow has stood still for 30 or more (most 0.1)"
    )


def test_what_may_only_warn_are_the_gates_checks_but_that_of_identity() -> None:
    assert {check.name for check in checks_of(PUMP)} == {*MAY_WARN, "unique_event_id"}


def test_the_readings_behind_a_failure_are_told_with_moments_of_utc_and_without_nan() -> None:
    reading = {
        "flag": "nulls_flow",
        "device_id": "pump-1",
        "event_time": pd.Timestamp("2026-03-02 13:00"),
        "since": pd.NaT,
        "value": float("nan"),
    }
    figures = pd.DataFrame([SOUND | {"null_share_flow": 0.5, "nulls_flow": 1}])
    found = evaluate(checks_of(PUMP), Figures({"run": figures}, {}, {"nulls_flow": [reading], "nulls_bar": [reading]}))
    (failed,) = (result for result in found if not result.passed)
    at = datetime(2026, 3, 2, 13, tzinfo=UTC)
    assert failed.failures == ({"flag": "nulls_flow", "device_id": "pump-1", "event_time": at, "since": None, "value": None},)


def check(name: str, passed: bool, rows: int) -> CheckResult:
    return CheckResult(name, None, passed, None, None, rows, (), f"{name} sentence")


def test_the_verdict_names_the_failure_of_the_most_readings() -> None:
    found = verdict(PUMP, "r1", (check("a", False, 3), check("b", False, 30), check("c", True, 0)), Lenience(), 100)
    assert not found.passed
    assert found.sentence == "silver.pump: run r1 is held by the quality gate: b sentence; 1 more checks failed"


def test_what_is_waived_does_not_hold_a_run_and_what_is_not_does() -> None:
    checks = (check("a", False, 3), check("b", False, 30), check("c", True, 0))
    assert verdict(PUMP, "r1", checks, Lenience(frozenset({"a:", "b:"})), 100).sentence.endswith(
        "passed 1 checks with 100 readings; 2 were waived"
    )
    assert not verdict(PUMP, "r1", checks, Lenience(frozenset({"b:"})), 100).passed


def test_what_only_warns_holds_no_run_and_is_told_apart() -> None:
    checks = (check("stuck", False, 3), check("volume", False, 30), check("null_rise", False, 9))
    found = verdict(PUMP, "r1", checks, Lenience(frozenset({"stuck:"}), frozenset({"volume", "null_rise"})), 100)
    assert (found.passed, found.warning) == (True, "volume sentence; 1 more checks warned")
    held = verdict(PUMP, "r1", checks, Lenience(warn=frozenset({"volume"})), 100)
    assert (held.passed, held.warning) == (False, "volume sentence")
    assert "gate: null_rise sentence; 1 more checks failed" in held.sentence
