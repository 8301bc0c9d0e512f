"""SQL over the lake: `sql("select … from silver.turbofan")` gives rows, Arrow or pandas; read-only.

On a laptop DuckDB reads the files that PyIceberg plans, those that the query's WHERE leaves (lake/pruning.py), and the Parquet
objects of bronze and quarantine where they lie. Tables are named as in docs/tables.md; beside them is `ops.runs`, each run on
each table in its present state with its `known_at`. With `as_of` the answer is what was known then (lake/history.py says how);
bronze and quarantine have no such time. On AWS Athena answers the same calls (lake/query_athena.py says what differs).

`stream` gives an answer of any size batch by batch; `explain` tells what would be read. SQL that nobody vouches for is asked
`confined`: lake/confined.py says to what.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lake.explanation import Explanation
from lake.query_athena import EngineAnswers
from runtime.clock import Clock
from runtime.errors import UsageError
from runtime.platforms import Platform, current_platform

if TYPE_CHECKING:
    import pandas as pd

    from lake.confined import Confined
    from lake.query_duckdb import DuckAnswers

BATCH_ROWS = 50_000


@dataclass(frozen=True)
class Result:
    """The answer; no two of its columns have one name. `as_of` is the moment it stands for, None for the present.

    `has_more`: rows were left out because of a limit.
    """

    table: pa.Table
    as_of: datetime | None = None
    has_more: bool = False

    @property
    def columns(self) -> list[str]:
        return list(self.table.column_names)

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        columns = [column.to_pylist() for column in self.table.columns]
        return list(zip(*columns, strict=True)) if columns else []

    def arrow(self) -> pa.Table:
        return self.table

    def pandas(self) -> "pd.DataFrame":
        return self.table.to_pandas()


@dataclass
class Stream:
    """An answer on its way: `schema` is known at once, `has_more` when the batches have been taken."""

    schema: pa.Schema
    as_of: datetime | None
    has_more: bool = False
    _batches: Iterator[pa.RecordBatch] = field(default_factory=lambda: iter(()))

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self._batches

    def reader(self) -> pa.RecordBatchReader:
        """The same as Arrow's own reader, which pandas, Polars and Parquet writers take."""
        return pa.RecordBatchReader.from_batches(self.schema, self._batches)


def sql(
    text: str,
    *,
    as_of: datetime | str | None = None,
    platform: Platform | None = None,
    parameters: Sequence[Any] = (),
    clock: Clock | None = None,
    limit: int | None = None,
) -> Result:
    """The answer to one SELECT, its first `limit` rows. `parameters` fill its question marks.

    `as_of` is an aware datetime, an ISO 8601 text with a zone, or "latest". Raises QueryError for SQL that is wrong or would
    write, for a table that there is not, and for a time that cannot be answered.
    """
    if limit is not None:
        with stream(text, as_of=as_of, platform=platform, parameters=parameters, clock=clock, limit=limit) as answer:
            table = pa.Table.from_batches(list(answer), answer.schema)
            return Result(table, answer.as_of, answer.has_more)
    with closing(_answers(text, as_of, platform, parameters, clock)) as answers:
        return Result(_distinct(answers.whole()), answers.as_of)


@contextmanager
def stream(
    text: str,
    *,
    as_of: datetime | str | None = None,
    platform: Platform | None = None,
    parameters: Sequence[Any] = (),
    clock: Clock | None = None,
    limit: int | None = None,
    batch_rows: int = BATCH_ROWS,
    confined: "Confined | None" = None,
) -> Iterator[Stream]:
    """The same answer in Arrow batches of at most `batch_rows`: memory holds a few of them, however large it is.

    `confined` is for SQL that nobody vouches for (lake/confined.py says what of): raises QueryTooLarge beyond its memory, and ServiceError
    for a file of the lake that is wrong, whose path is nobody's business then. Raises as `sql` does, also while batches are taken.
    """
    for name, number, least in (("limit", limit, 0), ("batch_rows", batch_rows, 1)):
        if number is not None and number < least:
            raise UsageError(f"query: {name} {number}; it must be at least {least}")
    with closing(_answers(text, as_of, platform, parameters, clock, confined)) as answers:
        schema, batches = answers.batches(batch_rows)
        # A table without rows; `schema.empty_table()` would import pandas for it.
        answer = Stream(_distinct(pa.Table.from_batches([], schema)).schema, answers.as_of)
        answer._batches = _limited(answer, batches, limit)
        yield answer


def explain(
    text: str,
    *,
    as_of: datetime | str | None = None,
    platform: Platform | None = None,
    parameters: Sequence[Any] = (),
    clock: Clock | None = None,
) -> Explanation:
    """What a query would read: files, bytes and partitions of each table, the filter that chose them, then the engine's plan."""
    with closing(_answers(text, as_of, platform, parameters, clock)) as answers:
        return answers.explain()


def _answers(
    text: str,
    as_of: datetime | str | None,
    platform: Platform | None,
    parameters: Sequence[Any],
    clock: Clock | None,
    confined: "Confined | None" = None,
) -> "DuckAnswers | EngineAnswers":
    chosen = platform or current_platform()
    engine = chosen.query_engine()
    if engine is not None:
        if confined is not None and confined.devices is not None:
            # Imported where it is needed, as below: a Lambda function that asks Athena alone has no DuckDB.
            from lake.query_copied import CopiedAnswers

            return CopiedAnswers(chosen, engine, text, as_of, parameters, clock, confined)
        return EngineAnswers(chosen, engine, text, as_of, parameters, clock)
    from lake.query_duckdb import DuckAnswers

    return DuckAnswers(chosen, text, as_of, parameters, clock, confined)


def _limited(answer: Stream, batches: Iterator[pa.RecordBatch], limit: int | None) -> Iterator[pa.RecordBatch]:
    """Batches up to `limit` rows; what comes after the last of them is asked only whether it is there."""
    left = limit
    for batch in batches:
        named = pa.RecordBatch.from_arrays(batch.columns, schema=answer.schema)
        if left is None:
            yield named
            continue
        if len(named) > left:
            answer.has_more = True
            if left:
                yield named.slice(0, left)
            return
        left -= len(named)
        if len(named):
            yield named


def _distinct(table: pa.Table) -> pa.Table:
    """Columns named as DuckDB names those of a subquery: of three called a the others become a_1 and a_2. Case makes no difference."""
    taken: dict[str, str] = {}
    for name in table.column_names:
        free = next(new for number in count() if (new := f"{name}_{number}" if number else name).lower() not in taken)
        taken[free.lower()] = free
    return table.rename_columns(list(taken.values()))
