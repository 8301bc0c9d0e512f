"""`fleetlake verify`: the law of delivery, reading by reading, against what the devices say they sent."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from cli.text import cell, printable
from runtime.errors import LawBroken, LawUnknown
from runtime.settings import Settings

if TYPE_CHECKING:
    from lake.law import Verdict

app = typer.Typer()


@app.command()
def verify(
    truth: list[Path] = typer.Option(
        [], "--truth", help="Truth file of the run to judge; may be given again. [default: all in the state folder's truth/]"
    ),
    wait: float = typer.Option(15.0, min=0.0, help="Seconds to wait for readings that are under way."),
    at_rest: bool = typer.Option(False, "--at-rest", help="Exit code 3 also when readings are still in flight."),
    strict: bool = typer.Option(False, "--strict", help="Fail also when a reading ended elsewhere than the simulator meant it to."),
    show: int = typer.Option(10, min=0, help="Violations and surprises to print."),
    as_json: bool = typer.Option(False, "--json", help="For a script."),
) -> None:
    """Check that each acknowledged reading is in exactly one place. Exit code 1: it is not so; 3: nobody can tell."""
    from lake.hops import truth_files
    from lake.law import verify as judge
    from runtime.platforms import current_platform

    settings = Settings.from_environment()
    verdict = judge(current_platform(settings), truth or truth_files(settings.home), wait_seconds=wait)
    if as_json:
        print(json.dumps(facts(verdict)))
    else:
        _print(verdict, show)
    verdict.check()
    if at_rest and verdict.in_flight:
        raise LawUnknown(
            f"verify: {verdict.in_flight} readings are still in flight; trigger their pipeline_… in Airflow or wait for the full hour, then verify again"
        )
    if strict and verdict.surprised:
        raise LawBroken(f"verify: {verdict.surprised} readings ended elsewhere than meant; first: {verdict.surprises[0].reading}")


def facts(verdict: "Verdict") -> dict[str, Any]:
    """The verdict for a script: everything by contract and device, and the first thousand violations."""
    return {
        "holds": verdict.holds,
        "broken": verdict.is_broken,
        "unknown": verdict.is_unknown,
        "sent": verdict.sent,
        "in_flight": verdict.in_flight,
        "surprised": verdict.surprised,
        "tallies": [vars(tally) for tally in verdict.tallies],
        "violations": [vars(violation) for violation in verdict.violations],
        "surprises": [vars(surprise) for surprise in verdict.surprises],
        "truth": [str(file) for file in verdict.files],
    }


def _print(verdict: "Verdict", show: int) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False, soft_wrap=True)
    if verdict.tallies:
        console.print(law_table(verdict, console.width))
    for violation in verdict.violations[:show]:
        console.print(f"[red]{escape(printable(str(violation)))}[/red]")
    for surprise in verdict.surprises[:show]:
        words = f"meant for {surprise.expected}, found {surprise.found}: {surprise.reading}"
        console.print(f"[yellow]{escape(printable(words))}[/yellow]")
    if verdict.holds:
        flight = f"; {verdict.in_flight} of them in flight" if verdict.in_flight else ""
        console.print(f"[green]the law holds[/green]: {verdict.sent} readings were acknowledged, each is in one place{flight}")
        console.print("one that was sent again counts once here; `simulate` counts each sending")


def law_table(verdict: "Verdict", width: int) -> Any:
    """A row for each contract, and one for each device where something is wrong; of the rarer places those that have readings.

    In a terminal of `width` columns names fold. A figure is never cut: where all is too narrow the table is wider than the terminal.
    """
    from rich.markup import escape
    from rich.table import Table

    totals = _numbers(list(verdict.tallies))
    shown = [i for i, heading in enumerate(_HEADINGS) if heading in _ALWAYS or totals[i]]
    # No padding, and names fold before figures: eighty columns hold a usual law.
    table = Table(header_style="bold", padding=0, caption=_LEGEND, caption_style="dim", caption_justify="left")
    names = sorted({tally.contract for tally in verdict.tallies})
    for heading in ("contract", "device"):
        table.add_column(heading, overflow="fold", min_width=_NAME)
    for index in shown:
        # The total is the longest of its figures.
        least = max(len(f"{totals[index]:,}"), *map(len, _PRINTED[index].split("\n")))
        table.add_column(_PRINTED[index], justify="right", no_wrap=True, min_width=least)
    for contract in names:
        members = [tally for tally in verdict.tallies if tally.contract == contract]
        table.add_row(escape(cell(contract)), f"all {len(members)}", *_cells(members, shown))
        wrong = [tally for tally in members if tally.breaches]
        for tally in wrong[:20]:
            table.add_row("", escape(cell(tally.device_id)), *_cells([tally], shown), style="red")
    least_width = sum(column.min_width or 0 for column in table.columns) + len(table.columns) + 1
    if least_width > width:
        # Rich would make columns so narrow that they vanish.
        table.width = least_width
    return table


# Columns that a name has at least.
_NAME = 6
_HEADINGS = (
    *("sent", "visible", "held", "quarantined", "waiting", "dead letter", "erased", "expired", "unknown", "lost"),
    *("visible twice", "never sent", "unacknowledged: arrived", "unacknowledged: not arrived"),
)
# The same on narrow lines.
_PRINTED = (
    *("sent", "visible", "held", "quaran-\ntined", "waiting", "dead\nletter", "erased", "expired", "unknown", "lost"),
    *("visible\ntwice", "never\nsent", "unacknow-\nledged:\narrived", "unacknow-\nledged:\nnot\narrived"),
)
_ALWAYS = ("sent", "visible", "quarantined", "lost", "visible twice", "never sent")


_LEGEND = """\
sent: different readings that were acknowledged; the table of hops counts one
that was sent and acknowledged twice as two. unacknowledged: no device was told
that it came, so it may have arrived or not, and is never lost. all: the devices
by the names in their topics, with those that a fault made up."""


def _cells(tallies: list[Any], shown: list[int]) -> list[str]:
    numbers = _numbers(tallies)
    return [f"{numbers[index]:,}" if numbers[index] else "[dim]0[/dim]" for index in shown]


def _numbers(tallies: list[Any]) -> list[int]:
    def total(pick: Any) -> int:
        return sum(pick(tally) for tally in tallies)

    places = [total(lambda tally, name=name: tally.places.get(name, 0)) for name in _HEADINGS[1:10]]
    breaches = [total(lambda tally, name=name: tally.breaches.get(name, 0)) for name in _HEADINGS[10:12]]
    others = [total(lambda tally: tally.unacknowledged_arrived), total(lambda tally: tally.unacknowledged_not)]
    return [total(lambda tally: tally.sent), *places, *breaches, *others]
