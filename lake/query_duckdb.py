"""One query on DuckDB: read-only, over the files of the tables that it names and nothing else."""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from lake import history
from lake.confined import Confined, isolated, opened
from lake.contracts import sound_contracts
from lake.explanation import Explanation
from lake.file_filter import Filter
from lake.interruptible import interruptibly
from lake.pruning import filters
from lake.query_tables import QueryTables
from runtime.clock import Clock
from runtime.errors import FleetlakeError, QueryError, QueryTooLarge, ServiceError
from runtime.platforms import Platform

Answer = TypeVar("Answer")

_CATALOG_WORDS = re.compile(r"\b(show|information_schema|duckdb_\w+|sqlite_master)\b", re.IGNORECASE)
# DuckDB's own answer has only the schema that is in use, which holds nothing of the lake.
_SHOW_TABLES = re.compile(r"\s*show\s+tables\s*;?\s*", re.IGNORECASE)
_LISTED = "SELECT schema || '.' || name AS name FROM (SHOW ALL TABLES) ORDER BY 1"
_EXPLAIN = re.compile(r"\s*explain\s+(analyze\s+)?", re.IGNORECASE)
# DuckDB reads the word alone as the beginning of AT (VERSION => …).
_BARE_AT = re.compile(r"(?<![.\"\w])at(?![\"\w])", re.IGNORECASE)
# Also what a reader of Arrow's has kept of it.
_OUT_OF_MEMORY = re.compile(r"out of memory|failed to allocate|bad_alloc|cannot allocate memory", re.IGNORECASE)
_READING = (duckdb.StatementType.SELECT, duckdb.StatementType.MULTI)


class DuckAnswers:
    """A connection that is ready to answer `text`; close it. Raises QueryError as `lake.query.sql` says."""

    def __init__(
        self,
        platform: Platform,
        text: str,
        as_of: datetime | str | None,
        parameters: Sequence[Any],
        clock: Clock | None,
        confined: Confined | None = None,
    ) -> None:
        self._text = _LISTED if _SHOW_TABLES.fullmatch(text) and confined is None else text
        self._parameters = list(parameters)
        self._confined = confined
        self._connection = opened(confined)
        self._files: list[str] = []
        try:
            _only_reading(self._connection, self._text)
            self._tables = QueryTables(platform, sound_contracts(platform.settings.contracts_folder))
            self.as_of = self._prepare(platform, as_of, clock)
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        self._connection.close()

    def whole(self) -> pa.Table:
        return self._asked(lambda: self._relation().to_arrow_table())

    def batches(self, rows: int) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """The schema, and the answer in batches of at most `rows`, computed as they are taken."""
        reader = self._asked(lambda: self._relation().to_arrow_reader(rows))
        return reader.schema, self._taken(reader)

    def explain(self) -> Explanation:
        asked = self._text if _EXPLAIN.match(self._text) else f"EXPLAIN {self._text}"
        plan = self._asked(lambda: self._connection.execute(asked, self._parameters).fetchall())
        return Explanation(tuple(self._tables.scans), "\n".join(str(row[-1]) for row in plan), self.as_of)

    def _prepare(self, platform: Platform, as_of: datetime | str | None, clock: Clock | None) -> datetime | None:
        """Make the views that the query needs, over no more files than it needs, and close the connection to all else."""
        tables, text = self._tables, self._text
        names = self._names()
        at = None if as_of is None else history.resolve(platform, as_of, tables.time_bound(names), clock)
        wanted = filters(self._connection, text, tables.columns(names), self._parameters)
        wanted = self._confined.wanted(wanted) if self._confined else wanted
        try:
            self._files = interruptibly(self._connection, lambda: tables.make(self._connection, names, at, wanted))
        except (duckdb.IOException, duckdb.InvalidInputException) as error:
            # Views look into their files when they are made. No word of the question is in these.
            named = re.search(r"['\"]([^'\"]+\.parquet)['\"/]", str(error))
            if named is None:
                raise
            raise self._wrong_file(named.group(1)) from None
        if self._confined is not None and self._confined.devices is not None:
            self._isolate(self._confined, wanted)
        lock(self._connection, self._files)
        return at

    def _names(self) -> Sequence[str]:
        if self._confined is not None:
            return self._confined.tables
        return self._tables.names if _CATALOG_WORDS.search(self._text) else self._tables.named_in(self._text)

    def _isolate(self, confined: Confined, wanted: Mapping[str, Filter]) -> None:
        """Go on in a DuckDB that has the devices' rows alone, and no files."""
        self._connection = self._asked(lambda: isolated(self._connection, confined, wanted))
        self._files = []

    def _relation(self) -> Any:
        return self._connection.sql(self._text, params=self._parameters)

    def _taken(self, reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        while (batch := self._asked(lambda: next(reader, None))) is not None:
            yield batch

    def _asked(self, work: Callable[[], Answer]) -> Answer:
        try:
            return interruptibly(self._connection, work)
        except duckdb.CatalogException as error:
            raise QueryError(f"query: {_unknown(error, self._tables.names)}; the tables are {', '.join(self._tables.names)}") from None
        # Of an error on the way Arrow's reader keeps the words and not the class.
        except (duckdb.Error, pa.ArrowException, OSError, MemoryError) as error:
            raise self._told(error) from None

    def _told(self, error: Exception) -> FleetlakeError:
        # The longest first: one path may begin with another.
        file = next((file for file in sorted(self._files, key=len, reverse=True) if file in str(error)), None)
        if file is not None:
            return self._wrong_file(file)
        if self._confined is not None and (isinstance(error, MemoryError) or _OUT_OF_MEMORY.search(str(error))):
            return QueryTooLarge(f"query: it needs more than the {self._confined.memory} of memory that it may have; ask for less at once")
        return QueryError(f"query: {_of_the_text(error)}")

    def _wrong_file(self, file: str) -> FleetlakeError:
        """What is wrong with a file of the lake; whose SQL is confined is not to blame for it."""
        return ServiceError(f"query: {_told_of(file)}") if self._confined is not None else QueryError(f"query: {_told_of(file)}")


def _told_of(file: str) -> str:
    if not Path(file).exists():
        return f"{file} is gone, and the lake still names it; put it back from a copy of the lake"
    return f"{file} cannot be read as Parquet; the runbook says what becomes of such an object of bronze"


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


def lock(connection: Any, files: Sequence[str]) -> None:
    """From here on the connection reads `files` and nothing else, and cannot be told otherwise."""
    listed = ", ".join(_quoted(file) for file in files)
    connection.execute(f"SET allowed_paths = [{listed}]")
    connection.execute("SET enable_external_access = false")
    # Otherwise a name in the query may be a variable of this very module.
    connection.execute("SET python_enable_replacements = false")
    connection.execute("SET lock_configuration = true")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _of_the_text(error: Exception) -> str:
    only = "; a query reads the tables of the lake and nothing else" if isinstance(error, duckdb.PermissionException) else ""
    return _sentence(error) + only


def _unknown(error: Exception, tables: Sequence[str]) -> str:
    """DuckDB guesses among its own tables; the lake's are what a person means."""
    words, _, _ = _sentence(error).partition(" Did you mean")
    name = re.search(r"with name (\S+)", words)
    near = _nearest(name.group(1).lower() if name else "", tables)
    return f"{words} Did you mean {near}?" if near else words


def _nearest(asked: str, tables: Sequence[str]) -> str | None:
    """A table of that name, or nearly so, in whichever schema; silver's where there is one."""
    of_name = {table.partition(".")[2]: table for table in sorted(tables, key=lambda table: table.startswith("silver."))}
    found = [asked] if asked in of_name else difflib.get_close_matches(asked, of_name, 1)
    return of_name[found[0]] if found else None


def _sentence(error: Exception) -> str:
    """DuckDB's message on one line, without the drawing of the place below it."""
    message = str(error).split("\nLINE ")[0].strip()
    return " ".join(message.split()).rstrip(".")
