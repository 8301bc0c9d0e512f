"""What silver and gold cost by Spark, and what a little more data costs against all of it: bytes and rows read, rows written.

``python -m benchmarks.increment [--devices N]``: 100 days of pumps in one run, then the newest day (1 % more), then 1 % that comes late and
scattered over 7 of the 100 days; each by silver with its gate, gold_hourly and gold_device_daily. Rows are the task metrics of Spark's event
log. Bytes are the kernel's count for the JVM: Iceberg 1.11 always reads Parquet in other threads (its pull request 16614 would let it be
turned off), and Spark's own metric of a task knows nothing of those. A rehearsal on another lake goes first, so that no class is read in
what is counted. What the jobs read of the ops tables in Python is not in it.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import SparkSession

from benchmarks import cloud
from benchmarks.pumps import CONTRACT, bronze_day, put
from benchmarks.weigh import jvm_read, weighed
from lake.contracts import load_contracts
from runtime.platforms import Platform
from runtime.settings import REPOSITORY
from spark_jobs import gold_device_daily, gold_hourly, silver
from spark_jobs.session import SparkLake, open_session, prepare_tables, session_of

NEWEST, SCATTERED = 0.05, 0.12
_DAYS = 100
_JOBS = (silver, gold_hourly, gold_device_daily)
_SHARES = ("bytes_read", "rows_read", "rows_written")
_LATE_DAYS = (3, 17, 31, 45, 59, 73, 87)


@dataclass(frozen=True)
class Step:
    """One run of the three jobs: `rows` that were new, what each job read and wrote, wall and CPU seconds."""

    name: str
    rows: int
    bytes_read: dict[str, int]
    rows_read: dict[str, int]
    rows_written: dict[str, int]
    seconds: float
    cpu: float


def measure(devices: int) -> list[Step]:
    with cloud.running(spark_quick=False) as rehearsal, cloud.running(spark_quick=False) as running:
        events = running.settings.home / "events"
        events.mkdir()
        spark = _session(running.platform, events)
        contracts = load_contracts(REPOSITORY / "contracts")
        try:
            for name, tables in steps_of(1):
                _step(SparkLake(session_of(spark, rehearsal.platform), rehearsal.platform, contracts), f"rehearsed {name}", tables)
            lake = SparkLake(session_of(spark, running.platform), running.platform, contracts)
            done = [_step(lake, name, tables) for name, tables in steps_of(devices)]
        finally:
            spark.stop()
        found = counted(events)
    return [_with_rows(step, found) for step in done]


def _with_rows(step: Step, found: Mapping[str, tuple[int, int]]) -> Step:
    read, written = ({job: found[f"{step.name} {job}"][place] for job in step.bytes_read} for place in (0, 1))
    return replace(step, rows_read=read, rows_written=written)


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


def _step(lake: SparkLake, name: str, tables: Sequence[pa.Table]) -> Step:
    prepare_tables(lake.platform, CONTRACT)
    rows = put(lake.platform, lake.clock.now(), name, tables)
    read = {}
    with weighed() as weight:
        for job in _JOBS:
            # Spark's log tells a task's stage, a stage's job and a job's group.
            lake.spark.sparkContext.setJobGroup(f"{name} {_short(job)}", name)
            before = jvm_read()
            job.run(lake, CONTRACT.name, name.replace(" ", "-"))
            read[_short(job)] = jvm_read() - before
    print(f"increment: {name}, {rows:,} readings in {weight.seconds:.0f} s", file=sys.stderr, flush=True)
    return Step(name, rows, read, {}, {}, weight.seconds, weight.cpu)


def _session(platform: Platform, events: Path) -> SparkSession:
    class Logged(type(platform)):  # type: ignore[misc] # whichever platform it is
        def spark_conf(self) -> dict[str, str]:
            log = {"spark.eventLog.enabled": "true", "spark.eventLog.dir": events.as_uri(), "spark.eventLog.rolling.enabled": "false"}
            return {**super().spark_conf(), **log, "spark.eventLog.compress": "false"}

    return open_session(Logged(platform.settings), "increment")


def counted(events: Path) -> dict[str, tuple[int, int]]:
    """By job group, the rows that its tasks read and those that they wrote."""
    groups: dict[int, str] = {}
    read: dict[str, int] = defaultdict(int)
    written: dict[str, int] = defaultdict(int)
    for event in _events(events):
        if event["Event"] == "SparkListenerJobStart":
            group = event["Properties"].get("spark.jobGroup.id", "")
            groups |= dict.fromkeys(event["Stage IDs"], group)
        if event["Event"] == "SparkListenerTaskEnd" and (metrics := event.get("Task Metrics")):
            group = groups.get(event["Stage ID"], "")
            read[group] += metrics["Input Metrics"]["Records Read"]
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
    headings = [f"{job}: MB, rows read, rows written" for job in jobs]
    print(f"| run | new readings | {' | '.join(headings)} | bytes, rows read, of full | written, of full | s | CPU µs a new reading |")
    print("|---" * (len(jobs) + 6) + "|")
    for step in steps:
        cells = " | ".join(f"{step.bytes_read[job] / 1e6:.2f}, {step.rows_read[job]:,}, {step.rows_written[job]:,}" for job in jobs)
        share = {name: sum(getattr(step, name).values()) / sum(getattr(steps[0], name).values()) for name in _SHARES}
        shares = f"{share['bytes_read']:.1%}, {share['rows_read']:.1%} | {share['rows_written']:.1%}"
        print(f"| {step.name} | {step.rows:,} | {cells} | {shares} | {step.seconds:.1f} | {step.cpu / step.rows * 1e6:.0f} |")
    print(f"the newest is to be at most {NEWEST:.0%} of full, the scattered at most {SCATTERED:.0%}")


if __name__ == "__main__":
    main()
