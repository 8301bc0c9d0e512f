"""What silver and gold cost by Spark, and what a little more data costs against all of it: bytes read and rows written by Spark's own count.

``python -m benchmarks.increment [--devices N]``: 100 days of pumps in one run, then the newest day (1 % more), then 1 % that comes late and
scattered over 7 of the 100 days; each by silver with its gate, gold_hourly and gold_device_daily. Bytes and rows are the task metrics of
Spark's event log; what the jobs read of the ops tables in Python is not in them.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import SparkSession

from benchmarks import cloud
from benchmarks.pumps import CONTRACT, bronze_day, put
from benchmarks.weigh import weighed
from lake.contracts import load_contracts
from runtime.platforms import Platform
from runtime.settings import REPOSITORY
from spark_jobs import gold_device_daily, gold_hourly, silver
from spark_jobs.session import SparkLake, open_session, prepare_tables

NEWEST, SCATTERED = 0.05, 0.12
_DAYS = 100
_JOBS = (silver, gold_hourly, gold_device_daily)
_LATE_DAYS = (3, 17, 31, 45, 59, 73, 87)


@dataclass(frozen=True)
class Step:
    """One run of the three jobs: `rows` that were new, what each job's Spark read and wrote, wall and CPU seconds."""

    name: str
    rows: int
    bytes_read: dict[str, int]
    rows_written: dict[str, int]
    seconds: float
    cpu: float


def measure(devices: int) -> list[Step]:
    with cloud.running(spark_quick=False) as running:
        events = running.settings.home / "events"
        events.mkdir()
        lake = SparkLake(_session(running.platform, events), running.platform, load_contracts(REPOSITORY / "contracts"))
        try:
            prepare_tables(lake.platform, CONTRACT)
            done = [_step(lake, name, tables) for name, tables in steps_of(devices)]
        finally:
            lake.spark.stop()
        found = counted(events)
    jobs = [_short(job) for job in _JOBS]
    read, written = ({job: {name: found[f"{name} {job}"][n] for name, *_ in done} for job in jobs} for n in (0, 1))
    return [
        Step(name, rows, {job: read[job][name] for job in jobs}, {job: written[job][name] for job in jobs}, seconds, cpu)
        for name, rows, seconds, cpu in done
    ]


def _short(job: ModuleType) -> str:
    return job.__name__.rpartition(".")[2]


def steps_of(devices: int) -> Iterator[tuple[str, list[pa.Table]]]:
    """Which readings come when. The late ones are a seventh of the day's each, one in seven of every device."""
    days = [bronze_day(day, devices) for day in range(_DAYS + 1)]
    is_late = [pa.array(np.arange(len(table)) % 7 == 3) for table in days]
    yield (
        "full",
        [
            table.filter(pc.invert(late)) if day in _LATE_DAYS else table
            for day, (table, late) in enumerate(zip(days[:_DAYS], is_late, strict=False))
        ],
    )
    yield "newest", [days[_DAYS]]
    yield "scattered", [days[day].filter(is_late[day]) for day in _LATE_DAYS]


def _step(lake: SparkLake, name: str, tables: Sequence[pa.Table]) -> tuple[str, int, float, float]:
    rows = put(lake.platform, lake.clock.now(), name, tables)
    with weighed() as weight:
        for job in _JOBS:
            # Spark's log tells a task's stage, a stage's job and a job's group.
            lake.spark.sparkContext.setJobGroup(f"{name} {_short(job)}", name)
            job.run(lake, CONTRACT.name, name)
    print(f"increment: {name}, {rows:,} readings in {weight.seconds:.0f} s", file=sys.stderr, flush=True)
    return name, rows, weight.seconds, weight.cpu


def _session(platform: Platform, events: Path) -> SparkSession:
    class Logged(type(platform)):  # type: ignore[misc] # whichever platform it is
        def spark_conf(self) -> dict[str, str]:
            log = {"spark.eventLog.enabled": "true", "spark.eventLog.dir": events.as_uri(), "spark.eventLog.rolling.enabled": "false"}
            # What another thread reads for a task is not in the task's metrics: of 456,194 bronze readings they would tell 0.2 MB.
            counted = {"spark.hadoop.parquet.hadoop.vectored.io.enabled": "false"}
            return {**super().spark_conf(), **log, **counted, "spark.eventLog.compress": "false"}

    return open_session(Logged(platform.settings), "increment")


def counted(events: Path) -> dict[str, tuple[int, int]]:
    """By job group, the bytes that its tasks read and the rows that they wrote."""
    groups: dict[int, str] = {}
    read: dict[str, int] = defaultdict(int)
    written: dict[str, int] = defaultdict(int)
    for event in _events(events):
        if event["Event"] == "SparkListenerJobStart":
            group = event["Properties"].get("spark.jobGroup.id", "")
            groups |= dict.fromkeys(event["Stage IDs"], group)
        if event["Event"] == "SparkListenerTaskEnd" and (metrics := event.get("Task Metrics")):
            group = groups.get(event["Stage ID"], "")
            read[group] += metrics["Input Metrics"]["Bytes Read"]
            written[group] += metrics["Output Metrics"]["Records Written"]
    return {group: (read[group], written[group]) for group in groups.values()}


def _events(folder: Path) -> Iterator[dict[str, Any]]:
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith((".", "appstatus"))):
        with file.open() as lines:
            yield from (json.loads(line) for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=20)
    steps = measure(parser.parse_args().devices)
    jobs = list(steps[0].bytes_read)
    print(
        f"| run | new readings | {' | '.join(f'{job}: MB read, rows written' for job in jobs)} | read, of full | written, of full | s | CPU µs a new reading |"
    )
    print("|---" * (len(jobs) + 6) + "|")
    read, written = (sum(figures.values()) for figures in (steps[0].bytes_read, steps[0].rows_written))
    for step in steps:
        cells = " | ".join(f"{step.bytes_read[job] / 1e6:.2f}, {step.rows_written[job]:,}" for job in jobs)
        shares = f"{sum(step.bytes_read.values()) / read:.1%} | {sum(step.rows_written.values()) / written:.1%}"
        print(f"| {step.name} | {step.rows:,} | {cells} | {shares} | {step.seconds:.1f} | {step.cpu / step.rows * 1e6:.0f} |")
    print(f"the newest is to be at most {NEWEST:.0%} of full, the scattered at most {SCATTERED:.0%}")


if __name__ == "__main__":
    main()
