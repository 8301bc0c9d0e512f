"""One query on a platform's own engine, Athena: the same calls, in its SQL (runtime/athena.py says how that differs).

With `as_of` each table that the query names becomes a subquery in front of it, pinned at its snapshot and, in silver, at the
runs that were visible; it is then called ``known_silver_turbofan``, so columns are named behind an alias or by themselves, not
behind ``turbofan``. Files are chosen by the engine: `explain` has its plan and no counts.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from lake import history
from lake.contracts import sound_contracts
from lake.explanation import Explanation
from lake.query_tables import RUNS, WRITTEN_AT, QueryTables
from lake.tables import Table
from runtime.athena import literal
from runtime.clock import Clock
from runtime.errors import QueryError
from runtime.platforms import Platform
from runtime.query_engine import AnswerColumn, EngineAnswer, QueryEngine, Row

# Texts, quoted names and comments: of these only names may stand for a table.
_QUOTED = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_READING = re.compile(r"\s*(?:select|with|values|explain|show|describe)\b|\s*\(", re.IGNORECASE)
_ARROW = {
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "real": pa.float32(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "timestamp with time zone": pa.timestamp("us", tz="UTC"),
    "varbinary": pa.binary(),
}


class EngineAnswers:
    """What `lake.query` asks of `DuckAnswers`, answered by `engine`."""

    def __init__(
        self,
        platform: Platform,
        engine: QueryEngine,
        text: str,
        as_of: datetime | str | None,
        parameters: Sequence[Any],
        clock: Clock | None,
    ) -> None:
        if not _READING.match(text):
            raise QueryError(f"query: {text.split()[0] if text.split() else 'nothing'}: only SELECT is answered here")
        self._engine = engine
        self._parameters = parameters
        self._tables = QueryTables(platform, sound_contracts(platform.settings.contracts_folder))
        names = self._tables.named_in(_QUOTED.sub(" ", text))
        if RUNS in names:
            raise QueryError(f"query: {RUNS} is made on a laptop alone; ask ops.publications")
        self.as_of = None if as_of is None else history.resolve(platform, as_of, self._tables.time_bound(names), clock)
        self._text = text.strip().rstrip(";") if self.as_of is None else pinned(platform, self._tables, text, names, self.as_of)

    def close(self) -> None:
        return None

    def whole(self) -> pa.Table:
        schema, batches = self.batches(0)
        return pa.Table.from_batches(list(batches), schema)

    def batches(self, rows: int) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """In batches as the engine's pages are, however many `rows` are asked for: a page has 1,000."""
        return batches_of(self._engine.ask(self._text, self._parameters))

    def explain(self) -> Explanation:
        answer = self._engine.ask(f"EXPLAIN {self._text}", self._parameters)
        return Explanation((), "\n".join(row[0] or "" for page in answer.pages for row in page), self.as_of)


def batches_of(answer: EngineAnswer) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """An engine's answer as Arrow, a batch a page."""
    schema = pa.schema([pa.field(column.name, _arrow(column)) for column in answer.columns])
    return schema, (_batch(page, schema) for page in answer.pages)


def pinned(platform: Platform, tables: QueryTables, text: str, names: Iterable[str], at: datetime) -> str:
    """The statement over the tables as they were known at `at`. Raises QueryError for one that has no such time."""
    text, known = text.strip().rstrip(";"), []
    for name in names:
        alias = f"known_{name.replace('.', '_')}"
        known.append(f"{alias} AS ({_known(platform, tables.declared(name), at)})")
        text = _renamed(text, name, alias)
    if not known:
        return text
    begins = re.match(r"\s*with\b(\s+recursive\b)?", text, re.IGNORECASE)
    rest = f", {text[begins.end() :].strip()}" if begins else f" {text}"
    return f"WITH {'RECURSIVE ' if begins and begins[1] else ''}{', '.join(known)}{rest}"


def _known(platform: Platform, table: Table, at: datetime) -> str:
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    if table.format == "parquet":
        raise QueryError(f"{table.name} as of {at.isoformat()}: arrivals have no time of knowledge; ask for {table.name} without as_of")
    if table.namespace == "silver":
        return _known_silver(platform, table, at, columns)
    if table.name in WRITTEN_AT:
        return f"SELECT {columns} FROM {table.name} WHERE {WRITTEN_AT[table.name]} <= {literal(at)}"  # noqa: S608 - declared names
    iceberg = history.load(platform, table.name)
    snapshot = history.snapshot_at(platform, iceberg, table.name, at) if iceberg else None
    return _at(table.name, columns, snapshot, [])


def _known_silver(platform: Platform, table: Table, at: datetime, columns: str) -> str:
    contract = table.name.removeprefix("silver.").removesuffix("_superseded")
    knowledge = history.silver_at(platform, contract, at)
    known, later = (_among(sorted(runs)) for runs in (knowledge.known, knowledge.later))
    replaced = _snapshot(knowledge.superseded)
    if table.name.endswith("_superseded"):
        return _at(table.name, columns, replaced, [f"superseded_by {known}"])
    present = _at(table.name, columns, _snapshot(knowledge.silver), [f"run_id {known}"])
    past = _at(f"{table.name}_superseded", columns, replaced, [f"run_id {known}", f"superseded_by {later}"])
    return f"{present} UNION ALL {past}"


def _snapshot(iceberg: Any) -> int | None:
    found = iceberg.current_snapshot() if iceberg is not None else None
    return found.snapshot_id if found is not None else None


def _at(name: str, columns: str, snapshot: int | None, conditions: Sequence[str]) -> str:
    version = "" if snapshot is None else f" FOR VERSION AS OF {snapshot}"
    wanted = ["false"] if snapshot is None else conditions
    where = f" WHERE {' AND '.join(wanted)}" if wanted else ""
    return f"SELECT {columns} FROM {name}{version}{where}"  # noqa: S608 - declared names


def _among(runs: Sequence[str]) -> str:
    return f"IN ({', '.join(literal(run) for run in runs)})" if runs else "IN (NULL)"


def _renamed(text: str, name: str, alias: str) -> str:
    """`text` with the table's name replaced, but in texts and comments."""
    schema, table = name.split(".")
    wanted = re.compile(rf'(?<![\w."])"?{schema}"?\s*\.\s*"?{table}"?(?![\w"])', re.IGNORECASE)
    pieces, end = [], 0
    for kept in _QUOTED.finditer(text):
        pieces += [wanted.sub(alias, text[end : kept.start()]), kept[0]]
        end = kept.end()
    return "".join([*pieces, wanted.sub(alias, text[end:])])


def _arrow(column: AnswerColumn) -> pa.DataType:
    """Lists, maps and rows come as text, and stay it."""
    if column.kind == "decimal":
        return pa.decimal128(column.precision, column.scale)
    return _ARROW.get(column.kind, pa.string())


def _batch(page: Sequence[Row], schema: pa.Schema) -> pa.RecordBatch:
    columns: list[Sequence[str | None]] = list(zip(*page, strict=True)) if page else [[] for _ in schema]
    return pa.RecordBatch.from_arrays([_array(values, field.type) for values, field in zip(columns, schema, strict=True)], schema=schema)


def _array(texts: Sequence[str | None], kind: pa.DataType) -> pa.Array:
    return pa.array([None if text is None else _value(text, kind) for text in texts], kind)


def _value(text: str, kind: pa.DataType) -> Any:
    if pa.types.is_boolean(kind):
        return text == "true"
    if pa.types.is_integer(kind):
        return int(text)
    if pa.types.is_floating(kind):
        return float(text)
    if pa.types.is_decimal(kind):
        return Decimal(text)
    if pa.types.is_date(kind):
        return date.fromisoformat(text)
    if pa.types.is_timestamp(kind):
        return datetime.fromisoformat(text.replace(" UTC", "+00:00"))
    return bytes.fromhex(text) if pa.types.is_binary(kind) else text
