"""Confinement of SQL that nobody vouches for: it runs where there is nothing but the rows that whoever asks may read.

A view that filters by device is no wall: statistics know the rows that it leaves out (`stats(x)` tells their least and greatest), and
whether a condition of the question, with its errors, runs before the view's own is the optimizer's affair. So the rows are copied, as
far as the question can need them, into a second DuckDB that has no file to read: what must not be seen is not there.
"""

# ruff: noqa: S608 - SQL is made here from declared names and values that are written as literals

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from lake.file_filter import AllOf, AnyOf, Filter, OneOf, Value, every
from runtime.errors import QueryError

DEVICE = "device_id"
# More are asked for by DuckDB alone; PyIceberg looks at no more either.
_MOST_PLANNED = 200


@dataclass(frozen=True)
class Confined:
    """`tables`: all that the statement names, `columns` those that it can need, in small letters, None for all. `devices`: whose rows it
    may see, None for everybody's. `memory` and `threads` as DuckDB takes them."""

    tables: tuple[str, ...]
    columns: frozenset[str] | None
    devices: frozenset[str] | None
    memory: str
    threads: int

    @property
    def settings(self) -> dict[str, str | int | bool]:
        return {
            "memory_limit": self.memory,
            "threads": self.threads,
            # Without a folder nothing is spilled to the disk.
            "temp_directory": "",
            "max_temp_directory_size": "0KiB",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
        }

    def wanted(self, wanted: Mapping[str, Filter]) -> dict[str, Filter]:
        """`wanted`, and of each table the devices' rows."""
        if self.devices is None or len(self.devices) > _MOST_PLANNED:
            return dict(wanted)
        of_devices = OneOf(DEVICE, "string", tuple(sorted(self.devices)))
        return {name: both for name in self.tables if (both := every([wanted.get(name), of_devices])) is not None}


def opened(confined: Confined | None) -> Any:
    """A DuckDB of its own; with the bounds of `confined`."""
    connection = duckdb.connect(":memory:", config=confined.settings if confined else {})
    connection.execute("SET TimeZone = 'UTC'")
    if confined is not None:
        # Nobody is there to watch it.
        connection.execute("SET enable_progress_bar = false")
    return connection


def isolated(source: Any, confined: Confined, wanted: Mapping[str, Filter]) -> Any:
    """A DuckDB of its own with the devices' rows of the views of `source`, which is closed.

    Raises QueryError for a table whose rows are of no device, and DuckDB's errors where they do not fit into the memory.
    """
    connection = opened(confined)
    try:
        with closing(source):
            devices = pa.table({DEVICE: pa.array(sorted(confined.devices or ()), pa.string())})
            source.register("own_devices", devices)
            for schema in sorted({name.partition(".")[0] for name in confined.tables}):
                connection.execute(f"CREATE SCHEMA {schema}")
            for name in confined.tables:
                there = [str(column[0]) for column in source.execute(f"SELECT * FROM {name} LIMIT 0").description]
                _copy(source, connection, name, needed(name, there, confined.columns), wanted.get(name))
    except BaseException:
        connection.close()
        raise
    return connection


def needed(name: str, columns: Sequence[str], wanted: Collection[str] | None) -> list[str]:
    """Those of a table's columns that are `wanted`, and the device. Raises QueryError for a table of no devices."""
    if DEVICE not in columns:
        raise QueryError(f"query: {name}: its rows are of no device")
    return [column for column in columns if wanted is None or column.lower() in wanted or column == DEVICE]


def _copy(source: Any, connection: Any, name: str, columns: Sequence[str], wanted: Filter | None) -> None:
    listed = ", ".join(f'"{column}"' for column in columns)
    condition = f" AND ({as_sql(wanted)})" if wanted is not None else ""
    rows = source.sql(f"SELECT {listed} FROM {name} WHERE {DEVICE} IN (SELECT {DEVICE} FROM own_devices){condition}")
    connection.register("own_rows", rows.to_arrow_reader(50_000))
    connection.execute(f"CREATE TABLE {name} AS FROM own_rows")
    connection.unregister("own_rows")


def as_sql(wanted: Filter, written: Callable[[str, Value], str] | None = None) -> str:
    """The filter as SQL, of columns that have their declared types; a kind's values are `written` as literals, by default as DuckDB's."""
    write = written or _literal
    if isinstance(wanted, AllOf | AnyOf):
        word = " AND " if isinstance(wanted, AllOf) else " OR "
        return word.join(f"({as_sql(part, write)})" for part in wanted.parts)
    if isinstance(wanted, OneOf):
        return f'"{wanted.column}" IN ({", ".join(write(wanted.kind, value) for value in wanted.values)})'
    return f'"{wanted.column}" {wanted.sign} {write(wanted.kind, wanted.value)}'


def _literal(kind: str, value: Value) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    return f"make_timestamptz({value})" if kind == "timestamp" else str(value)
