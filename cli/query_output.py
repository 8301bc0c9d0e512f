"""How an answer looks: a table, lines of JSON, CSV, Parquet, batch by batch; and what a query would read."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from cli.text import printable

if TYPE_CHECKING:
    from rich.table import Table

    from lake.explanation import Explanation
    from lake.query import Stream
    from lake.scan import Scan

# Below this a column shows a few characters a line, or none.
_NARROWEST = 8
_SHOWN_PARTITIONS = 6


def write_stream(answer: "Stream", form: str, target: "Path | BinaryIO") -> int:
    """Write csv, json or parquet as the batches come; the number of rows. A file is begun when the first batch is there."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    batches = iter(answer)
    first = next(batches, None)
    writer: Any
    if form == "parquet":
        writer = pyarrow.parquet.ParquetWriter(target, answer.schema)
    elif form == "csv":
        writer = pyarrow.csv.CSVWriter(target, _flat(pa.Table.from_batches([], answer.schema)).schema)
    else:
        writer = _JsonLines(target)
    rows = 0
    with writer:
        while first is not None:
            part = pa.Table.from_batches([first])
            rows += len(part)
            writer.write_table(part if form != "csv" else _flat(part))
            first = next(batches, None)
    return rows


class _JsonLines:
    """An object a line. What writes to a file of its own closes it; standard output stays open."""

    def __init__(self, target: "Path | BinaryIO") -> None:
        self._is_own = isinstance(target, Path)
        self._stream: BinaryIO = target.open("wb") if isinstance(target, Path) else target

    def __enter__(self) -> "_JsonLines":
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_own:
            self._stream.close()

    def write_table(self, table: Any) -> None:
        names, columns = table.column_names, [column.to_pylist() for column in table.columns]
        rows = (dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True))
        self._stream.writelines((json.dumps(plain(row), ensure_ascii=False, allow_nan=False) + "\n").encode() for row in rows)


def _flat(table: Any) -> Any:
    """CSV has no lists, no intervals and no bytes that are not text: lists become JSON, intervals ISO 8601, bytes hex."""
    import pyarrow as pa

    for index, column in enumerate(table.schema):
        if pa.types.is_nested(column.type) or pa.types.is_binary(column.type) or pa.types.is_interval(column.type):
            values = [plain(value) for value in table.column(index).to_pylist()]
            texts = [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]
            table = table.set_column(index, column.name, pa.array(texts, pa.string()))
    return table


def plain(value: Any) -> Any:
    """As JSON has it: times and intervals in ISO 8601, bytes in hex, what is no number null."""
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items()}
    if hasattr(value, "months"):
        return f"P{value.months}M{value.days}DT{value.nanoseconds / 1e9:.9g}S"
    if isinstance(value, list | tuple):
        return [plain(member) for member in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    return value if isinstance(value, int | str | None) else (value.isoformat() if hasattr(value, "isoformat") else str(value))


def print_table(answer: "Stream", more: str) -> None:
    """`more`: what the user does to see the rows that were left out."""
    import pyarrow as pa
    from rich.console import Console

    table = pa.Table.from_batches(list(answer), answer.schema)
    console = Console(highlight=False)
    is_wide = console.width < _NARROWEST * len(table.columns)
    console.print((_records if is_wide else _columns)(table))
    shown = f"the first {counted(table.num_rows)} are shown, there are more; {more}" if answer.has_more else counted(table.num_rows)
    at = f", as of {answer.as_of.isoformat()}" if answer.as_of else ""
    console.print(f"{shown}{at}", style="dim")


def counted(rows: int) -> str:
    return f"{rows} row{'' if rows == 1 else 's'}"


def print_explanation(explanation: "Explanation") -> None:
    for scan in explanation.scans:
        print(_scan(scan))
    if explanation.as_of:
        print(f"as of {explanation.as_of.isoformat()}")
    print(explanation.plan)


def _scan(scan: "Scan") -> str:
    size = f"{scan.files} of {scan.of_files} files, {_bytes(scan.bytes)} of {_bytes(scan.of_bytes)}"
    lines = [f"{scan.table}: {size}", f"  where {scan.wanted}" if scan.wanted else "  no filter that files can be chosen by"]
    return "\n".join(lines + ([f"  partitions {_listed(scan.partitions)}"] if scan.partitions else []))


def _listed(partitions: Sequence[str]) -> str:
    if len(partitions) <= _SHOWN_PARTITIONS:
        return ", ".join(partitions)
    return f"{partitions[0]} … {partitions[-1]} ({len(partitions)} of them)"


def _bytes(number: int) -> str:
    return f"{number / 1e6:.1f} MB" if number >= 100_000 else f"{number / 1e3:.1f} kB"


def _columns(answer: Any) -> "Table":
    from rich.table import Table

    table = Table(header_style="bold")
    for name, column in zip(answer.column_names, answer.columns, strict=True):
        table.add_column(name, justify="right" if _is_number(column.type) else "left", overflow="fold")
    for row in _rows(answer):
        table.add_row(*(_cell(value) for value in row))
    return table


def _records(answer: Any) -> "Table":
    """A line for each column, row after row: for more columns than stand side by side."""
    from rich.table import Table

    table = Table(show_header=False)
    table.add_column(style="bold", overflow="fold")
    table.add_column(overflow="fold")
    for row in _rows(answer):
        for name, value in zip(answer.column_names, row, strict=True):
            table.add_row(name, _cell(value))
        table.add_section()
    return table


def _rows(answer: Any) -> list[tuple[Any, ...]]:
    columns = [column.to_pylist() for column in answer.columns]
    return list(zip(*columns, strict=True)) if columns else []


def _is_number(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _cell(value: Any) -> str:
    from rich.markup import escape

    if value is None:
        return "[dim]–[/dim]"
    if isinstance(value, float):
        return f"{value:.6g}"
    if hasattr(value, "isoformat"):
        return str(
            value.isoformat(sep=" ").replace("+00:00", "Z") if hasattr(value, "hour") and hasattr(value, "year") else value.isoformat()
        )
    return escape(printable(str(plain(value) if hasattr(value, "months") else value)))
