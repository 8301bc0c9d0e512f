"""TSBS's 13 questions over 100 trucks: decoded, put, merged by the silver job, and answered by DuckDB and Spark as by numpy."""

from typing import Any

from benchmarks.tsbs.run import Measured, loaded_and_answered, measure
from benchmarks.tsbs.trucks import make
from spark_jobs.session import SparkLake
from tests.proofs import Size

WHAT = "TSBS iot, 13 questions over trucks with missing, late and out-of-order entries: DuckDB and Spark equal the numpy oracle."
CODE = ("lake", "ingestion", "spark_jobs", "benchmarks/tsbs")
SEED = 1
# Trucks and hours.
_SCALES = {Size.SMALL: (10, 36), Size.FULL: (100, 72)}
# Of ten trucks none has an empty tank at the end with this seed; in full each question has an answer.
_SMALL_SEED, _EMPTY = 6, {Size.SMALL: {"low-fuel"}, Size.FULL: set[str]()}


def prove(size: Size, lake: SparkLake | None = None) -> dict[str, Any]:
    """In full in a laptop's cloud of its own; small in a `lake` with the trucks' contracts."""
    trucks, hours = _SCALES[size]
    found = measure([(trucks, hours)], SEED)[0] if lake is None else loaded_and_answered(make(trucks, hours, _SMALL_SEED), lake, rounds=1)
    assert len(found.answers) == 13
    assert {answer.question for answer in found.answers if not answer.rows} <= _EMPTY[size]
    return _counts(found)


def _counts(found: Measured) -> dict[str, Any]:
    times = {
        answer.question: {"rows": answer.rows, "duckdb_ms": round(answer.duckdb), "spark_ms": round(answer.spark)}
        for answer in found.answers
    }
    return {
        "trucks": found.trucks,
        "hours": found.hours,
        "entries": found.entries,
        "put_seconds": round(found.put),
        "silver_seconds": round(found.silver),
        "equal_to_the_oracle": len(found.answers),
        "questions": times,
    }
