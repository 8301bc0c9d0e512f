"""Many writers of one table at once: threads of one Spark session that append, rebuild and compact, and a process with PyIceberg alone.

Each writer tries again where others published first each time, as Airflow would have it do.
"""

import random
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from lake.catalog import open_catalog
from lake.contracts import Contract, load_contracts
from lake.query import sql
from lake.tables import silver
from runtime.clock import SystemClock
from runtime.errors import PublishLost, RetryLater
from runtime.settings import REPOSITORY
from spark_jobs import compaction, rebuild
from spark_jobs import silver as silver_job
from spark_jobs.session import SparkLake
from tests.spark import NOON, empty_lake, put_bronze, reading
from tests.spark_jobs.gates import passing
from tests.spark_jobs.spoilt import spoil

_CONTRACT = "pump"
_TRIES = 60
_DAYS = 3


def race(spark: SparkSession, folder: Path, seed: int, writers: int) -> dict[str, Any]:
    """One round; what was written, and how often somebody had to begin again. Raises AssertionError where a row is lost or twice."""
    rng = random.Random(seed)
    lake = empty_lake(spark, folder, load_contracts(REPOSITORY / "contracts"))
    lake.clock = SystemClock()
    contract = lake.contracts[_CONTRACT]
    sent = [_reading(contract, rng, number) for number in range(120)]
    put_bronze(lake, _CONTRACT, sent)
    silver_job.run(lake, _CONTRACT, "before", gate=passing)
    spoilt = _spoil_days(lake, contract)
    again: list[str] = []
    works = _works(lake, contract, rng, sent, writers - 1)
    other = subprocess.Popen(
        [sys.executable, "-m", "tests.spark_jobs.pyiceberg_writer", str(folder)], cwd=REPOSITORY, text=True, stdout=subprocess.PIPE
    )
    with ThreadPoolExecutor(max_workers=len(works)) as pool:
        for done in [pool.submit(_until_done, name, work, again) for name, work in works]:
            done.result(timeout=1_200)
    told, _ = other.communicate(timeout=600)
    assert other.returncode == 0
    # What was in conflict with nothing else: a day that was spoilt after its rebuild's turn would be left so.
    for day in spoilt:
        rebuild.run(lake, _CONTRACT, "after", day)
    _check(lake, sent)
    return {"raced": {"rows": len(sent), "begun_again": len(again), "published_by_pyiceberg": int(told.split()[-1])}}


def _works(
    lake: SparkLake, contract: Contract, rng: random.Random, sent: list[dict[str, Any]], threads: int
) -> list[tuple[str, Callable[[], object]]]:
    """Three fifths append, the rest rebuild and compact."""
    works: list[tuple[str, Callable[[], object]]] = []
    for number in range(threads):
        own = replace(lake, boundary=lambda _: None)
        if number % 5 < 3:
            rows = [_reading(contract, rng, 1_000 + number * 10 + place) for place in range(5)]
            put = [*rows, *rng.sample(sent, 3)]
            sent += rows
            works.append((name := f"append{number}", partial(_append, own, put, name)))
        elif number % 5 == 3:
            day = NOON.date() + timedelta(days=number % _DAYS)
            works.append((name := f"rebuild{number}", partial(rebuild.run, own, _CONTRACT, name, day)))
        else:
            works.append((name := f"compact{number}", partial(compaction.compact, own, silver(contract), name, superfluous=1)))
    return works


def _append(lake: SparkLake, rows: list[dict[str, Any]], name: str) -> object:
    put_bronze(lake, _CONTRACT, rows)
    return silver_job.run(lake, _CONTRACT, name, gate=passing)


def _until_done(name: str, work: Callable[[], object], again: list[str]) -> None:
    for _ in range(_TRIES):
        try:
            work()
            return
        except (PublishLost, RetryLater):
            again.append(name)
    raise AssertionError(f"{name}: others published first {_TRIES} times over")


def _spoil_days(lake: SparkLake, contract: Contract) -> list[date]:
    days = [NOON.date() + timedelta(days=number) for number in range(_DAYS)]
    for day in days:
        spoil(lake, contract, day, 0.5)
    return days


def _reading(contract: Contract, rng: random.Random, seq: int) -> dict[str, Any]:
    value = round(rng.uniform(1, 6), 3)
    return reading(contract, f"p{rng.randint(1, 5)}", rng.uniform(0, _DAYS * 24 * 60 - 12 * 60 - 1), seq=seq, pressure_bar=value)


def _check(lake: SparkLake, sent: list[dict[str, Any]]) -> None:
    rows = sql("SELECT event_id, pressure_bar FROM silver.pump", platform=lake.platform).rows
    assert sorted(rows) == sorted((row["event_id"], row["pressure_bar"]) for row in sent)
    assert set(open_catalog(lake.platform).load_table("silver.pump").metadata.refs) == {"main"}
