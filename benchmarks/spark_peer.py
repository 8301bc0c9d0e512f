"""Spark in local mode on the same work: from the queue's texts in a file to Parquet, by from_json and checks of columns.

``python -m benchmarks.spark_peer [--readings N]``. CPU of the JVM and of Python, best of the rounds after the first; the start of
the session (some 15 s of CPU) and the first round, in which the JVM still learns, are not counted. It needs set-up's jars.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks.decode_work import Work, rows_of, work
from benchmarks.weigh import spark_cpu
from lake.contracts import Contract
from lake.schemas import SPARK
from runtime.local import LocalPlatform
from runtime.settings import Settings
from spark_jobs.session import open_session

PACKS = (1, 25, 250)
DIRT = (0.0, 0.01)
ROUNDS = 3


def build(texts: DataFrame, contract: Contract) -> DataFrame:
    """Rows as bronze has them, of texts in the column `value`."""
    shape = ", ".join(f"{field.name}: {SPARK[field.type]}" for field in contract.fields)
    told = texts.select(F.from_json("value", "payload string, device_id string").alias("e"))
    packs = told.select(
        F.col("e.device_id").alias("device_id"),
        F.from_json(F.unbase64("e.payload").cast("string"), f"boot string, readings array<struct<ts: bigint, seq: bigint, {shape}>>").alias(
            "p"
        ),
    )
    rows = packs.select("device_id", "p.boot", F.explode("p.readings").alias("r")).select("device_id", "boot", "r.*")
    for field in contract.fields:
        column = F.col(field.name)
        good = column.isin(list(field.enum)) if field.enum else F.lit(True)
        if field.min is not None:
            good &= column >= field.min
        if field.max is not None:
            good &= column <= field.max
        rows = rows.where((column.isNotNull() & good) if field.required else (column.isNull() | good))
    identity = F.concat_ws("\x1f", "device_id", F.lit(contract.name), "ts", "boot", "seq")
    return rows.withColumn("event_id", F.substring(F.sha2(identity, 256), 1, 32)).withColumnRenamed("ts", "event_time")


def _run(spark: SparkSession, given: Work, folder: Path) -> pa.Table:
    (folder / "in").mkdir(exist_ok=True)
    (folder / "in" / "texts.json").write_text("\n".join(given.bodies))
    shutil.rmtree(folder / "out", ignore_errors=True)
    frame = build(spark.read.text(str(folder / "in")), given.contract)
    frame.write.option("compression", "zstd").parquet(str(folder / "out"))
    return pq.read_table(folder / "out")


def measure(readings: int, packs: Sequence[int] = PACKS, dirt: Sequence[float] = DIRT) -> list[tuple[int, float, float, bool]]:
    """Pack, dirt, CPU µs a reading, and whether its rows are the truth's; it keeps nothing of what it refuses, so on dirt it is not exact."""
    found = []
    with tempfile.TemporaryDirectory(prefix="fleetlake-bench-") as name:
        folder = Path(name)
        spark = open_session(LocalPlatform(_settings(folder)), "benchmark")
        try:
            for pack in packs:
                for share in dirt:
                    given = work(readings, pack, share)
                    table = _run(spark, given, folder)
                    exact = not share and _rows(table.to_pydict(), given) == sorted(given.truth)
                    found.append((pack, share, _best(spark, given, folder) / given.readings * 1e6, exact))
        finally:
            spark.stop()
    return found


def _best(spark: SparkSession, given: Work, folder: Path) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        begun = spark_cpu()
        _run(spark, given, folder)
        best = min(best, spark_cpu() - begun)
        time.sleep(0.1)
    return best


def _rows(columns: dict[str, list[Any]], given: Work) -> list[tuple[Any, ...]]:
    return sorted(rows_of(columns, given.contract))


def _settings(folder: Path) -> Settings:
    from dataclasses import replace

    return replace(Settings.from_environment(), home=folder / "home")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readings", type=int, default=100_000)
    for pack, share, microseconds, exact in measure(parser.parse_args().readings):
        print(f"Spark local, {pack} a pack, {share:.0%} dirt: {microseconds:.1f} CPU µs a reading{'' if exact else ' (not exact)'}")


if __name__ == "__main__":
    main()
