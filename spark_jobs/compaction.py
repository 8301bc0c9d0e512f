"""Small files into files of 128 to 512 MB, sorted by device and time, in the partitions that need it and in no others.

Runs leave a file a partition each time they publish; a reader opens all of them, and each device is in every one. A partition
is rewritten whole, on a branch, and published by compare-and-swap: whatever was appended meanwhile moves main, and the
partition is read and written again. Readers and derived tables see the same rows, so nothing of it is new data for anybody.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lake.maintenance import Action
from lake.tables import Table
from spark_jobs.branch import Branch, load
from spark_jobs.maintained import Change, apply, heal_all
from spark_jobs.publication import Outcome
from spark_jobs.rewrite import days, months
from spark_jobs.session import SparkLake
from spark_jobs.table_files import DataFile, data_files

SMALL = 128 << 20
TARGET = 384 << 20
# As many more files than it would have afterwards make a partition worth its rewriting.
SUPERFLUOUS = 4
# So much at a time: what another run makes us begin again is never more.
_BATCH = 8 << 30
_EPOCH = date(1970, 1, 1)

Rewrite = Callable[[DataFrame], DataFrame]


@dataclass(frozen=True)
class Part:
    """A partition to rewrite: its number since 1970 (None: the whole table), and its files."""

    number: int | None
    files: tuple[DataFile, ...]

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)

    @property
    def wanted(self) -> int:
        """Files that it should have."""
        return max(1, math.ceil(self.bytes / TARGET))


def needed(files: Mapping[str, DataFile], superfluous: int = SUPERFLUOUS) -> list[Part]:
    """The partitions that have enough small files to be worth it, oldest first."""
    return [part for part in parts_of(files) if _is_worth_it(part, superfluous)]


def parts_of(files: Mapping[str, DataFile]) -> list[Part]:
    grouped: dict[int | None, list[DataFile]] = {}
    for file in files.values():
        grouped.setdefault(file.partition, []).append(file)
    return [Part(number, tuple(members)) for number, members in sorted(grouped.items(), key=lambda pair: pair[0] or 0)]


def _is_worth_it(part: Part, superfluous: int) -> bool:
    small = sum(file.bytes < SMALL for file in part.files)
    return small > 1 and len(part.files) - part.wanted >= superfluous


def batches(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """Partitions to rewrite in one commit. One that becomes several files comes alone: its rows are split by their order."""
    batch: list[Part] = []
    for part in parts:
        if part.wanted > 1:
            yield [part]
        elif batch and sum(member.bytes for member in batch) + part.bytes > _BATCH:
            yield batch
            batch = [part]
        else:
            batch.append(part)
    if batch:
        yield batch


def plan(lake: SparkLake, table: Table, superfluous: int = SUPERFLUOUS) -> list[Part]:
    current = load(lake.platform, table).current_snapshot()
    return needed(data_files(lake.platform, table, current.snapshot_id if current else None), superfluous)


def compact(lake: SparkLake, table: Table, run: str, superfluous: int = SUPERFLUOUS, rewrite: Rewrite = lambda rows: rows) -> list[Outcome]:
    """Rewrite what needs it; what was published. `rewrite` is applied to the rows on their way.

    Raises ProofFailed where the rows would not be the same afterwards, PublishLost where other runs came first each time.
    """
    heal_all(lake, table)
    return [rewrite_parts(lake, table, run, batch, rewrite) for batch in batches(plan(lake, table, superfluous))]


def rewrite_parts(lake: SparkLake, table: Table, run: str, batch: list[Part], rewrite: Rewrite = lambda rows: rows) -> Outcome:
    lake.open()

    def write(branch: Branch) -> bool:
        lake.boundary("planned")
        condition = of_partitions(table, [part.number for part in batch])
        rows = rewrite(lake.at_snapshot(table, branch.base_snapshot).where(condition))
        options = {"distribution-mode": "none", "use-table-distribution-and-ordering": "false", "fanout-enabled": "true"}
        in_files(table, rows, batch).writeTo(branch.identifier).options(**options, **{"target-file-size-bytes": str(TARGET)}).overwrite(
            condition
        )
        return True

    return apply(lake, Change(table, Action.COMPACT, run, write, is_rewrite=True))


def in_files(table: Table, rows: DataFrame, batch: list[Part]) -> DataFrame:
    """Rows in the order and the number of tasks that give the files wanted: one a partition, or several ranges of one."""
    order = order_of(table)
    (wanted, *others) = [part.wanted for part in batch]
    if wanted > 1 and not others:
        return rows.repartitionByRange(wanted, *order).sortWithinPartitions(*order)
    if not table.partition:
        return rows.coalesce(1).sortWithinPartitions(*order)
    unit, column = table.partition.rstrip(")").split("(")
    part = F.date_trunc(unit, F.col(column))
    return rows.repartition(len(batch), part).sortWithinPartitions(part, *order)


def order_of(table: Table) -> tuple[str, ...]:
    """Tables of operation in the order in which they were written, all others by device and time."""
    if table.namespace == "ops":
        return tuple(name for name in ("planned_at", "recorded_at") if name in table.column_names)
    return table.sort or table.key


def of_partitions(table: Table, numbers: Iterable[int | None]) -> Column:
    """A condition that takes just these partitions, whole."""
    if not table.partition:
        return F.lit(True)
    unit, column = table.partition.rstrip(")").split("(")
    wanted = [number for number in numbers if number is not None]
    if unit == "day":
        return days(column, [_EPOCH + timedelta(days=number) for number in wanted])
    return months(column, [date(1970 + number // 12, number % 12 + 1, 1) for number in wanted])
