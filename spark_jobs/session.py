"""What every Spark job is given: the session, the platform, the contracts, the clock."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lake.catalog import ensure_tables
from lake.contracts import Contract, Contracts
from lake.layout import table_identifier
from lake.schemas import SPARK
from lake.tables import Table, iceberg_tables
from runtime.clock import Clock, SystemClock
from runtime.java import java_home
from runtime.platforms import Platform


def _pass(_boundary: str) -> None:
    return None


@dataclass
class SparkLake:
    """`boundary` is called with the name of each boundary between two effects; tests end a job there."""

    spark: SparkSession
    platform: Platform
    contracts: Contracts
    clock: Clock = field(default_factory=SystemClock)
    boundary: Callable[[str], None] = _pass

    def table(self, table: Table) -> DataFrame:
        return self.spark.table(table_identifier(table.name))

    def at_snapshot(self, table: Table, snapshot_id: int) -> DataFrame:
        """The table as of a snapshot; a column that it has got since is null there."""
        frame = self.spark.read.option("versionAsOf", str(snapshot_id)).table(table_identifier(table.name))
        there = set(frame.columns)
        since = {column.name: F.lit(None).cast(SPARK[column.type]) for column in table.columns if column.name not in there}
        return frame.withColumns(since) if since else frame

    def open(self) -> None:
        """Open the session: conditions on columns can be made only while one is open."""
        assert self.spark is not None

    def sql(self, text: str) -> DataFrame:
        return self.spark.sql(text)


class LazyLake(SparkLake):
    """A lake whose session opens when a job first asks for it: many runs find nothing to do, and a session takes seconds."""

    def __init__(self, platform: Platform, contracts: Contracts, name: str) -> None:
        self.platform = platform
        self.contracts = contracts
        self.clock = SystemClock()
        self.boundary = _pass
        self._name = name

    @cached_property
    def spark(self) -> SparkSession:  # type: ignore[override]
        return open_session(self.platform, self._name)

    def stop(self) -> None:
        if "spark" in vars(self):
            self.spark.stop()


# Jobs also change tables through PyIceberg, and other processes do: a session that caches tables would not see it.
_UNCACHED = {"spark.sql.catalog.lake.cache-enabled": "false"}


def open_session(platform: Platform, name: str = "fleetlake") -> SparkSession:
    """The process's session with the platform's configuration."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    # Where spark-submit has started this process, its JVM runs already.
    if "PYSPARK_GATEWAY_PORT" not in os.environ:
        os.environ.setdefault("SPARK_LOCAL_IP", platform.settings.bind_address)
        home = java_home(platform.settings)
        if home:
            os.environ.setdefault("JAVA_HOME", str(home))
    builder = SparkSession.builder.appName(name)
    for key, value in (dict(platform.spark_conf()) | _UNCACHED).items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def session_of(spark: SparkSession, platform: Platform) -> SparkSession:
    """A further session of the same JVM on another lake: `platform`'s catalog in place of the first session's."""
    session = spark.newSession()
    for key, value in (dict(platform.spark_conf()) | _UNCACHED).items():
        if key.startswith("spark.sql.catalog."):
            session.conf.set(key, value)
    return session


def prepare_tables(platform: Platform, contract: Contract) -> None:
    """Make the contract's tables and the shared ones where they are missing."""
    ensure_tables(platform, iceberg_tables([contract]))


def empty_frame(spark: SparkSession, columns: Mapping[str, str]) -> DataFrame:
    """No rows with `columns`, name to Spark's type. Not of an empty list: Spark would start Python's workers to read it."""
    return spark.range(0).select(*(F.lit(None).cast(kind).alias(name) for name, kind in columns.items()))
