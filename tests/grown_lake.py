"""A lake that tests begin from: grown once, and put back as it was before each of them, which takes a hundredth of growing it again.

It lies in one place all the time: tables know where they lie, in files that no text can be replaced in.
"""

import contextlib
import shutil
import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from pyspark.sql import SparkSession

from lake.contracts import Contracts
from runtime.clock import FixedClock
from spark_jobs.session import SparkLake
from tests.spark import copy_tables, folder_platform, lake_in


class GrownLake:
    """`grow` is given the lake and, each time that it has come to a point tests begin from, calls what it is given with a name for it."""

    def __init__(
        self,
        spark: SparkSession,
        empty_home: Path,
        folder: Path,
        contracts: Contracts,
        grow: Callable[[SparkLake, Callable[[str], None]], None],
    ) -> None:
        self._spark, self._kept, self._contracts = spark, folder / "kept", contracts
        self._moments: dict[str, datetime] = {}
        copy_tables(empty_home, folder / "home")
        self._platform = folder_platform(folder / "home")
        lake = self._opened()
        grow(lake, lambda name: self._keep(lake, name))

    @property
    def _home(self) -> Path:
        return self._platform.settings.home

    def at(self, name: str) -> SparkLake:
        """The lake as it was there, its clock too. What became of it since is gone, but for databases that were made since."""
        kept = self._kept / name
        for file in [path for path in self._home.rglob("*") if path.is_file() and ".db" not in path.name]:
            file.unlink()
        shutil.copytree(kept, self._home, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.db"))
        for database in kept.rglob("*.db"):
            _put_back(database, self._home / database.relative_to(kept))
        lake = self._opened()
        lake.clock = FixedClock(self._moments[name])
        return lake

    def _keep(self, lake: SparkLake, name: str) -> None:
        self._moments[name] = lake.clock.now()
        shutil.copytree(self._home, self._kept / name)

    def _opened(self) -> SparkLake:
        return lake_in(self._spark, self._platform, self._contracts)


def _put_back(kept: Path, there: Path) -> None:
    """Not as a file: PyIceberg and Spark hold connections to it."""
    with contextlib.closing(sqlite3.connect(kept)) as then, contextlib.closing(sqlite3.connect(there)) as now:
        then.backup(now)
