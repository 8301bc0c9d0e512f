"""The Spark JVM killed between two commits: readers see whole runs, and the next one mends. All boundaries: `make proof-lake`."""

import pytest
from pyspark.sql import SparkSession

from tests.proofs import Size, lake

pytestmark = [pytest.mark.spark, pytest.mark.long]


def test_a_pipeline_whose_jvm_is_killed_four_times_ends_as_an_unharmed_one(spark_session: SparkSession) -> None:
    told = lake.prove(Size.SMALL, spark_session)
    assert sorted(told["kills"].values()) == [1, 1, 1, 1]
