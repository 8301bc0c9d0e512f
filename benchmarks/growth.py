"""Silver with its gate, gold and features by Spark, over 1, 10 and 100 times the rows: how much faster than its rows a job's cost grows.

``python -m benchmarks.growth [--devices N] [--days N]``: a fleet, one ten times as large and one a hundred times, each in a lake of its
own, whose days one run of each job takes. CPU and memory are those of this process, the JVM and its Python workers, and not the
emulator's. All lakes are worked on by one JVM; the smallest is there twice, and the first time, "cold", is when the JVM learns.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks import cloud
from benchmarks.pumps import A_DAY, CONTRACT, bronze_day, put
from benchmarks.weigh import Weight, weighed
from lake.contracts import load_contracts
from lake.tables import DEVICE_DAILY, Table
from lake.tables import features as features_of
from lake.tables import gold_hourly as hourly_of
from lake.tables import silver as silver_of
from runtime.settings import REPOSITORY
from spark_jobs import features, gold_device_daily, gold_hourly, silver
from spark_jobs.session import SparkLake, open_session, prepare_tables, session_of

TIMES = (1, 10, 100)


@dataclass(frozen=True)
class Job:
    """`rows`: how many it makes of so many devices and days."""

    name: str
    run: Callable[[SparkLake, str, str], object]
    table: Table
    rows: Callable[[int, int], int]


JOBS = (
    Job("silver", silver.run, silver_of(CONTRACT), lambda devices, days: devices * days * A_DAY),
    Job("gold_hourly", gold_hourly.run, hourly_of(CONTRACT), lambda devices, days: devices * days * 24),
    Job("gold_device_daily", gold_device_daily.run, DEVICE_DAILY, lambda devices, days: devices * days),
    Job("features", features.run, features_of(CONTRACT), lambda devices, days: devices * days * A_DAY),
)


@dataclass(frozen=True)
class Cost:
    """Of one run of a job over `readings` new readings."""

    job: str
    readings: int
    rows: int
    weight: Weight


def measure(devices: int, days: int) -> tuple[list[Cost], list[Cost]]:
    """The smallest size while the JVM is cold, and all sizes then; each by job in the order of JOBS."""
    with ExitStack() as stack:
        clouds = [stack.enter_context(cloud.running(spark_quick=False)) for _ in (1, *TIMES)]
        spark = open_session(clouds[0].platform, "growth")
        stack.callback(spark.stop)
        contracts = load_contracts(REPOSITORY / "contracts")
        lakes = [SparkLake(session_of(spark, each.platform), each.platform, contracts) for each in clouds]
        cold, *warm = (list(costs(lake, devices * times, days)) for lake, times in zip(lakes, (1, *TIMES), strict=True))
        return cold, [cost for of_size in warm for cost in of_size]


def costs(lake: SparkLake, devices: int, days: int) -> Iterator[Cost]:
    """Of each job in turn, in an empty lake. Raises AssertionError for one that makes other rows than these readings have."""
    prepare_tables(lake.platform, CONTRACT)
    readings = sum(put(lake.platform, lake.clock.now(), f"day {day}", [bronze_day(day, devices)]) for day in range(days))
    for job in JOBS:
        with weighed() as weight:
            job.run(lake, CONTRACT.name, "growth")
        rows = lake.table(job.table).count()
        assert rows == job.rows(devices, days), f"{job.name} made {rows} rows of {devices} devices and {days} days"
        print(f"growth: {job.name}, {readings:,} readings in {weight.seconds:.0f} s, CPU {weight.cpu:.0f} s", file=sys.stderr, flush=True)
        yield Cost(job.name, readings, rows, weight)


def table(cold: Sequence[Cost], warm: Sequence[Cost]) -> str:
    """By job, from small to large; the last column is the CPU of the readings that a size has more than the one before, for each of them."""
    lines = [
        "| job | readings | rows made | s | CPU s | peak MB | readings a CPU second | CPU µs a reading | CPU µs each further reading |",
        "|---" * 9 + "|",
    ]
    for job in JOBS:
        first, sizes = ([cost for cost in found if cost.job == job.name] for found in (cold, warm))
        lines += [_line(cost, ", cold") for cost in first]
        lines += [_line(cost, "", smaller) for smaller, cost in zip((None, *sizes), sizes, strict=False)]
    return "\n".join(lines)


def further(cost: Cost, smaller: Cost) -> float:
    """CPU seconds for each reading that `cost` has more."""
    return (cost.weight.cpu - smaller.weight.cpu) / (cost.readings - smaller.readings)


def _line(cost: Cost, word: str, smaller: Cost | None = None) -> str:
    weight = cost.weight
    whole = f"{weight.seconds:.1f} | {weight.cpu:.1f} | {weight.memory / 1e6:,.0f}"
    each = f"{cost.readings / weight.cpu:,.0f} | {weight.cpu / cost.readings * 1e6:,.0f} | "
    more = f"{further(cost, smaller) * 1e6:,.0f}" if smaller else ""
    return f"| {cost.job} | {cost.readings:,}{word} | {cost.rows:,} | {whole} | {each}{more} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=1)
    parser.add_argument("--days", type=int, default=7)
    asked = parser.parse_args()
    print(table(*measure(asked.devices, asked.days)))
    print("ten times the readings are to cost at most ten times the CPU")


if __name__ == "__main__":
    main()
