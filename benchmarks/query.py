"""Questions to silver by `lake.query`, against DuckDB over the same files by hand and against plain Hive-partitioned Parquet.

``python -m benchmarks.query [--rows N]``: CPU seconds on one core, the three in turns, medians of the rounds; a ratio is the median of
the rounds' own ratios. The same at a tenth and a hundredth of the rows shows how it grows. Each answer is compared first.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from benchmarks.pumps import A_DAY, CONTRACT, START, silver_rows
from lake.catalog import ensure_table, open_catalog
from lake.query import sql
from lake.scan import plan_iceberg
from lake.tables import silver
from runtime.local import LocalPlatform
from runtime.settings import REPOSITORY, Settings

FLOOR = 0.8
TABLE = silver(CONTRACT)
_DEVICES = 1_000
_SIZES = (100, 10, 1)

# `day` is a day in the middle; by hand one writes the partition's condition too.
QUESTIONS = {
    "hourly rollup of everything": (
        "SELECT device_id, date_trunc('hour', event_time) AS hour, count(*) AS n, min(pressure_bar) AS lo, max(pressure_bar) AS hi, "
        "avg(vibration_mm_s) AS mean FROM {table} GROUP BY 1, 2"
    ),
    "hourly rollup of one day": (
        "SELECT device_id, date_trunc('hour', event_time) AS hour, count(*) AS n, avg(vibration_mm_s) AS mean FROM {table} "
        "WHERE event_time >= TIMESTAMPTZ '{day} 00:00Z' AND event_time < TIMESTAMPTZ '{next} 00:00Z'{partition} GROUP BY 1, 2"
    ),
    "one device, one day": (
        "SELECT event_time, pressure_bar, flow_m3_h FROM {table} WHERE device_id = 'pump-0007' "
        "AND event_time >= TIMESTAMPTZ '{day} 00:00Z' AND event_time < TIMESTAMPTZ '{next} 00:00Z'{partition}"
    ),
    "last of each device": "SELECT device_id, max(event_time) AS at, arg_max(pressure_bar, event_time) AS last FROM {table} GROUP BY 1",
}


@dataclass(frozen=True)
class Cost:
    """CPU seconds of `ours`, of DuckDB by `hand` and of `hive`, medians; and how much of theirs ours is worth."""

    rows: int
    question: str
    ours: float
    hand: float
    hive: float
    of_hand: float
    of_hive: float


def measure(rows: int, rounds: int) -> list[Cost]:
    """At a hundredth, a tenth and all of the rows."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    return [cost for part in _SIZES for cost in _measure(rows // part, rounds)]


def _measure(rows: int, rounds: int) -> Iterator[Cost]:
    with tempfile.TemporaryDirectory(prefix="fleetlake-bench-") as name:
        folder = Path(name)
        platform = LocalPlatform(replace(Settings.from_environment(), home=folder / "home", contracts_folder=REPOSITORY / "contracts"))
        days = fill(platform, rows)
        _, files = plan_iceberg(TABLE.name, open_catalog(platform).load_table(TABLE.name), None, None)
        by_hand = f"read_parquet({[file.removeprefix('file://') for file in files]})"
        hive = _hive(by_hand, folder / "hive")
        day = (START + timedelta(days=days // 2)).date()
        words = {"day": str(day), "next": str(day + timedelta(days=1))}
        for question, text in QUESTIONS.items():
            asked = {
                "ours": text.format(table=TABLE.name, partition="", **words),
                "hand": text.format(table=by_hand, partition="", **words),
                "hive": text.format(table=hive, partition=f" AND event_date = DATE '{day}'", **words),
            }
            yield _compared(rows, question, asked, platform, rounds)


def _compared(rows: int, question: str, asked: Mapping[str, str], platform: LocalPlatform, rounds: int) -> Cost:
    ways: dict[str, Callable[[], pa.Table]] = {
        "ours": lambda: sql(asked["ours"], platform=platform).arrow(),
        "hand": lambda: _by_hand(asked["hand"]),
        "hive": lambda: _by_hand(asked["hive"]),
    }
    answers = {name: _sorted(way()) for name, way in ways.items()}
    assert answers["ours"].num_rows > 0
    assert _alike(answers["ours"], answers["hand"]), question
    assert _alike(answers["ours"], answers["hive"]), question
    costs: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        # In turns, and each time another first.
        names = list(ways)[number % 3 :] + list(ways)[: number % 3]
        for name in names:
            begun = time.process_time()
            ways[name]()
            costs[name].append(time.process_time() - begun)
    medians = {name: statistics.median(found) for name, found in costs.items()}
    print(f"{rows:,} rows, {question}: " + ", ".join(f"{name} {cost:.3f} s" for name, cost in medians.items()), file=sys.stderr, flush=True)
    return Cost(rows, question, **medians, of_hand=_worth(costs["hand"], costs["ours"]), of_hive=_worth(costs["hive"], costs["ours"]))


def _worth(theirs: Sequence[float], ours: Sequence[float]) -> float:
    return statistics.median(their / our for their, our in zip(theirs, ours, strict=True))


def _by_hand(text: str) -> pa.Table:
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.sql(text).to_arrow_table()


def _sorted(table: pa.Table) -> pa.Table:
    return table.sort_by([(name, "ascending") for name in table.column_names[:2]])


def _alike(one: pa.Table, other: pa.Table) -> bool:
    """Equal, but for the last digits of a mean: threads add in another order."""
    if one.column_names != other.column_names or len(one) != len(other):
        return False
    pairs = zip(one.columns, other.columns, strict=True)
    return all(
        np.allclose(a.to_numpy(), b.to_numpy(), rtol=1e-12) if pa.types.is_floating(a.type) else a.equals(b.cast(a.type)) for a, b in pairs
    )


def fill(platform: LocalPlatform, rows: int) -> int:
    """Silver of pumps, day by day, each day's file by device and time as the job writes it; the number of days."""
    iceberg = ensure_table(open_catalog(platform), TABLE)
    days = -(-rows // (_DEVICES * A_DAY))
    rng = np.random.default_rng(1)
    for day in range(days):
        slots = min(A_DAY, (rows - day * _DEVICES * A_DAY) // _DEVICES)
        if slots:
            begin = day * A_DAY
            of_day = silver_rows(_DEVICES, range(begin, begin + slots), f"run-{day}.1", rng)
            iceberg.append(of_day.cast(iceberg.schema().as_arrow()))
    return days


def _hive(by_hand: str, folder: Path) -> str:
    """The same rows as people keep them without a table format."""
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        # Without this a reader that knows only folders would find a day's rows in disorder.
        connection.execute("SET preserve_insertion_order = true")
        copied = f"SELECT *, event_time::DATE AS event_date FROM {by_hand}"  # noqa: S608 - the benchmark's own files
        connection.execute(f"COPY ({copied}) TO '{folder}' (FORMAT parquet, PARTITION_BY (event_date), COMPRESSION zstd)")
    return f"read_parquet('{folder}/**/*.parquet', hive_partitioning = true)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=9)
    asked = parser.parse_args()
    print(
        "| rows | question | lake.query, CPU s | by hand | plain Hive Parquet | hand / ours | Hive / ours |\n|---|---|---|---|---|---|---|"
    )
    for cost in measure(asked.rows, asked.rounds):
        ratios = f"{cost.of_hand:.2f} | {cost.of_hive:.2f}"
        print(f"| {cost.rows:,} | {cost.question} | {cost.ours:.3f} | {cost.hand:.3f} | {cost.hive:.3f} | {ratios} |")
    print(f"the hourly rollup of everything is to be at least {FLOOR} of the hand's at the largest size")


if __name__ == "__main__":
    main()
