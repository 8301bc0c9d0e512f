"""A lake whose jobs are killed, and its unharmed twin: the same objects come to both, and both must say the same in the end.

After each kill every table, read by PyIceberg and by DuckDB, is what the twin's was before the step or is after it, never a part.
"""

import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from lake.catalog import open_catalog
from lake.contracts import Contract, load_contracts
from lake.fingerprint import Fingerprint, fingerprints
from lake.publications import State, read_publications
from lake.query import sql
from runtime.clock import FixedClock
from runtime.settings import REPOSITORY
from spark_jobs import publication, rebuild
from spark_jobs import silver as silver_job
from tests.spark import NOON, empty_lake, put_bronze, reading
from tests.spark_jobs.harmed_job import CONTRACT, REACHED, steps
from tests.spark_jobs.spoilt import spoil

DERIVED = ("gold_hourly", "gold_device_daily", "features")
BOUNDARIES = {"silver": silver_job.BOUNDARIES, "rebuild": rebuild.BOUNDARIES} | dict.fromkeys(DERIVED, publication.BOUNDARIES)
_TABLES = ("silver.pump", "gold.pump_hourly", "gold.device_daily", "features.pump")
_DAYS = 4

Prints = dict[str, Fingerprint]


@dataclass
class Harmed:
    """`kills` counts those that happened, by job and boundary."""

    spark: SparkSession
    folder: Path
    seed: int
    kills: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        contracts = load_contracts(REPOSITORY / "contracts")
        self._rng = random.Random(self.seed)
        self._twin = empty_lake(self.spark, self.folder / "twin", contracts)
        self._lake = empty_lake(self.spark, self.folder / "harmed", contracts)
        self._contract: Contract = contracts[CONTRACT]
        self._sent: list[dict[str, Any]] = []
        self._step = 0

    def grow(self, at: Sequence[str], alone: bool = False) -> None:
        """New objects, some of them late, some there already, some in conflict; the pipeline is killed `at` each, then run to its end."""
        self._next()
        rows = self._batch()
        for lake in (self._twin, self._lake):
            put_bronze(lake, CONTRACT, rows[: len(rows) // 2])
            put_bronze(lake, CONTRACT, rows[len(rows) // 2 :])
        self._through(("silver", *DERIVED), at, alone)

    def mend(self, at: Sequence[str], alone: bool = False) -> None:
        """Silver of a day as no run left it; the rebuild is killed `at` each, then run to its end."""
        self._next()
        days = sorted({row["event_time"].date() for row in self._sent})
        day = self._rng.choice(days)
        place = self._rng.random()
        for lake in (self._twin, self._lake):
            spoil(lake, self._contract, day, place)
        self._through(("rebuild", *DERIVED), at, alone, day)

    def _through(self, jobs: Sequence[str], at: Sequence[str], alone: bool, day: date | None = None) -> None:
        before = fingerprints(self._twin.platform, [self._contract])
        for job in jobs:
            steps(day)[job](self._twin, f"step{self._step}")
        after = fingerprints(self._twin.platform, [self._contract])
        for boundary in at:
            self._kill(jobs, boundary, alone, day)
            self._whole(before, after, boundary)
        assert self._run(jobs, day, ()).returncode == 0
        assert fingerprints(self._lake.platform, [self._contract]) == after, f"seed {self.seed}, step {self._step}"
        self._settled()

    def _kill(self, jobs: Sequence[str], boundary: str, alone: bool, day: date | None) -> None:
        marker = self.folder / "harmed" / REACHED
        marker.unlink(missing_ok=True)
        done = self._run(jobs, day, ["--at", boundary, *(["--alone"] if alone else [])])
        assert marker.is_file(), f"seed {self.seed}, step {self._step}: {boundary} was not reached: {done.stderr[-2000:]}"
        assert alone or done.returncode == -9
        self.kills[boundary] = self.kills.get(boundary, 0) + 1

    def _run(self, jobs: Sequence[str], day: date | None, options: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        home, moment = str(self.folder / "harmed"), self._lake.clock.now().isoformat()
        of_day = ["--day", str(day)] if day else []
        command = [
            sys.executable,
            "-m",
            "tests.spark_jobs.harmed_job",
            home,
            moment,
            f"step{self._step}",
            ",".join(jobs),
            *of_day,
            *options,
        ]
        return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=False)

    def _whole(self, before: Prints, after: Prints, boundary: str) -> None:
        """No reader sees a part: each table is as before the step or as after it."""
        where = f"seed {self.seed}, step {self._step}, killed at {boundary}"
        for name, found in fingerprints(self._lake.platform, [self._contract]).items():
            assert found in (before[name], after[name]), f"{where}: {name} is {found}, neither {before[name]} nor {after[name]}"
        for name in _TABLES:
            for as_of in (None, "latest"):
                count = f"SELECT count(*) FROM {name}"
                ((rows,),) = sql(count, as_of=as_of, platform=self._lake.platform, clock=self._lake.clock).rows
                assert rows in (before[name].rows, after[name].rows), f"{where}: {rows} rows of {name} as of {as_of}"

    def _settled(self) -> None:
        for name in _TABLES:
            assert set(open_catalog(self._lake.platform).load_table(name).metadata.refs) <= {"main"}
            assert State.PUBLISHING not in {run.state for run in read_publications(self._lake.platform, name, CONTRACT)}

    def _next(self) -> None:
        self._step += 1
        for lake in (self._twin, self._lake):
            lake.clock = FixedClock(NOON + timedelta(days=_DAYS, hours=self._step))

    def _batch(self) -> list[dict[str, Any]]:
        new = [self._new(number) for number in range(self._rng.randint(4, 12))]
        again = self._rng.sample(self._sent, min(len(self._sent), 2))
        conflict = [row | {"pressure_bar": 9.5} for row in self._rng.sample(self._sent, min(len(self._sent), 1))]
        self._sent += new
        rows = [*new, *again, *conflict]
        self._rng.shuffle(rows)
        return rows

    def _new(self, number: int) -> dict[str, Any]:
        minutes = self._rng.uniform(0, _DAYS * 24 * 60)
        device = f"p{self._rng.randint(1, 3)}"
        value = round(self._rng.uniform(1, 6), 3)
        return reading(self._contract, device, minutes, seq=self._step * 100 + number, pressure_bar=value)


def every_boundary(job: str) -> list[str]:
    """Of one step: all but the last, in their order; each comes about although the ones before it were killed at."""
    return [f"{job}:{name}" for name in BOUNDARIES[job][:-1]]


def last_boundary(job: str) -> str:
    return f"{job}:{BOUNDARIES[job][-1]}"
