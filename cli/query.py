"""`fleetlake query "SELECT …"`: SQL over the lake, now or as of a time of knowledge."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from cli.text import printable
from runtime.errors import UsageError, UserError

if TYPE_CHECKING:
    from rich.table import Table

    from lake.query import Result

app = typer.Typer()
_FORMATS = ("table", "csv", "json", "parquet")
_MOST_ROWS = 1_000
# Below this a column shows a few characters a line, or none.
_NARROWEST = 8


@app.command()
def query(
    text: str = typer.Argument(
        metavar="SQL", help="One SELECT; `fleetlake query 'show tables'` lists what there is. - reads it from stdin."
    ),
    as_of: str = typer.Option("", help="What was known at this time: ISO 8601 with a zone, or latest."),
    form: str = typer.Option("table", "--format", "-f", help="table, csv, json (a line a row) or parquet."),
    output: Path | None = typer.Option(None, "--output", "-o", help="File to write; parquet needs one."),
    limit: int = typer.Option(50, min=0, help="Rows of a table on the screen; 0 for all of them, up to 1000."),
) -> None:
    """Ask the lake a question in SQL; nothing is changed by it. Of columns with one name the second is called name_1, and so on."""
    if form not in _FORMATS:
        raise UsageError(f"--format {form}: it must be one of {', '.join(_FORMATS)}")
    if form == "parquet" and output is None:
        raise UsageError("--format parquet: name the file with --output")
    from lake.query import sql

    result = sql(sys.stdin.read() if text == "-" else text, as_of=as_of or None)
    if output is not None:
        _write(result, form if form != "table" else output.suffix.lstrip("."), output)
    else:
        _print(result, form, limit or _MOST_ROWS)


def _write(result: "Result", form: str, output: Path) -> None:
    with _writing(str(output)):
        _write_file(result, form, output)
    print(f"{_counted(result)} in {output}", file=sys.stderr)


def _print(result: "Result", form: str, limit: int) -> None:
    if sys.stdout is None:
        raise UserError("query: cannot write standard output: it is closed")
    with _writing("standard output"):
        if form == "table":
            _print_table(result, limit)
        else:
            _print_lines(result, form)
        sys.stdout.flush()


@contextmanager
def _writing(where: str) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        # Arrow's own words end with the reason and do not begin with the file.
        raise UserError(f"query: cannot write {where}: {os.strerror(error.errno) if error.errno else error}") from None
    except NotImplementedError as error:
        # Arrow's, for a type that the format lacks: an interval in Parquet.
        raise UserError(f"query: cannot write {where}: {error}; cast that column to VARCHAR") from None


def _write_file(result: "Result", form: str, output: Path) -> None:
    """By the format, or by the file's ending where none is given."""
    import pyarrow.csv
    import pyarrow.parquet

    table = result.arrow()
    if form == "parquet":
        pyarrow.parquet.write_table(table, output)
    elif form == "csv":
        pyarrow.csv.write_csv(_flat(table), output)
    elif form == "json":
        output.write_text("".join(_json_lines(result)))
    else:
        raise UsageError(f"--output {output}: the file must end in .csv, .json or .parquet, or --format must say what it is")


def _print_lines(result: "Result", form: str) -> None:
    if form == "json":
        sys.stdout.writelines(_json_lines(result))
    else:
        import pyarrow.csv

        sys.stdout.flush()
        pyarrow.csv.write_csv(_flat(result.arrow()), sys.stdout.buffer)


def _flat(table: Any) -> Any:
    """CSV has no lists, no intervals and no bytes that are not text: lists become JSON, intervals ISO 8601, bytes hex."""
    import pyarrow as pa

    for index, column in enumerate(table.schema):
        if pa.types.is_nested(column.type) or pa.types.is_binary(column.type) or pa.types.is_interval(column.type):
            values = [_plain(value) for value in table.column(index).to_pylist()]
            texts = [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]
            table = table.set_column(index, column.name, pa.array(texts, pa.string()))
    return table


def _json_lines(result: "Result") -> list[str]:
    named = (dict(zip(result.columns, row, strict=True)) for row in result.rows)
    return [json.dumps(_plain(row), ensure_ascii=False, allow_nan=False) + "\n" for row in named]


def _plain(value: Any) -> Any:
    """As JSON has it: times and intervals in ISO 8601, bytes in hex, what is no number null."""
    if isinstance(value, dict):
        return {key: _plain(member) for key, member in value.items()}
    if hasattr(value, "months"):
        return f"P{value.months}M{value.days}DT{value.nanoseconds / 1e9:.9g}S"
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    return value if isinstance(value, int | str | None) else (value.isoformat() if hasattr(value, "isoformat") else str(value))


def _print_table(result: "Result", limit: int) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    is_wide = console.width < _NARROWEST * len(result.columns)
    console.print((_records if is_wide else _columns)(result, limit))
    number = result.arrow().num_rows
    has_more = "--limit 0 or --output shows more" if limit < _MOST_ROWS else "--output writes all"
    shown = "" if number <= limit else f", the first {limit} are shown; {has_more}"
    at = f", as of {result.as_of.isoformat()}" if result.as_of else ""
    console.print(f"{_counted(result)}{shown}{at}", style="dim")


def _counted(result: "Result") -> str:
    number = result.arrow().num_rows
    return f"{number} row{'' if number == 1 else 's'}"


def _columns(result: "Result", limit: int) -> "Table":
    from rich.table import Table

    table = Table(header_style="bold")
    for name, column in zip(result.columns, result.arrow().columns, strict=True):
        table.add_column(name, justify="right" if _is_number(column.type) else "left", overflow="fold")
    for row in result.rows[:limit]:
        table.add_row(*(_cell(value) for value in row))
    return table


def _records(result: "Result", limit: int) -> "Table":
    """A line for each column, row after row: for more columns than stand side by side."""
    from rich.table import Table

    table = Table(show_header=False)
    table.add_column(style="bold", overflow="fold")
    table.add_column(overflow="fold")
    for row in result.rows[:limit]:
        for name, value in zip(result.columns, row, strict=True):
            table.add_row(name, _cell(value))
        table.add_section()
    return table


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
    return escape(printable(str(_plain(value) if hasattr(value, "months") else value)))
