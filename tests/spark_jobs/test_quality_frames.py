"""Streaks, jumps, nulls and repeated ids, on rows written by hand."""

from typing import Any

import pytest
from pyspark.sql import SparkSession

from lake.contracts import Contract, Field
from spark_jobs.quality_frames import duplicates, first_marked, flag, flags, of_run, run_figures, suspects
from spark_jobs.quality_limits import checked_for_stuck
from tests.spark_jobs.gate_rows import contract, row, seen, utc, values

pytestmark = pytest.mark.spark

BAR = Field("bar", "float64", "bar", stuck_after=3)
STEPS = Field("bar", "float64", "bar", stuck_after=99, max_step=2.0)


def figures(spark: SparkSession, of: Contract, rows: list[dict[str, Any]]) -> dict[str, int]:
    found = run_figures(flag(seen(spark, of, rows), of), of).first()
    assert found is not None
    return dict(found.asDict())


def stuck(spark: SparkSession, rows: list[dict[str, Any]], of: Contract | None = None) -> int:
    return figures(spark, of or contract(BAR), rows)["stuck_bar"]


def test_as_many_equal_values_in_a_row_as_the_contract_allows_are_stuck_from_there_on(spark_session: SparkSession) -> None:
    # Of five equal values the third, fourth and fifth end three equal ones.
    assert stuck(spark_session, values([1, 7, 7, 7, 7, 7, 2])) == 3


def test_one_equal_value_less_is_not_stuck(spark_session: SparkSession) -> None:
    assert stuck(spark_session, values([1, 7, 7, 2, 7, 7])) == 0


def test_the_readings_before_the_run_count_for_its_streak(spark_session: SparkSession) -> None:
    before = values([7, 7], of_run=0)
    assert stuck(spark_session, [*before, *values([7, 8], start=20)]) == 1


def test_a_streak_without_a_row_of_the_run_is_not_the_runs_fault(spark_session: SparkSession) -> None:
    before = values([7, 7, 7, 7], of_run=0)
    assert stuck(spark_session, [*before, *values([8, 9], start=40)]) == 0


def test_a_late_reading_that_closes_a_streak_makes_the_readings_after_it_stuck(spark_session: SparkSession) -> None:
    rows = [*values([7], of_run=0), *values([7], start=10), *values([7, 7], of_run=0, start=20)]
    assert stuck(spark_session, rows) == 2


def test_each_device_has_streaks_of_its_own(spark_session: SparkSession) -> None:
    rows = [row(10 * place, f"pump-{place % 2}", bar=7.0) for place in range(4)]
    assert stuck(spark_session, rows) == 0


def test_readings_a_day_apart_are_no_neighbours(spark_session: SparkSession) -> None:
    a_day = 24 * 60
    assert stuck(spark_session, [*values([7, 7]), *values([7, 7], start=10 + a_day)]) == 0
    assert stuck(spark_session, [*values([7, 7]), *values([7, 7], start=9 + a_day)]) == 2
    # Of a contract that sends once a day they are.
    assert stuck(spark_session, [row(day * a_day, bar=7.0) for day in range(4)], contract(BAR, cadence=86_400)) == 2
    assert figures(spark_session, contract(STEPS), [*values([1.0]), *values([9.0], start=a_day)])["jump_bar"] == 0


def test_a_streak_ends_where_a_new_life_begins(spark_session: SparkSession) -> None:
    of = contract(BAR, Field("cycle", "int64", lifetime_counter=True))
    cycles = [8, 9, 1, 2]
    rows = [row(10 * place, bar=7.0, cycle=cycle) for place, cycle in enumerate(cycles)]
    assert stuck(spark_session, rows, of) == 0
    whole_life = [row(10 * place, bar=7.0, cycle=cycle) for place, cycle in enumerate([6, 7, 8, 9])]
    assert stuck(spark_session, whole_life, of) == 2


def test_missing_values_are_not_a_streak_and_interrupt_one(spark_session: SparkSession) -> None:
    assert stuck(spark_session, values([None, None, None, None])) == 0
    assert stuck(spark_session, values([7, 7, None, 7, 7])) == 0


def test_constants_counters_and_events_are_not_checked_for_standing_still() -> None:
    fields = (Field("bar", "float64"), Field("idle", "float64", may_be_constant=True), Field("cycle", "int64", lifetime_counter=True))
    assert [field.name for field in checked_for_stuck(contract(*fields))] == ["bar"]
    assert checked_for_stuck(contract(Field("cycle", "int64"), cadence=None)) == ()


def test_a_suspect_says_which_device_stands_still_since_when_at_what(spark_session: SparkSession) -> None:
    of = contract(BAR)
    rows = [*values([1, 7, 7, 7, 7]), *values([5, 5, 5, 6], device_id="pump-2")]
    found = suspects(flag(seen(spark_session, of, rows), of), flags(of)).collect()
    assert [(f.device_id, utc(f.since), utc(f.event_time), f.event_id, f.value, f.rows) for f in found] == [
        ("pump-1", "02 00:10", "02 00:40", "pump-1 40", 7.0, 2),
        ("pump-2", "02 00:00", "02 00:20", "pump-2 20", 5.0, 1),
    ]


def test_of_a_streak_that_goes_on_after_the_run_its_own_rows_are_counted_apart(spark_session: SparkSession) -> None:
    rows = [*values([7, 7], of_run=0), *values([7, 7], start=20), *values([7, 8], of_run=0, start=40)]
    found = figures(spark_session, contract(BAR), rows)
    assert (found["stuck_bar"], found[of_run("stuck_bar")], found["rows"]) == (3, 2, 2)


def test_marked_readings_are_listed_one_by_one_up_to_a_number_for_each_flag(spark_session: SparkSession) -> None:
    of = contract(BAR, Field("mode", "string"))
    rows = [*values([1, 7, 7, 7, 7]), *values([5, 5, 5, 6], device_id="pump-2")]
    found = first_marked(flag(seen(spark_session, of, rows), of), ["stuck_bar", "nulls_mode"], 3).collect()
    assert [(f.flag, f.device_id, utc(f.event_time), f.event_id, f.value) for f in found] == [
        ("nulls_mode", "pump-1", "02 00:00", "pump-1 0", None),
        ("nulls_mode", "pump-1", "02 00:10", "pump-1 10", None),
        ("nulls_mode", "pump-1", "02 00:20", "pump-1 20", None),
        ("stuck_bar", "pump-1", "02 00:30", "pump-1 30", 7.0),
        ("stuck_bar", "pump-1", "02 00:40", "pump-1 40", 7.0),
        ("stuck_bar", "pump-2", "02 00:20", "pump-2 20", 5.0),
    ]


def test_a_step_above_the_contracts_is_a_jump_and_one_as_large_is_not(spark_session: SparkSession) -> None:
    assert figures(spark_session, contract(STEPS), values([1, 3, 5.5, 3.5]))["jump_bar"] == 1


def test_a_jump_between_readings_of_earlier_runs_is_not_the_runs_fault(spark_session: SparkSession) -> None:
    rows = [*values([1, 9], of_run=0), *values([9.5], start=20)]
    assert figures(spark_session, contract(STEPS), rows)["jump_bar"] == 0


def test_a_new_life_may_begin_anywhere(spark_session: SparkSession) -> None:
    of = contract(STEPS, Field("cycle", "int64", lifetime_counter=True))
    rows = [row(0, bar=9.0, cycle=200), row(10, bar=1.0, cycle=1)]
    assert figures(spark_session, of, rows)["jump_bar"] == 0


def test_nulls_are_counted_in_the_runs_rows(spark_session: SparkSession) -> None:
    of = contract(Field("bar", "float64", max_null_share=0.5), Field("mode", "string", required=True), Field("note", "string"))
    rows = [*values([None, None], of_run=0), *values([None, 3, 4], start=20)]
    found = figures(spark_session, of, rows)
    assert (found["nulls_bar"], found["nulls_mode"], found["nulls_note"], found["rows"]) == (1, 3, 3, 3)
    named = suspects(flag(seen(spark_session, of, rows), of), ["nulls_bar", "nulls_mode"]).collect()
    assert [(row.flag, row.device_id, row.rows, row.since) for row in named] == [
        ("nulls_bar", "pump-1", 1, None),
        ("nulls_mode", "pump-1", 3, None),
    ]


def test_an_event_id_in_two_rows_is_found(spark_session: SparkSession) -> None:
    rows = [row(0, event_id="a"), row(0, event_id="b"), row(0, event_id="a", of_run=0), row(10, event_id="c")]
    assert figures(spark_session, contract(), rows)["duplicates"] == 1
    assert [(f.event_id, f.rows) for f in duplicates(flag(seen(spark_session, contract(), rows), contract())).collect()] == [("a", 2)]
