"""Spark jobs that are killed at each of their commit boundaries, and writers that all publish at once: nothing half, lost or twice.

The full proof keeps the outcome of each round that has ended, and one that was broken off goes on with the next.
"""

import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from spark_jobs.session import open_session
from tests.proofs import Size
from tests.proofs._journey import say
from tests.proofs._rounds import Rounds
from tests.spark import folder_platform
from tests.spark_jobs.harmed import BOUNDARIES, DERIVED, Harmed, every_boundary, last_boundary
from tests.spark_jobs.writers import race

WHAT = (
    "The Spark JVM killed at every commit boundary 5 times: no reader sees a part, the end equals an unharmed run; "
    "20 writers at once, 10 rounds: no row lost, none twice."
)
CODE = ("lake", "spark_jobs", "runtime")
SEED = 6
_KILLED_ROUNDS = 5
_RACES = 10
_WRITERS = 20


def prove(size: Size, spark: SparkSession | None = None) -> dict[str, Any]:
    """The small size takes the session that is there."""
    if size is Size.SMALL:
        assert spark is not None
        with tempfile.TemporaryDirectory(prefix="fleetlake-lake-") as folder:
            harmed = Harmed(spark, Path(folder), SEED)
            harmed.grow(["silver:merged", "gold_hourly:publishing", "gold_device_daily:fast_forwarded", "features:visible"])
            return {"kills": harmed.kills}
    kept = Rounds("lake", (*CODE, "tests/spark_jobs", "tests/proofs"), SEED)
    done = kept.done()
    rounds: list[Callable[[SparkSession, Path, int], dict[str, Any]]] = [*[_killed] * _KILLED_ROUNDS, *[_raced] * _RACES]
    with tempfile.TemporaryDirectory(prefix="fleetlake-lake-") as folder:
        session = open_session(folder_platform(Path(folder) / "session", spark_memory="2g"), "proof-lake")
        for number, round_ in enumerate(rounds):
            if number not in done:
                say(f"round {number + 1} of {len(rounds)}")
                done[number] = round_(session, Path(folder) / str(number), SEED + number)
                kept.keep(number, done[number])
        session.stop()
    total = _total([done[number] for number in range(len(rounds))])
    kept.forget()
    return total


def _killed(spark: SparkSession, folder: Path, seed: int) -> dict[str, Any]:
    """Every boundary of every job once, and two of them with Python left alive beside its dead JVM."""
    harmed = Harmed(spark, folder, seed)
    harmed.grow([*every_boundary("silver"), *(name for job in DERIVED for name in every_boundary(job))])
    harmed.grow([last_boundary(job) for job in ("silver", *DERIVED)])
    harmed.mend(every_boundary("rebuild"))
    harmed.mend([last_boundary("rebuild")])
    harmed.grow(["silver:planned"], alone=True)
    harmed.mend(["rebuild:superseded"], alone=True)
    return {"kills": harmed.kills}


def _raced(spark: SparkSession, folder: Path, seed: int) -> dict[str, Any]:
    return race(spark, folder, seed, _WRITERS)


def _total(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    kills: Counter[str] = Counter()
    raced: Counter[str] = Counter()
    for told in rounds:
        kills.update(told.get("kills", {}))
        raced.update(told.get("raced", {}))
    missing = {f"{job}:{name}" for job, names in BOUNDARIES.items() for name in names if kills[f"{job}:{name}"] < _KILLED_ROUNDS}
    assert not missing, f"not killed {_KILLED_ROUNDS} times: {sorted(missing)}"
    assert kills.total() >= 60
    return {"kills": kills.total(), "killed_at": dict(kills), "races": _RACES, "writers": _WRITERS, **raced}
