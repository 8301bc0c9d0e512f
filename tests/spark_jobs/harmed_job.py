"""One process that runs jobs of a lake and is killed at a boundary: ``python -m tests.spark_jobs.harmed_job HOME MOMENT RUN JOBS [options]``.

Its Spark has a JVM of its own, which is what is killed. With ``--alone`` Python lives on and meets a dead JVM, as after an
out-of-memory kill; else it dies with it, as a container does.
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

from lake.contracts import load_contracts
from runtime.clock import FixedClock
from runtime.settings import REPOSITORY
from spark_jobs import features, gold_device_daily, gold_hourly, rebuild, silver
from spark_jobs.session import SparkLake, open_session
from tests.spark import folder_platform
from tests.spark_jobs.gates import passing

CONTRACT = "pump"
# What the dying process leaves, to tell a kill from an end of its own.
REACHED = "reached"


def main(arguments: list[str]) -> None:
    options = parse(arguments)
    platform = folder_platform(options.home, spark_memory="512m")
    spark = open_session(platform, "harmed")
    lake = SparkLake(spark, platform, load_contracts(REPOSITORY / "contracts"), FixedClock(options.moment))
    for job in options.jobs.split(","):
        lake.boundary = killer(spark, options.home, options.at, options.alone, job)
        steps(options.day)[job](lake, options.run)
    spark.stop()


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("moment", type=datetime.fromisoformat)
    parser.add_argument("run")
    parser.add_argument("jobs")
    parser.add_argument("--day", type=date.fromisoformat)
    parser.add_argument("--at", default="", help="job:boundary")
    parser.add_argument("--alone", action="store_true")
    return parser.parse_args(arguments)


def steps(day: date | None) -> dict[str, Callable[[SparkLake, str], object]]:
    def rebuilt(lake: SparkLake, run: str) -> object:
        assert day is not None
        return rebuild.run(lake, CONTRACT, run, day)

    return {
        "silver": lambda lake, run: silver.run(lake, CONTRACT, run, gate=passing),
        "rebuild": rebuilt,
        "gold_hourly": lambda lake, run: gold_hourly.run(lake, CONTRACT, run),
        "gold_device_daily": lambda lake, run: gold_device_daily.run(lake, CONTRACT, run),
        "features": lambda lake, run: features.run(lake, CONTRACT, run),
    }


def killer(spark: Any, home: Path, at: str, alone: bool, job: str) -> Callable[[str], None]:
    def boundary(name: str) -> None:
        if at == f"{job}:{name}":
            (home / REACHED).write_text(at)
            os.kill(spark.sparkContext._gateway.proc.pid, signal.SIGKILL)
            if not alone:
                os.kill(os.getpid(), signal.SIGKILL)

    return boundary


if __name__ == "__main__":
    main(sys.argv[1:])
