"""The lake's tables as DuckDB views over exactly the files that hold them."""

# ruff: noqa: S608 - SQL is made here from declared names and planned files; what a user writes never becomes part of it

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa
from pyiceberg.schema import Schema
from pyiceberg.table import Table as IcebergTable
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    StringType,
    TimestampType,
    TimestamptzType,
)

from lake import history
from lake.contracts import Contracts
from lake.file_filter import Filter, Value, may_hold
from lake.layout import UNKNOWN_CONTRACT, bronze_prefix, quarantine_prefix, replayed_prefix
from lake.publications import read_publications
from lake.scan import Scan, plan_iceberg
from lake.schemas import DUCKDB
from lake.tables import (
    LEDGER,
    MAINTENANCE,
    MODEL_RUNS,
    PUBLICATIONS,
    QUALITY_FAILURES,
    QUALITY_RUNS,
    Column,
    Table,
    lake_tables,
    quarantine,
    replayed,
)
from runtime.errors import QueryError, ServiceError
from runtime.platforms import Platform

RUNS = "ops.runs"
_PREFIXES = {"bronze": bronze_prefix, "quarantine": quarantine_prefix, "replayed": replayed_prefix}
WRITTEN_AT = {
    LEDGER.name: "planned_at",
    PUBLICATIONS.name: "recorded_at",
    QUALITY_RUNS.name: "recorded_at",
    QUALITY_FAILURES.name: "recorded_at",
    MODEL_RUNS.name: "recorded_at",
    MAINTENANCE.name: "recorded_at",
}
_DUCKDB_OF_ICEBERG = {
    StringType: "VARCHAR",
    LongType: "BIGINT",
    IntegerType: "INTEGER",
    DoubleType: "DOUBLE",
    FloatType: "FLOAT",
    BooleanType: "BOOLEAN",
    BinaryType: "BLOB",
    DateType: "DATE",
    TimestampType: "TIMESTAMP",
    TimestamptzType: "TIMESTAMPTZ",
}
_RUNS_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("run_id", "table_name", "contract", "state")),
        *((name, pa.int64()) for name in ("snapshot_id", "base_snapshot")),
        ("inputs", pa.list_(pa.string())),
        *((name, pa.string()) for name in ("related_run", "why", "who")),
        *((name, pa.timestamp("us", tz="UTC")) for name in ("recorded_at", "known_at")),
    ]
)


class QueryTables:
    """The declared tables of a lake, each made a view on demand."""

    def __init__(self, platform: Platform, contracts: Contracts) -> None:
        declared = (*lake_tables(contracts.values()), quarantine(UNKNOWN_CONTRACT), replayed(UNKNOWN_CONTRACT))
        self._platform = platform
        self._tables = {table.name: table for table in declared}
        self._wanted: Mapping[str, Filter] = {}
        self.scans: list[Scan] = []
        """What the views read, one for each table behind them."""

    @property
    def names(self) -> list[str]:
        return sorted([*self._tables, RUNS])

    def named_in(self, text: str) -> list[str]:
        """Tables whose names occur in `text`; one too many does no harm, it is only looked up for nothing."""
        plain = text.lower().replace('"', "")
        found = {f"{schema}.{table}" for schema, table in re.findall(r"\b(\w+)\s*\.\s*(\w+)", plain)}
        return [name for name in self.names if name in found]

    def time_bound(self, names: Iterable[str]) -> set[str]:
        """The tables that runs publish to, whose publications under way bound `as_of`."""
        return {name for name in names if name in self._tables and self._tables[name].format == "iceberg" and name not in WRITTEN_AT}

    def declared(self, name: str) -> Table:
        return self._tables[name]

    def columns(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        """Columns of those `names` that files are read for, with their kinds, and the words of a Parquet table's keys."""
        asked = [self._tables[name] for name in names if name in self._tables]
        return {table.name: {column.name: column.type for column in table.columns} | key_words(table) for table in asked}

    def make(self, connection: Any, names: Collection[str], at: datetime | None, wanted: Mapping[str, Filter] | None = None) -> list[str]:
        """Make the views `names` as known at `at` (None: now); the files that they read.

        Of a table that `wanted` has a filter for, files that can have no such row are left out.
        """
        self._wanted = wanted or {}
        files: list[str] = []
        for schema in sorted({name.split(".")[0] for name in self.names}):
            connection.execute(f"CREATE SCHEMA {schema}")
        for name in names:
            files += self._make(connection, name, at)
        return files

    def _make(self, connection: Any, name: str, at: datetime | None) -> list[str]:
        if name == RUNS:
            return self._make_runs(connection, at)
        table = self._tables[name]
        if table.format == "parquet":
            if at is not None:
                raise QueryError(f"{name} as of {at.isoformat()}: arrivals have no time of knowledge; ask for {name} without as_of")
            objects = self._wanted_objects(table)
            select, files = select_objects(table, objects), list(objects.values())
        elif at is None:
            select, files = self._planned(table, history.load(self._platform, name))
        else:
            select, files = self._known(connection, table, at)
        connection.execute(f"CREATE VIEW {name} AS {select}")
        return files

    def _known(self, connection: Any, table: Table, at: datetime) -> tuple[str, list[str]]:
        if table.namespace == "silver":
            return self._known_silver(connection, table, at)
        iceberg = history.load(self._platform, table.name)
        if table.name in WRITTEN_AT:
            select, files = self._planned(table, iceberg)
            return f"SELECT * FROM ({select}) WHERE {WRITTEN_AT[table.name]} <= '{at.isoformat()}'::TIMESTAMPTZ", files
        snapshot = history.snapshot_at(self._platform, iceberg, table.name, at) if iceberg else None
        return self._planned(table, iceberg, snapshot) if snapshot else (_empty(_declared(table.columns)), [])

    def _known_silver(self, connection: Any, table: Table, at: datetime) -> tuple[str, list[str]]:
        """Silver as of `at`; of a superseded table the rows whose rebuild was visible by then."""
        contract = table.name.removeprefix("silver.").removesuffix("_superseded")
        knowledge = history.silver_at(self._platform, contract, at)
        known, later = f"known_{contract}", f"later_{contract}"
        for name, runs in ((known, knowledge.known), (later, knowledge.later)):
            connection.execute(f"CREATE OR REPLACE TABLE main.{name} AS SELECT unnest(?::VARCHAR[]) AS run_id", [sorted(runs)])
        superseded = self._tables[f"silver.{contract}_superseded"]
        replaced, replaced_files = self._planned(superseded, knowledge.superseded, like=table)
        if table is superseded:
            return f"SELECT * FROM ({replaced}) WHERE superseded_by IN (FROM main.{known})", replaced_files
        rows, files = self._planned(table, knowledge.silver)
        present = f"SELECT * FROM ({rows}) WHERE run_id IN (FROM main.{known})"
        past = f"SELECT * EXCLUDE (superseded_by) FROM ({replaced}) WHERE run_id IN (FROM main.{known}) AND superseded_by IN (FROM main.{later})"
        return f"{present} UNION ALL BY NAME {past}", [*files, *replaced_files]

    def _planned(
        self, table: Table, iceberg: IcebergTable | None, snapshot: int | None = None, *, like: Table | None = None
    ) -> tuple[str, list[str]]:
        """A SELECT over the files of an Iceberg table at a snapshot (None: main's) that are wanted of it, or of the table it is `like`."""
        if iceberg is None:
            return _empty(_declared(table.columns)), []
        scan, addresses = plan_iceberg(table.name, iceberg, snapshot, self._wanted.get((like or table).name))
        self.scans.append(scan)
        files = [local_path(address) for address in addresses]
        if not files:
            return _empty([(field.name, _DUCKDB_OF_ICEBERG[type(field.field_type)]) for field in iceberg.schema().fields]), []
        return f"SELECT * FROM read_parquet({_list(files)}, schema = {_by_field_id(iceberg.schema())})", files

    def _wanted_objects(self, table: Table) -> dict[str, str]:
        every, wanted = object_files(self._platform, table), self._wanted.get(table.name)
        kept = {key: file for key, file in every.items() if may_hold(wanted, _words_of(key))}
        sizes = {key: Path(file).stat().st_size for key, file in every.items()}
        partitions = sorted({key.partition("/ingest_date=")[2][:10] for key in kept})
        read = sum(sizes[key] for key in kept)
        self.scans.append(Scan(table.name, len(kept), read, len(every), sum(sizes.values()), tuple(partitions), str(wanted or "")))
        return kept

    def _make_runs(self, connection: Any, at: datetime | None) -> list[str]:
        runs = read_publications(self._platform)
        if at is not None:
            raise QueryError(f"{RUNS} as of {at.isoformat()}: this is the present state of runs; ask ops.publications instead")
        rows = [{**vars(run), "state": run.state.value, "inputs": list(run.inputs)} for run in runs]
        connection.register("present_runs", pa.Table.from_pylist(rows, schema=_RUNS_SCHEMA))
        connection.execute(f"CREATE TABLE {RUNS} AS FROM present_runs")
        connection.unregister("present_runs")
        return []


def object_files(platform: Platform, table: Table) -> dict[str, str]:
    """The objects of a Parquet table that lie there now, by key, and the files they are. Iceberg knows nothing of them."""
    prefix = _PREFIXES[table.namespace](table.name.partition(".")[2])
    folder = Path(local_path(platform.object_uri(prefix)))
    return {prefix + file.relative_to(folder).as_posix(): str(file) for file in sorted(folder.rglob("*.parquet"))}


def key_words(table: Table) -> dict[str, str]:
    """The columns that a Parquet table's keys tell, with their kinds."""
    if table.format != "parquet":
        return {}
    return {"ingest_date": "date"} | ({"ingest_hour": "int64"} if table.namespace == "bronze" else {})


def _words_of(key: str) -> dict[str, Value]:
    """What a key tells of all rows of its object."""
    day, hour = re.search(r"ingest_date=(\d{4}-\d{2}-\d{2})", key), re.search(r"ingest_hour=(\d{2})", key)
    words: dict[str, Value] = {"ingest_date": date.fromisoformat(day[1])} if day else {}
    return words | ({"ingest_hour": int(hour[1])} if hour else {})


def select_objects(table: Table, objects: Mapping[str, str]) -> str:
    """A SELECT over such objects, with the words of their keys beside the columns of the table."""
    is_bronze = table.namespace == "bronze"
    words = {"object": ("VARCHAR", "object"), "ingest_date": ("DATE", "regexp_extract(object, 'ingest_date=([0-9-]+)', 1)::DATE")}
    if is_bronze:
        words["ingest_hour"] = ("BIGINT", "regexp_extract(object, 'ingest_hour=([0-9]+)', 1)::BIGINT")
    empty = _empty([*_declared(table.columns), *((name, kind) for name, (kind, _) in words.items())])
    if not objects:
        return empty
    # The reason is a word of a quarantine key and a column of the file; the file's own is taken.
    read = f"read_parquet({_list(list(objects.values()))}, union_by_name = true, hive_partitioning = false, filename = '_file')"
    key, file = next(iter(objects.items()))
    above = len(file) - len(key)
    made = ", ".join(f"{value} AS {name}" for name, (_, value) in words.items() if name != "object")
    return f"{empty} UNION ALL BY NAME SELECT *, {made} FROM (SELECT * EXCLUDE (_file), substr(_file, {above + 1}) AS object FROM {read})"


def local_path(uri: str) -> str:
    """The file behind a ``file:`` address. Raises ServiceError for another kind."""
    if not uri.startswith(("file:", "/")):
        raise ServiceError(f"query: {uri} is not on this machine; on AWS ask Athena")
    return uri if uri.startswith("/") else unquote(urlsplit(uri).path)


def _by_field_id(schema: Schema) -> str:
    """Columns by Iceberg's field ids, so that a file from before a column was added or renamed reads rightly."""
    fields = (
        f"{field.field_id}: {{name: '{field.name}', type: '{_DUCKDB_OF_ICEBERG[type(field.field_type)]}', default_value: NULL}}"
        for field in schema.fields
    )
    return f"MAP {{{', '.join(fields)}}}"


def _declared(columns: Iterable[Column]) -> list[tuple[str, str]]:
    return [(column.name, DUCKDB[column.type]) for column in columns]


def _empty(columns: Iterable[tuple[str, str]]) -> str:
    typed = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in columns)
    return f"SELECT {typed} WHERE false"


def _list(files: Sequence[str]) -> str:
    return "[" + ", ".join("'" + file.replace("'", "''") + "'" for file in files) + "]"
