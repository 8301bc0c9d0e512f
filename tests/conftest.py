"""Fixtures that several folders of tests share."""

from tests.spark import spark_lake, spark_session

__all__ = ["spark_lake", "spark_session"]
