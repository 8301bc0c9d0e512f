"""Each of TSBS's questions by DuckDB and by Spark, first found equal to the oracle, then timed."""

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks import cloud
from benchmarks.tsbs import load
from benchmarks.tsbs.answers import differences
from benchmarks.tsbs.oracle import Oracle
from benchmarks.tsbs.questions import TEXTS, Asked, text
from benchmarks.tsbs.trucks import Trucks, make
from lake.query import sql
from spark_jobs.session import SparkLake, open_session


@dataclass(frozen=True)
class Answered:
    """Rows of the answer, and the median wall milliseconds that each engine took to give it."""

    question: str
    rows: int
    duckdb: float
    spark: float


@dataclass(frozen=True)
class Measured:
    """`put` and `silver` are wall seconds of the loading's two steps."""

    trucks: int
    hours: int
    entries: int
    put: float
    silver: float
    answers: Sequence[Answered]


def measure(trucks: int, hours: int, seed: int = 1, rounds: int = 3) -> Measured:
    """In a laptop's cloud of its own, with Spark as jobs of size have it. Raises AssertionError for an answer that is not the oracle's."""
    made = make(trucks, hours, seed)
    with cloud.running(load.CONTRACTS_FOLDER, spark_quick=False) as running:
        spark = open_session(running.platform, "tsbs")
        try:
            lake = SparkLake(spark, running.platform, load.contracts())
            return loaded_and_answered(made, lake, rounds)
        finally:
            spark.stop()


def loaded_and_answered(made: Trucks, lake: SparkLake, rounds: int) -> Measured:
    _say(f"{made.trucks} trucks, {made.hours} hours: {len(made.order):,} entries")
    begun = time.monotonic()
    assert load.put(made, lake) == len(made.order)
    put = time.monotonic() - begun
    _say(f"in bronze after {put:.0f} s")
    begun = time.monotonic()
    load.to_silver(lake)
    silver = time.monotonic() - begun
    _say(f"in silver after {silver:.0f} s")
    return Measured(made.trucks, made.hours, len(made.order), put, silver, answered(made, lake, rounds))


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
        found.append(Answered(question, len(expected), times["duckdb"], times["spark"]))
        _say(f"{question}: {len(expected)} rows, DuckDB {times['duckdb']:.0f} ms, Spark {times['spark']:.0f} ms")
    return found


def _by_duckdb(lake: SparkLake, question: str) -> Sequence[Any]:
    return sql(question, platform=lake.platform).rows


def _by_spark(lake: SparkLake, question: str) -> Sequence[Any]:
    return lake.sql(question).collect()


def _timed(name: str, answer: Callable[[], Sequence[Any]], expected: Sequence[Sequence[Any]], rounds: int) -> float:
    """Each time found equal; the first does not count where there are more."""
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        rows = answer()
        taken.append((time.perf_counter() - begun) * 1000)
        assert not (unlike := differences(rows, expected)), f"{name}: {unlike}"
    return statistics.median(taken[1:] or taken)


def _say(words: str) -> None:
    print(f"tsbs: {words}", file=sys.stderr, flush=True)
