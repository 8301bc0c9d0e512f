"""Completeness of closed hours, on a fleet written by hand."""

from datetime import timedelta
from typing import Any

import pytest
from pyspark.sql import SparkSession

from spark_jobs.quality_arrivals import Span, around
from spark_jobs.quality_completeness import hourly_completeness
from tests.spark_jobs.gate_rows import MIDNIGHT, contract, every_ten_minutes, row, seen, utc

pytestmark = pytest.mark.spark

HOUR = 60
FLEET = ("pump-1", "pump-2", "pump-3", "pump-4")
Rows = list[dict[str, Any]]


def hours(spark: SparkSession, rows: Rows, cadence: float = 600) -> dict[str, tuple[int, int]]:
    """Arrived and expected by hour."""
    found = hourly_completeness(seen(spark, contract(), rows), cadence).collect()
    return {utc(f.hour): (f.arrived, f.expected) for f in found}


def fleet(first: float, last: float, devices: tuple[str, ...] = FLEET, of_run: int = 1) -> Rows:
    return [reading for device in devices for reading in every_ten_minutes(device, first, last, of_run)]


def test_a_fleet_that_sends_everything_is_complete_in_every_closed_hour(spark_session: SparkSession) -> None:
    # Hour 2 has begun and is not over.
    assert hours(spark_session, fleet(0, 2 * HOUR)) == {"02 00:00": (24, 24), "02 01:00": (24, 24)}


def test_a_silent_half_is_missed_and_named(spark_session: SparkSession) -> None:
    rows = [*fleet(0, 50), *fleet(HOUR, 2 * HOUR, FLEET[:2])]
    assert hours(spark_session, rows) == {"02 00:00": (24, 24), "02 01:00": (12, 24)}
    second = hourly_completeness(seen(spark_session, contract(), rows), 600).collect()[1]
    assert (second.silent, second.missing, second.completeness) == (["pump-3", "pump-4"], 12, 0.5)


def test_a_device_is_missed_for_a_day_and_then_no_more(spark_session: SparkSession) -> None:
    rows = [*fleet(0, 50), *fleet(HOUR, 27 * HOUR, FLEET[:3])]
    found = hours(spark_session, rows)
    assert found["02 01:00"] == (18, 24)
    assert found["03 00:00"] == (18, 24)
    assert found["03 01:00"] == (18, 18)


def test_a_device_is_expected_from_its_first_reading_on(spark_session: SparkSession) -> None:
    rows = [*fleet(0, 2 * HOUR, FLEET[:3]), *every_ten_minutes("pump-4", 90, 2 * HOUR)]
    assert hours(spark_session, rows) == {"02 00:00": (18, 18), "02 01:00": (21, 21)}


def test_an_hour_is_open_until_something_later_was_measured(spark_session: SparkSession) -> None:
    assert hours(spark_session, fleet(0, 50)) == {}
    assert hours(spark_session, [*fleet(0, 50), row(60)]) == {"02 00:00": (24, 24)}


def test_hours_of_earlier_runs_are_not_judged_again(spark_session: SparkSession) -> None:
    earlier = [*fleet(0, 50, of_run=0), *fleet(HOUR, HOUR + 50, FLEET[:1], of_run=0)]
    assert hours(spark_session, [*earlier, *fleet(2 * HOUR, 3 * HOUR)]) == {"02 02:00": (24, 24)}


def test_a_late_reading_has_its_whole_hour_judged(spark_session: SparkSession) -> None:
    rows = [*fleet(0, 2 * HOUR, of_run=0), row(5, "pump-1")]
    # The late one comes beside six that were there: more than a cadence has makes up for nothing.
    assert hours(spark_session, rows) == {"02 00:00": (24, 24)}


def test_a_chatty_device_does_not_hide_a_silent_one(spark_session: SparkSession) -> None:
    chatty = [row(minutes, "pump-1") for minutes in range(HOUR + 1)]
    rows = [*chatty, *fleet(0, 50, FLEET[1:3]), row(0, "pump-4")]
    assert hours(spark_session, rows) == {"02 00:00": (19, 24)}


def test_the_rows_around_a_run_tell_its_hours_as_all_rows_do(spark_session: SparkSession) -> None:
    """One pump falls silent in the last minutes, one in the first hour that still counts; one was never heard in the day before."""
    of_run, before = 30 * HOUR, 6 * HOUR
    rows = [
        *fleet(0, of_run - 10, FLEET[:2], of_run=0),
        row(before, "pump-3", of_run=0),
        row(before - 10, "pump-4", of_run=0),
        *fleet(of_run, of_run + HOUR, FLEET[:2]),
    ]
    moment = MIDNIGHT + timedelta(minutes=of_run)
    ((since, until),) = around(contract(), Span(1, moment, moment, frozenset({moment}), frozenset())).spans
    near = [row for row in rows if since <= row["event_time"] < until]
    assert len(near) < len(rows)
    # pump-3 was heard 24 hours before the run's hour began, pump-4 a little longer ago.
    assert hours(spark_session, near) == hours(spark_session, rows) == {"03 06:00": (12, 18)}


def test_fewer_than_three_devices_are_not_judged(spark_session: SparkSession) -> None:
    assert hours(spark_session, fleet(0, 2 * HOUR, FLEET[:2])) == {}


def test_a_fleet_that_pauses_as_a_whole_is_complete_before_and_after(spark_session: SparkSession) -> None:
    # From 01:30 to 05:20 nobody is on.
    rows = [*fleet(0, 90), *fleet(320, 400)]
    assert hours(spark_session, rows) == {"02 00:00": (24, 24), "02 01:00": (12, 12), "02 05:00": (16, 16)}


def test_a_half_that_does_not_come_back_after_a_pause_is_missed(spark_session: SparkSession) -> None:
    rows = [*fleet(0, 90, of_run=0), *fleet(5 * HOUR, 6 * HOUR, FLEET[:2])]
    assert hours(spark_session, rows) == {"02 05:00": (12, 24)}


def test_a_cadence_longer_than_an_hour_is_not_judged_by_the_hour(spark_session: SparkSession) -> None:
    assert hours(spark_session, [row(minutes, device) for device in FLEET for minutes in range(0, 1200, 120)], 7200) == {}
