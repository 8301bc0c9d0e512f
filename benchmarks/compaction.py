"""A table of many small files, and the same table after the daily maintenance: files, bytes and what questions to it cost.

``python -m benchmarks.compaction [--runs N] [--devices N] [--rounds N]``: silver of pumps by one run for each hour, each of which leaves
a file, in two lakes; one of them is maintained (spark_jobs/maintain.py: compaction with its proof, expiry, orphans). Each question is asked
of both by `lake.query` (DuckDB), first for equal answers, then in turns. "MB read" is what the process asked its files for: data, Parquet's
footers, manifests and the catalog.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import psutil

from benchmarks.pumps import A_DAY, CONTRACT, START, silver_rows
from benchmarks.weigh import Weight, weighed
from lake.catalog import ensure_table, open_catalog
from lake.contracts import load_contracts
from lake.query import explain, sql
from lake.tables import silver
from runtime.local import LocalPlatform
from runtime.platforms import Platform
from runtime.settings import REPOSITORY, Settings
from spark_jobs import maintain
from spark_jobs.session import SparkLake, open_session
from spark_jobs.table_files import data_files, sizes

TABLE = silver(CONTRACT)
_AN_HOUR = A_DAY // 24
_BETWEEN = "event_time >= TIMESTAMPTZ '{begin}' AND event_time < TIMESTAMPTZ '{end}'"
_QUESTIONS = {
    "one device, one day": "SELECT event_time, pressure_bar, flow_m3_h FROM {table} WHERE device_id = 'pump-0007' AND {of_day} ORDER BY 1",
    "all devices, one hour": (
        "SELECT device_id, max(event_time) AS newest, avg(pressure_bar) AS mean FROM {table} WHERE {of_hour} GROUP BY 1 ORDER BY 1"
    ),
    "hourly rollup of everything": (
        "SELECT device_id, date_trunc('hour', event_time) AS hour, count(*) AS n, min(pressure_bar) AS lo, max(pressure_bar) AS hi, "
        "avg(vibration_mm_s) AS mean FROM {table} GROUP BY 1, 2 ORDER BY 1, 2"
    ),
}


@dataclass(frozen=True)
class Files:
    """Data files of the table and their bytes."""

    rows: int
    files: int
    bytes: int


@dataclass(frozen=True)
class Asked:
    """A question to one of the lakes: medians of CPU and wall seconds, files opened, bytes read."""

    cpu: float
    wall: float
    files: int
    bytes: int


@dataclass(frozen=True)
class Compared:
    question: str
    before: Asked
    after: Asked


@dataclass(frozen=True)
class Measured:
    before: Files
    after: Files
    maintenance: Weight
    questions: Sequence[Compared]


def measure(runs: int, devices: int, rounds: int) -> Measured:
    with tempfile.TemporaryDirectory(prefix="fleetlake-bench-") as folder:
        before, after = (_platform(Path(folder) / name) for name in ("scattered", "compacted"))
        for platform in (before, after):
            grow(platform, runs, devices)
        _say(f"{files_of(before).files} files")
        weight = _compacted(after)
        _say(f"maintained in {weight.seconds:.0f} s")
        return Measured(files_of(before), files_of(after), weight, list(compare(before, after, runs, rounds)))


def questions(runs: int) -> Mapping[str, str]:
    """About the day in the middle, and its ninth hour."""
    day = START + timedelta(days=runs // 24 // 2)
    words = {
        "table": TABLE.name,
        "of_day": _BETWEEN.format(begin=day, end=day + timedelta(days=1)),
        "of_hour": _BETWEEN.format(begin=day + timedelta(hours=8), end=day + timedelta(hours=9)),
    }
    return {question: text.format(**words) for question, text in _QUESTIONS.items()}


def grow(platform: Platform, runs: int, devices: int) -> None:
    """A commit and a file for each hour, which Python writes as the job does: sorted by device and time."""
    iceberg = ensure_table(open_catalog(platform), TABLE)
    rng = np.random.default_rng(1)
    for run in range(runs):
        rows = silver_rows(devices, range(run * _AN_HOUR, (run + 1) * _AN_HOUR), f"hour-{run}.1", rng)
        iceberg.append(rows.cast(iceberg.schema().as_arrow()))


def files_of(platform: Platform) -> Files:
    snapshot = open_catalog(platform).load_table(TABLE.name).current_snapshot()
    return Files(*sizes(data_files(platform, TABLE, snapshot.snapshot_id if snapshot else None)))


def compact(lake: SparkLake) -> Weight:
    with weighed() as weight:
        maintain.run(lake, CONTRACT.name, "compaction", [TABLE.name])
    return weight


def compare(before: Platform, after: Platform, runs: int, rounds: int) -> Iterator[Compared]:
    """Raises AssertionError where the lakes do not give the same answer."""
    for question, text in questions(runs).items():
        answers = [sql(text, platform=platform).rows for platform in (before, after)]
        assert answers[0], question
        assert _alike(*answers), f"{question}: another answer after compaction"
        yield Compared(question, *_asked(text, (before, after), rounds))


def _asked(text: str, lakes: Sequence[Platform], rounds: int) -> list[Asked]:
    """In turns, as minutes differ more than the lakes may."""
    costs: list[list[tuple[float, float, int]]] = [[] for _ in lakes]
    for _ in range(rounds):
        for cost, platform in zip(costs, lakes, strict=True):
            read, cpu, wall = _bytes_read(), time.process_time(), time.perf_counter()
            sql(text, platform=platform)
            cost.append((time.process_time() - cpu, time.perf_counter() - wall, _bytes_read() - read))
    opened = [sum(scan.files for scan in explain(text, platform=platform).scans) for platform in lakes]
    medians = [[statistics.median(figure) for figure in zip(*cost, strict=True)] for cost in costs]
    return [Asked(cpu, wall, files, int(read)) for (cpu, wall, read), files in zip(medians, opened, strict=True)]


def _bytes_read() -> int:
    return int(psutil.Process().io_counters().read_chars)


def _alike(one: Sequence[tuple[object, ...]], other: Sequence[tuple[object, ...]]) -> bool:
    """Equal, but for the last digits of a mean: another order of files adds in another order."""

    def same(a: object, b: object) -> bool:
        return bool(np.isclose(a, b, rtol=1e-12)) if isinstance(a, float) and isinstance(b, float) else a == b

    return len(one) == len(other) and all(all(map(same, a, b)) for a, b in zip(one, other, strict=True))


def _platform(home: Path) -> LocalPlatform:
    return LocalPlatform(replace(Settings.from_environment(), home=home, contracts_folder=REPOSITORY / "contracts", spark_quick=False))


def _compacted(platform: LocalPlatform) -> Weight:
    spark = open_session(platform, "compaction")
    try:
        return compact(SparkLake(spark, platform, load_contracts(REPOSITORY / "contracts")))
    finally:
        spark.stop()


def table(found: Measured) -> str:
    heads = "files opened: before | after | MB read: before | after | CPU ms: before | after | ms: before | after | CPU, before / after"
    lines = [f"| question | {heads} |", "|---" * 10 + "|"]
    for each in found.questions:
        pairs = (
            f"{each.before.files} | {each.after.files}",
            f"{each.before.bytes / 1e6:.2f} | {each.after.bytes / 1e6:.2f}",
            f"{each.before.cpu * 1e3:.0f} | {each.after.cpu * 1e3:.0f}",
            f"{each.before.wall * 1e3:.0f} | {each.after.wall * 1e3:.0f}",
        )
        lines.append(f"| {each.question} | {' | '.join(pairs)} | {each.before.cpu / each.after.cpu:.1f} |")
    before, after, weight = found.before, found.after, found.maintenance
    told = f"{before.rows:,} rows: {before.files} files of {before.bytes / 1e6:.1f} MB before, {after.files} of {after.bytes / 1e6:.1f} MB after."
    return "\n".join(
        [*lines, "", f"{told} Maintenance took {weight.seconds:.0f} s, {weight.cpu:.0f} s of CPU, its JVM's start not counted."]
    )


def _say(words: str) -> None:
    print(f"compaction: {words}", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=48)
    parser.add_argument("--devices", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=9)
    asked = parser.parse_args()
    print(table(measure(asked.runs, asked.devices, asked.rounds)))


if __name__ == "__main__":
    main()
