"""SQL over the lake: `sql("select … from silver.turbofan")` gives rows, Arrow or pandas; read-only.

On a laptop DuckDB reads the files that PyIceberg plans, and the Parquet objects of bronze and quarantine where they lie. Tables
are named as in docs/tables.md; beside them is `ops.runs`, each run on each table in its present state with its `known_at`.
With `as_of` the answer is what was known then (lake/history.py says how); bronze and quarantine have no such time.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from lake import history
from lake.contracts import sound_contracts
from lake.interruptible import interruptibly
from lake.query_tables import QueryTables
from runtime.clock import Clock
from runtime.errors import QueryError
from runtime.platforms import Platform, current_platform

_CATALOG_WORDS = re.compile(r"\b(show|information_schema|duckdb_\w+|sqlite_master)\b", re.IGNORECASE)
# DuckDB's own answer has only the schema that is in use, which holds nothing of the lake.
_SHOW_TABLES = re.compile(r"\s*show\s+tables\s*;?\s*", re.IGNORECASE)
_LISTED = "SELECT schema || '.' || name AS name FROM (SHOW ALL TABLES) ORDER BY 1"
_EXPLAIN = re.compile(r"\s*explain\s+(analyze\s+)?", re.IGNORECASE)
# DuckDB reads the word alone as the beginning of AT (VERSION => …).
_BARE_AT = re.compile(r"(?<![.\"\w])at(?![\"\w])", re.IGNORECASE)
_READING = (duckdb.StatementType.SELECT, duckdb.StatementType.MULTI)


@dataclass(frozen=True)
class Result:
    """The answer; no two of its columns have one name. `as_of` is the moment it stands for, None for the present."""

    table: pa.Table
    as_of: datetime | None = None

    @property
    def columns(self) -> list[str]:
        return list(self.table.column_names)

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        columns = [column.to_pylist() for column in self.table.columns]
        return list(zip(*columns, strict=True)) if columns else []

    def arrow(self) -> pa.Table:
        return self.table

    def pandas(self) -> pd.DataFrame:
        return self.table.to_pandas()


def sql(
    text: str,
    *,
    as_of: datetime | str | None = None,
    platform: Platform | None = None,
    parameters: Sequence[Any] = (),
    clock: Clock | None = None,
) -> Result:
    """The answer to one SELECT. `parameters` fill its question marks.

    `as_of` is an aware datetime, an ISO 8601 text with a zone, or "latest". Raises QueryError for SQL that is wrong or would
    write, for a table that there is not, and for a time that cannot be answered.
    """
    chosen = platform or current_platform()
    text = _LISTED if _SHOW_TABLES.fullmatch(text) else text
    connection = duckdb.connect(":memory:")
    try:
        connection.execute("SET TimeZone = 'UTC'")
        _only_reading(connection, text)
        tables = QueryTables(chosen, sound_contracts(chosen.settings.contracts_folder))
        names = tables.names if _CATALOG_WORDS.search(text) else tables.named_in(text)
        at = None if as_of is None else history.resolve(chosen, as_of, tables.time_bound(names), clock)
        files = interruptibly(connection, lambda: tables.make(connection, names, at))
        _lock(connection, files)
        return Result(_answer(connection, tables, text, parameters), at)
    finally:
        connection.close()


def _answer(connection: Any, tables: QueryTables, text: str, parameters: Sequence[Any]) -> pa.Table:
    try:
        answer = interruptibly(connection, lambda: connection.sql(text, params=list(parameters)).to_arrow_table())
        return answer.rename_columns(_distinct(answer.column_names))
    except duckdb.CatalogException as error:
        raise QueryError(f"query: {_sentence(error)}; the tables are {', '.join(tables.names)}") from None
    except duckdb.PermissionException as error:
        raise QueryError(f"query: {_sentence(error)}; a query reads the tables of the lake and nothing else") from None
    except duckdb.Error as error:
        raise QueryError(f"query: {_sentence(error)}") from None


def _distinct(names: Sequence[str]) -> list[str]:
    """As DuckDB names the columns of a subquery: of three called a the others become a_1 and a_2. Case makes no difference."""
    taken: dict[str, str] = {}
    for name in names:
        free = next(new for number in count() if (new := f"{name}_{number}" if number else name).lower() not in taken)
        taken[free.lower()] = free
    return list(taken.values())


def _only_reading(connection: Any, text: str) -> None:
    try:
        statements = connection.extract_statements(_EXPLAIN.sub("", text, count=1) if _EXPLAIN.match(text) else text)
    except duckdb.Error as error:
        hint = '; a column called at must be written "at", or t.at behind a table\'s name' if _BARE_AT.search(text) else ""
        raise QueryError(f"query: {_sentence(error)}{hint}") from None
    if len(statements) != 1:
        raise QueryError(
            f"query: these are {len(statements)} statements; ask one at a time" if statements else "query: there is no statement"
        )
    if statements[0].type not in _READING:
        raise QueryError(f"query: {statements[0].type.name} would change something; only SELECT is answered here")


def _lock(connection: Any, files: Sequence[str]) -> None:
    """From here on the connection reads `files` and nothing else, and cannot be told otherwise."""
    listed = ", ".join(_quoted(file) for file in files)
    connection.execute(f"SET allowed_paths = [{listed}]")
    connection.execute("SET enable_external_access = false")
    # Otherwise a name in the query may be a variable of this very module.
    connection.execute("SET python_enable_replacements = false")
    connection.execute("SET lock_configuration = true")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _sentence(error: Exception) -> str:
    """DuckDB's message on one line, without the drawing of the place below it."""
    message = str(error).split("\nLINE ")[0].strip()
    return " ".join(message.split()).rstrip(".")
