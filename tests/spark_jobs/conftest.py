"""Fixtures of tests of Spark jobs."""

import pytest

from runtime.clock import FixedClock
from spark_jobs.session import SparkLake


@pytest.fixture
def clock(spark_lake: SparkLake) -> FixedClock:
    clock = spark_lake.clock
    assert isinstance(clock, FixedClock)
    return clock
