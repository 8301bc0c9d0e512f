"""`fleetlake query "SELECT …"`: SQL over the lake, now or as of a time of knowledge."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from runtime.errors import UsageError, UserError

if TYPE_CHECKING:
    from lake.query import Stream

app = typer.Typer()
_FORMATS = ("table", "csv", "json", "parquet")
_SHOWN_ROWS = 50
_MOST_ROWS = 1_000


@app.command()
def query(
    text: str = typer.Argument(
        metavar="SQL", help="One SELECT; `fleetlake query 'show tables'` lists what there is. - reads it from stdin."
    ),
    as_of: str = typer.Option("", help="What was known at this time: ISO 8601 with a zone, or latest."),
    form: str = typer.Option("table", "--format", "-f", help="table, csv, json (a line a row) or parquet."),
    output: Path | None = typer.Option(None, "--output", "-o", help="File to write; parquet needs one."),
    limit: int | None = typer.Option(
        None, min=0, help="Rows at most; 0 for all. Without it a table on the screen has 50, and never more than 1000."
    ),
    explain: bool = typer.Option(False, "--explain", help="Do not ask; say which files, bytes and partitions would be read, and the plan."),
) -> None:
    """Ask the lake a question in SQL; nothing is changed by it. Of columns with one name the second is called name_1, and so on."""
    if form not in _FORMATS:
        raise UsageError(f"--format {form}: it must be one of {', '.join(_FORMATS)}")
    if form == "parquet" and output is None:
        raise UsageError("--format parquet: name the file with --output")
    if explain and output is not None:
        raise UsageError("--explain: it writes no answer; leave --output out")
    asked = sys.stdin.read() if text == "-" else text
    if explain:
        _explain(asked, as_of)
    elif output is not None:
        _write(asked, as_of, _form_of(output, form), output, limit)
    else:
        _print(asked, as_of, form, limit)


def _form_of(output: Path, form: str) -> str:
    """The format, or the file's ending where none is given."""
    ending = output.suffix.lstrip(".")
    found = form if form != "table" else ending
    if ending in _FORMATS[1:] and found != ending:
        raise UsageError(f"--output {output}: the file ends in .{ending}, and --format says {form}; make them one")
    if found not in _FORMATS[1:]:
        raise UsageError(f"--output {output}: the file must end in .csv, .json or .parquet, or --format must say what it is")
    return found


def _explain(asked: str, as_of: str) -> None:
    from cli.query_output import print_explanation
    from lake.query import explain

    explanation = explain(asked, as_of=as_of or None)
    with _writing("standard output"):
        print_explanation(explanation)
        sys.stdout.flush()


def _write(asked: str, as_of: str, form: str, output: Path, limit: int | None) -> None:
    from cli.query_output import counted, write_stream
    from lake.query import stream

    with stream(asked, as_of=as_of or None, limit=limit or None) as answer:
        with _writing(str(output)), _whole_or_not(output):
            rows = write_stream(answer, form, output)
        print(f"{counted(rows)} in {output}{_left_out(answer)}", file=sys.stderr)


def _print(asked: str, as_of: str, form: str, limit: int | None) -> None:
    from cli.query_output import print_table, write_stream
    from lake.query import stream

    if sys.stdout is None:
        raise UserError("query: cannot write standard output: it is closed")
    most = limit or None if form != "table" else min(limit or _MOST_ROWS, _MOST_ROWS) if limit is not None else _SHOWN_ROWS
    with stream(asked, as_of=as_of or None, limit=most) as answer, _writing("standard output"):
        if form == "table":
            print_table(answer, "--output writes all" if most == _MOST_ROWS else "--limit 0 or --output shows more")
        else:
            sys.stdout.flush()
            write_stream(answer, form, sys.stdout.buffer)
        sys.stdout.flush()
    if form != "table" and answer.has_more:
        print(f"fleetlake: query: the first {most} rows{_left_out(answer)}", file=sys.stderr)


def _left_out(answer: "Stream") -> str:
    return "; there are more, which --limit left out" if answer.has_more else ""


@contextmanager
def _whole_or_not(output: Path) -> Iterator[None]:
    """What ends on the way, by Ctrl-C too, leaves no half of a file that looks like all of it."""
    try:
        yield
    except BaseException:
        # Not what stands for something else, such as /dev/stdout.
        if output.is_file():
            output.unlink()
        raise


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
