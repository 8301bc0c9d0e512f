"""The data files of a table's snapshot, and the multiset hash of the rows in some of them."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame

from lake.fingerprint import Fingerprint, combined, sum_of
from lake.layout import table_identifier
from lake.tables import Table
from runtime.platforms import Platform
from spark_jobs.branch import load
from spark_jobs.session import SparkLake

_SUMS = "rows bigint, total string"


@dataclass(frozen=True)
class DataFile:
    """`partition`: the number that Iceberg's transform gives (days or months since 1970); None where there is none."""

    path: str
    partition: int | None
    rows: int
    bytes: int


def data_files(platform: Platform, table: Table, snapshot_id: int | None) -> dict[str, DataFile]:
    """The live data files of a snapshot (None: of a table that has none), by path. No table of the lake has delete files."""
    if snapshot_id is None:
        return {}
    found = {}
    for task in load(platform, table).scan(snapshot_id=snapshot_id).plan_files():
        file = task.file
        values = [file.partition[place] for place in range(len(file.partition))]
        found[file.file_path] = DataFile(file.file_path, _number(values[0]) if values else None, file.record_count, file.file_size_in_bytes)
    return found


def _number(value: Any) -> int:
    return int(value)


def sizes(files: Mapping[str, DataFile]) -> tuple[int, int, int]:
    """Rows, files, bytes."""
    return sum(file.rows for file in files.values()), len(files), sum(file.bytes for file in files.values())


def multiset(lake: SparkLake, table: Table, paths: Collection[str], gone: Column | None = None) -> Fingerprint:
    """The fingerprint of all columns of the rows in `paths`, without those that satisfy `gone`.

    Whole files are read, and by name: a column that the table has got since is null in the older ones.
    """
    schema = lake.spark.table(table_identifier(table.name)).schema
    declared = {column.name: column.type for column in table.columns}
    columns = [(name, declared.get(name, "")) for name in sorted(schema.fieldNames())]
    if not paths:
        return combined(columns, [])
    frame = lake.spark.read.schema(schema).parquet(*sorted(paths))
    return combined(columns, sums(frame if gone is None else frame.where(~gone), [name for name, _ in columns]))


def sums(frame: DataFrame, names: list[str]) -> Iterable[tuple[int, int]]:
    def summed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows, total = sum_of(batches, names)
        yield pa.RecordBatch.from_pydict({"rows": [rows], "total": [f"{total:x}"]})

    return [(row["rows"], int(row["total"], 16)) for row in frame.mapInArrow(summed, _SUMS).collect()]
