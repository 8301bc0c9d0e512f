"""A confined question where an engine, Athena, answers SQL: the devices' rows are asked of it, and the question of a DuckDB that has them alone.

So no word of the question reaches the engine, and its SQL is DuckDB's here too. What it asks of the engine is what DuckDB's copies hold
on a laptop: the columns and rows that the question can need. An engine gives them a thousand at a time, hence the limit.
"""

# ruff: noqa: S608 - SQL is made here from declared names and values that are written as literals

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa

from lake import history
from lake.confined import DEVICE, Confined, as_sql, needed
from lake.file_filter import Filter, Value
from lake.pruning import filters
from lake.query_athena import batches_of, pinned
from lake.query_duckdb import DuckAnswers, lock
from lake.schemas import arrow_schema
from runtime.athena import literal
from runtime.clock import Clock
from runtime.errors import QueryTooLarge
from runtime.platforms import Platform
from runtime.query_engine import QueryEngine

MOST_ROWS = 200_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class CopiedAnswers(DuckAnswers):
    """Raises QueryTooLarge where the question can need more than MOST_ROWS rows of a table."""

    def __init__(
        self,
        platform: Platform,
        engine: QueryEngine,
        text: str,
        as_of: datetime | str | None,
        parameters: Sequence[Any],
        clock: Clock | None,
        confined: Confined,
    ) -> None:
        self._engine = engine
        self._bounds = confined
        super().__init__(platform, text, as_of, parameters, clock, confined)

    def _prepare(self, platform: Platform, as_of: datetime | str | None, clock: Clock | None) -> datetime | None:
        names = self._bounds.tables
        at = None if as_of is None else history.resolve(platform, as_of, self._tables.time_bound(names), clock)
        wanted = filters(self._connection, self._text, self._tables.columns(names), self._parameters)
        for schema in sorted({name.partition(".")[0] for name in names}):
            self._connection.execute(f"CREATE SCHEMA {schema}")
        for name in names:
            self._keep(name, self._rows(platform, name, at, wanted.get(name)))
        lock(self._connection, [])
        return at

    def _keep(self, name: str, rows: pa.Table) -> None:
        self._connection.register("own_rows", rows)
        self._asked(lambda: self._connection.execute(f"CREATE TABLE {name} AS FROM own_rows"))
        self._connection.unregister("own_rows")

    def _rows(self, platform: Platform, name: str, at: datetime | None, wanted: Filter | None) -> pa.Table:
        iceberg = history.load(platform, name)
        declared = arrow_schema(self._tables.declared(name))
        columns = needed(name, declared.names if iceberg is None else iceberg.schema().column_names, self._bounds.columns)
        if iceberg is None or not self._bounds.devices:
            return pa.schema([declared.field(column) for column in columns if column in declared.names]).empty_table()
        devices = ", ".join(literal(device) for device in sorted(self._bounds.devices))
        listed = ", ".join(f'"{column}"' for column in columns)
        condition = f" AND ({as_sql(wanted, _written)})" if wanted is not None else ""
        sql = f'SELECT {listed} FROM {name} WHERE "{DEVICE}" IN ({devices}){condition} LIMIT {MOST_ROWS + 1}'
        return self._taken_whole(name, sql if at is None else pinned(platform, self._tables, sql, [name], at))

    def _taken_whole(self, name: str, sql: str) -> pa.Table:
        schema, batches = batches_of(self._engine.ask(sql))
        kept, rows = [], 0
        for batch in batches:
            rows += len(batch)
            if rows > MOST_ROWS:
                raise QueryTooLarge(
                    f"query: it can need more than {MOST_ROWS:,} rows of {name}; ask for a shorter time: event_time >= … AND event_time < …"
                )
            kept.append(batch)
        return pa.Table.from_batches(kept, schema)


def _written(kind: str, value: Value) -> str:
    if kind == "timestamp" and isinstance(value, int):
        return literal(_EPOCH + timedelta(microseconds=value))
    return literal(value if isinstance(value, int | str) else date(value.year, value.month, value.day))
