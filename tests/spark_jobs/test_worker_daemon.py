"""Spark's Python workers do without the archives that Spark puts on their path."""

import sys
from collections.abc import Iterator

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark


def test_a_worker_has_no_archive_to_read_again_with_each_task(spark_session: SparkSession) -> None:
    def looked_into(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        list(batches)
        yield pa.RecordBatch.from_pydict({"path": [*sys.path, *sys.path_importer_cache]})

    paths = [row["path"] for row in spark_session.range(1).mapInArrow(looked_into, "path string").collect()]
    assert [path for path in paths if path.endswith("site-packages")], "it has what is installed"
    assert not [path for path in paths if ".jar" in path or "/pyspark/python/lib/" in path]
