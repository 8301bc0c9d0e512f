"""The Iceberg catalog ``lake`` for readers and small writers outside Spark."""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.exceptions import CommitFailedException, NamespaceAlreadyExistsError, NoSuchTableError, TableAlreadyExistsError
from pyiceberg.io import InputFile
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.serializers import FromInputFile
from pyiceberg.table import CommitTableResponse, Transaction
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.transforms import DayTransform, MonthTransform, Transform
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DoubleType,
    IcebergType,
    IntegerType,
    LongType,
    NestedField,
    StringType,
    TimestamptzType,
)

from lake.layout import CATALOG
from lake.schemas import arrow_schema
from lake.tables import Table
from runtime.disk import says_full, told_full
from runtime.errors import RetryLater, SetupError
from runtime.platforms import Platform

_ICEBERG: dict[str, IcebergType] = {
    "string": StringType(),
    "int64": LongType(),
    "int32": IntegerType(),
    "float64": DoubleType(),
    "bool": BooleanType(),
    "binary": BinaryType(),
    "date": DateType(),
    "timestamp": TimestamptzType(),
}
_COMMIT_TRIES = 20


def open_catalog(platform: Platform) -> Catalog:
    """Makes the catalog where there is none yet. Raises SetupError where a laptop's full disk has no room for it."""
    try:
        return _load(tuple(sorted(platform.catalog_properties().items())))
    except Exception as error:
        # Of whichever class the database's driver raises.
        if says_full(error):
            raise SetupError(f"catalog of the lake in {told_full(platform.settings.home)}") from None
        raise


@functools.cache
def _load(properties: tuple[tuple[str, str], ...]) -> Catalog:
    FromInputFile.table_metadata = staticmethod(_read_metadata)  # type: ignore[method-assign] # by it every catalog of PyIceberg reads
    catalog = load_catalog(CATALOG, **dict(properties))
    plain_commit = catalog.commit_table

    def commit_table(table: IcebergTable, requirements: tuple[Any, ...], updates: tuple[Any, ...]) -> CommitTableResponse:
        try:
            return plain_commit(table, requirements, updates)
        except ValueError as error:
            # Where another branch of the table got a snapshot first, PyIceberg finds every requirement met and then the number of ours
            # taken: it is overtaken as any other, and its own next try takes the next number.
            if "older than last sequence number" in str(error):
                raise CommitFailedException(f"commit to {'.'.join(table.name())}: {error}") from error
            raise

    catalog.commit_table = commit_table  # type: ignore[method-assign] # whichever catalog it is, Glue or SQL
    return catalog


@dataclass(frozen=True)
class _MetadataFile:
    location: str
    file: InputFile = field(compare=False)


_plain_read = FromInputFile.table_metadata


@functools.lru_cache(maxsize=64)
def _metadata_in(found: _MetadataFile) -> TableMetadata:
    """A file of metadata never changes. A job loads the same few tables hundreds of times, on AWS each time by a GET."""
    return _plain_read(found.file)


def _read_metadata(file: InputFile, encoding: str = "utf-8") -> TableMetadata:
    return _metadata_in(_MetadataFile(file.location, file))


def ensure_tables(platform: Platform, tables: Iterable[Table]) -> None:
    """Create those of `tables` that do not exist yet; running twice is running once."""
    catalog = open_catalog(platform)
    for table in tables:
        ensure_table(catalog, table)


def ensure_table(catalog: Catalog, table: Table) -> IcebergTable:
    try:
        return catalog.load_table(table.name)
    except NoSuchTableError:
        pass
    _ensure_namespace(catalog, table.namespace)
    try:
        schema = iceberg_schema(table)
        return catalog.create_table(table.name, schema, partition_spec=_partition_spec(table, schema), properties=dict(table.properties))
    except TableAlreadyExistsError:
        return catalog.load_table(table.name)


def _ensure_namespace(catalog: Catalog, namespace: str) -> None:
    try:
        catalog.create_namespace(namespace)
    except NamespaceAlreadyExistsError:
        pass
    except Exception:
        # Where another makes it at the same moment, the SQL catalog raises what its database does.
        if not catalog.namespace_exists(namespace):
            raise


def append_rows(platform: Platform, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Append `rows` to an append-only table, up to 20 times where other writers commit at the same moment.

    Raises RetryLater when all tries met another commit.
    """
    frame = pa.Table.from_pylist([dict(row) for row in rows], schema=arrow_schema(table))
    catalog = open_catalog(platform)
    iceberg = ensure_table(catalog, table)
    for _ in range(_COMMIT_TRIES):
        try:
            iceberg = _with_all_columns(catalog, iceberg, table)
            with QuickTransaction(iceberg) as transaction:
                transaction.append(frame.cast(iceberg.schema().as_arrow()))
            return
        except CommitFailedException:
            iceberg = catalog.load_table(table.name)
    raise RetryLater(f"append to {table.name}: other writers committed first {_COMMIT_TRIES} times; run it again")


def _with_all_columns(catalog: Catalog, iceberg: IcebergTable, table: Table) -> IcebergTable:
    """An ops table that an earlier fleetlake made gets the columns that it lacks; a contract's tables evolve with their contract."""
    there = set(iceberg.schema().column_names)
    missing = [column for column in table.columns if column.name not in there]
    if not missing or table.namespace != "ops":
        return iceberg
    with iceberg.update_schema() as update:
        for column in missing:
            update.add_column(column.name, _ICEBERG[column.type])
    return catalog.load_table(table.name)


class QuickTransaction(Transaction):
    """PyIceberg's own copies all of the table's metadata whenever a step asks for it, 19 times an append; and each snapshot adds to it."""

    _seen: tuple[Any, Any, TableMetadata] | None = None

    @property
    def table_metadata(self) -> TableMetadata:
        if not self._updates:
            return self._table.metadata
        # Of the table as it was loaded last: where another commit came first, it is loaded again.
        if self._seen is None or self._seen[0] is not self._updates or self._seen[1] is not self._table.metadata:
            self._seen = self._updates, self._table.metadata, super().table_metadata
        return self._seen[2]


def iceberg_schema(table: Table) -> Schema:
    fields = [NestedField(i, c.name, _ICEBERG[c.type], required=c.required) for i, c in enumerate(table.columns, 1)]
    return Schema(*fields)


def _partition_spec(table: Table, schema: Schema) -> PartitionSpec:
    if not table.partition:
        return PartitionSpec()
    transform_name, column = table.partition.rstrip(")").split("(")
    transform: Transform[Any, Any] = {"day": DayTransform(), "month": MonthTransform()}[transform_name]
    source = schema.find_field(column).field_id
    return PartitionSpec(PartitionField(source, 1000, transform, f"{column}_{transform_name}"))
