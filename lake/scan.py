"""What a query reads of a table: the files that its filter leaves, of how many, and in which partitions."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyiceberg.table import FileScanTask
from pyiceberg.table import Table as IcebergTable

from lake.file_filter import Filter, as_iceberg
from runtime.errors import ServiceError


@dataclass(frozen=True)
class Scan:
    """`partitions` are those that are read, in their order; `wanted` is the filter in words, empty where there is none."""

    table: str
    files: int
    bytes: int
    of_files: int
    of_bytes: int
    partitions: tuple[str, ...] = ()
    wanted: str = ""


def plan_iceberg(name: str, table: IcebergTable, snapshot: int | None, wanted: Filter | None) -> tuple[Scan, list[str]]:
    """The addresses of the data files at a snapshot (None: main's) that may hold a wanted row.

    Raises ServiceError for a table with delete files.
    """
    expression = as_iceberg(wanted, (field.name for field in table.schema().fields))
    tasks = list(table.scan(row_filter=expression, snapshot_id=snapshot).plan_files())
    if any(task.delete_files for task in tasks):
        raise ServiceError(
            f"query: {name} has delete files, which would be read as if nothing was deleted; rewrite the table's files first"
        )
    read = sum(task.file.file_size_in_bytes for task in tasks)
    of_files, of_bytes = (len(tasks), read) if wanted is None else _whole(table, snapshot)
    scan = Scan(name, len(tasks), read, of_files, of_bytes, _partitions(table, tasks), str(wanted or ""))
    return scan, [task.file.file_path for task in tasks]


def _whole(table: IcebergTable, snapshot: int | None) -> tuple[int, int]:
    """Files and bytes of the snapshot, as its writer summed them up; counted where it did not."""
    found = table.current_snapshot() if snapshot is None else table.snapshot_by_id(snapshot)
    summary = found.summary if found is not None else None
    files, size = (summary[key] if summary else None for key in ("total-data-files", "total-files-size"))
    if files is not None and size is not None:
        return int(files), int(size)
    tasks = list(table.scan(snapshot_id=snapshot).plan_files())
    return len(tasks), sum(task.file.file_size_in_bytes for task in tasks)


def _partitions(table: IcebergTable, tasks: Sequence[FileScanTask]) -> tuple[str, ...]:
    found = set()
    for task in tasks:
        spec, schema = table.specs()[task.file.spec_id], table.schema()
        values = zip(spec.fields, spec.partition_type(schema).fields, range(len(spec.fields)), strict=True)
        words = (each.transform.to_human_string(kind.field_type, task.file.partition[place]) for each, kind, place in values)
        found.add("/".join(words))
    return tuple(sorted(found - {""}))
