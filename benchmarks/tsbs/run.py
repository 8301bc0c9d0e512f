"""Each of TSBS's questions by DuckDB and by Spark, first found equal to the oracle, then timed."""

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pyspark.sql import SparkSession

from benchmarks import cloud
from benchmarks.tsbs import load
from benchmarks.tsbs.answers import differences
from benchmarks.tsbs.oracle import Oracle
from benchmarks.tsbs.questions import TEXTS, Asked, text
from benchmarks.tsbs.trucks import Trucks, make
from benchmarks.weigh import spark_cpu, weighed
from lake.query import sql
from spark_jobs.session import SparkLake, open_session, session_of


@dataclass(frozen=True)
class Answered:
    """Rows of the answer; the median milliseconds that each engine took to give it, by the wall and of CPU (Spark's JVM and this process)."""

    question: str
    rows: int
    duckdb: float
    spark: float
    duckdb_cpu: float
    spark_cpu: float


@dataclass(frozen=True)
class Measured:
    """`put` and `silver` are wall seconds of the loading's two steps, `put_cpu` and `silver_cpu` their CPU seconds; `memory`: of silver, bytes."""

    trucks: int
    hours: int
    entries: int
    put: float
    silver: float
    put_cpu: float
    silver_cpu: float
    memory: int
    answers: Sequence[Answered]


def measure(scales: Sequence[tuple[int, int]], seed: int = 1, rounds: int = 3) -> list[Measured]:
    """At each scale (trucks, hours) in a laptop's cloud of its own, with Spark as jobs of size have it.

    Raises AssertionError for an answer that is not the oracle's.
    """
    # A JVM keeps the folder of its first session for its files: a lake that is gone when the next begins would leave it behind.
    with cloud.running(load.CONTRACTS_FOLDER, spark_quick=False) as first:
        spark = open_session(first.platform, "tsbs")
        try:
            return [_at_scale(spark, make(trucks, hours, seed), rounds) for trucks, hours in scales]
        finally:
            spark.stop()


def _at_scale(spark: SparkSession, made: Trucks, rounds: int) -> Measured:
    with cloud.running(load.CONTRACTS_FOLDER, spark_quick=False) as running:
        lake = SparkLake(session_of(spark, running.platform), running.platform, load.contracts())
        return loaded_and_answered(made, lake, rounds)


def loaded_and_answered(made: Trucks, lake: SparkLake, rounds: int) -> Measured:
    _say(f"{made.trucks} trucks, {made.hours} hours: {len(made.order):,} entries")
    with weighed() as put:
        assert load.put(made, lake) == len(made.order)
    _say(f"in bronze after {put.seconds:.0f} s")
    with weighed() as silver:
        load.to_silver(lake)
    _say(f"in silver after {silver.seconds:.0f} s")
    found = answered(made, lake, rounds)
    return Measured(made.trucks, made.hours, len(made.order), put.seconds, silver.seconds, put.cpu, silver.cpu, silver.memory, found)


def answered(made: Trucks, lake: SparkLake, rounds: int) -> list[Answered]:
    asked = Asked.of(made)
    oracle = Oracle(made, asked)
    found = []
    for question in TEXTS:
        expected = oracle.answer(question)
        engines: dict[str, Callable[[], Sequence[Any]]] = {
            "duckdb": partial(_by_duckdb, lake, text(question, "duckdb", asked)),
            "spark": partial(_by_spark, lake, text(question, "spark", asked)),
        }
        times = {name: _timed(f"{question} by {name}", answer, expected, rounds) for name, answer in engines.items()}
        (duckdb, duckdb_cpu), (spark, cpu_of_spark) = times["duckdb"], times["spark"]
        found.append(Answered(question, len(expected), duckdb, spark, duckdb_cpu, cpu_of_spark))
        _say(f"{question}: {len(expected)} rows, DuckDB {duckdb:.0f} ms, Spark {spark:.0f} ms")
    return found


def _by_duckdb(lake: SparkLake, question: str) -> Sequence[Any]:
    return sql(question, platform=lake.platform).rows


def _by_spark(lake: SparkLake, question: str) -> Sequence[Any]:
    return lake.sql(question).collect()


def _timed(name: str, answer: Callable[[], Sequence[Any]], expected: Sequence[Sequence[Any]], rounds: int) -> tuple[float, float]:
    """Each time found equal; the first does not count where there are more."""
    walls, cpus = [], []
    for _ in range(rounds):
        cpu, begun = spark_cpu(), time.perf_counter()
        rows = answer()
        walls.append((time.perf_counter() - begun) * 1000)
        cpus.append((spark_cpu() - cpu) * 1000)
        assert not (unlike := differences(rows, expected)), f"{name}: {unlike}"
    return statistics.median(walls[1:] or walls), statistics.median(cpus[1:] or cpus)


def _say(words: str) -> None:
    print(f"tsbs: {words}", file=sys.stderr, flush=True)
