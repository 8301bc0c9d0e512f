"""The benchmark of compaction: the same answers from fewer files, in small."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from benchmarks.compaction import compact, compare, files_of, grow, questions
from lake.contracts import load_contracts
from runtime.clock import FixedClock
from runtime.settings import REPOSITORY
from spark_jobs.session import SparkLake, session_of
from tests.spark import NOON, folder_platform

# A day and six hours.
RUNS, DEVICES = 30, 8


@pytest.mark.spark
def test_maintained_the_lake_gives_the_same_answers_from_a_file_a_day(spark_session: SparkSession, tmp_path: Path) -> None:
    before, after = (folder_platform(tmp_path / name) for name in ("scattered", "compacted"))
    for platform in (before, after):
        grow(platform, RUNS, DEVICES)
    lake = SparkLake(session_of(spark_session, after), after, load_contracts(REPOSITORY / "contracts"), FixedClock(NOON))
    assert files_of(after).files == RUNS
    assert compact(lake).cpu > 0
    assert [(found.rows, found.files) for found in map(files_of, (before, after))] == [(2880, RUNS), (2880, 2)]
    found = {each.question: (each.before.files, each.after.files) for each in compare(before, after, RUNS, rounds=1)}
    assert found == {"one device, one day": (24, 1), "all devices, one hour": (1, 1), "hourly rollup of everything": (RUNS, 2)}


@pytest.mark.long
def test_a_lake_that_lost_readings_is_not_compared(tmp_path: Path) -> None:
    whole, less = (folder_platform(tmp_path / name) for name in ("whole", "less"))
    grow(whole, 24, DEVICES)
    grow(less, 24, DEVICES - 1)
    # The first question is about a device that one of them lacks.
    with pytest.raises(AssertionError, match="one device, one day"):
        next(compare(whole, less, 24, rounds=1))


def test_questions_are_about_the_day_in_the_middle() -> None:
    assert "event_time >= TIMESTAMPTZ '2026-01-03 00:00:00+00:00'" in questions(96)["one device, one day"]
    assert "event_time < TIMESTAMPTZ '2026-01-03 09:00:00+00:00'" in questions(96)["all devices, one hour"]
