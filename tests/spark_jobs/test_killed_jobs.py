"""The Spark JVM killed between two commits: readers see whole runs, and the next one mends. All boundaries: `make proof-lake`."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.spark_jobs.harmed import Harmed

pytestmark = [pytest.mark.spark, pytest.mark.long]


def test_a_pipeline_whose_jvm_is_killed_four_times_ends_as_an_unharmed_one(spark_session: SparkSession, tmp_path: Path) -> None:
    harmed = Harmed(spark_session, tmp_path, seed=1)
    harmed.grow([])
    harmed.grow(["silver:merged", "gold_hourly:publishing", "gold_device_daily:fast_forwarded"])
    harmed.mend(["rebuild:superseded"], alone=True)
    assert sum(harmed.kills.values()) == 4
