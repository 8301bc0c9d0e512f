"""`fleetlake backfill`: which event days are to be made again, and just those run through Airflow."""

import json
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from runtime.errors import UsageError
from runtime.settings import Settings

app = typer.Typer(help="Days that are missing, failed or stale: which, and make them again.", no_args_is_help=True)
_console = Console(highlight=False, markup=False, soft_wrap=True)

_FROM = typer.Option(..., "--from", help="First event day, such as 2026-03-02.")
_TO = typer.Option("", "--to", help="Last event day, itself included. [default: yesterday]")
_CONTRACT = typer.Option([], "--contract", "-c", help="A contract; more than once for several. [default: all]")


@app.command("plan")
def show_plan(
    first: str = _FROM,
    last: str = _TO,
    contracts: list[str] = _CONTRACT,
    everything: bool = typer.Option(False, "--all", help="Days that are fine too."),
    as_json: bool = typer.Option(False, "--json", help="For a script."),
) -> None:
    """Show the days that are missing, failed, stale or held, with why and what making them again reads. Nothing is changed."""
    found = _plans(first, last, contracts)
    if as_json:
        print(json.dumps({name: [asdict(day) for day in days] for name, days in found.items()}, default=str))
        return
    _show(found, everything, _range(first, last))


@app.command()
def run(
    first: str = _FROM,
    last: str = _TO,
    contracts: list[str] = _CONTRACT,
    at_once: int = typer.Option(1, "--concurrency", min=1, max=16, help="Days of a stretch that Airflow may run at once."),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask."),
) -> None:
    """Make again just the days that are missing, failed or stale, by Airflow's own backfill of rebuild_CONTRACT, one stretch of days after another.

    Ctrl-C leaves the stretch that Airflow has begun to go on; run it again for the rest: what is done since is not planned again.
    """
    from lake.backfill import Status, ranges
    from local import backfill
    from local.airflow_client import Airflow

    airflow = Airflow.of(Settings.from_environment())
    found = _plans(first, last, contracts)
    work = {name: stretches for name, days in found.items() if (stretches := ranges(days))}
    _show(found, False, _range(first, last))
    if not work:
        return
    if not yes:
        typer.confirm(f"run {_days(found)} days", abort=True)
    progress = _Progress()
    if any(day.status is Status.MISSING for days in found.values() for day in days):
        backfill.reconcile(airflow, lambda state: progress.say(f"reconcile: {state}"))
    for name, stretches in work.items():
        backfill.run(airflow, name, stretches, at_once, partial(_say_states, progress, name))
    _console.print(f"\n{_days(found)} days were made again")


def _plans(first: str, last: str, contracts: list[str]) -> dict[str, list[Any]]:
    from lake.backfill import plan
    from lake.contracts import sound_contracts
    from runtime.platforms import current_platform

    begins, ends = _range(first, last)
    platform = current_platform(Settings.from_environment())
    known = sound_contracts(platform.settings.contracts_folder)
    asked = [known.named(name) for name in contracts or known]
    return {contract.name: plan(platform, contract, begins, ends, _failed(platform, contract.name, begins, ends)) for contract in asked}


def _range(first: str, last: str) -> tuple[date, date]:
    begins = _day("--from", first)
    # A day that is not over is the pipeline's.
    return begins, _day("--to", last) if last else max(begins, datetime.now(UTC).date() - timedelta(days=1))


def _failed(platform: Any, contract: str, first: date, last: date) -> set[date]:
    from local import backfill
    from local.airflow_client import Airflow
    from runtime.errors import ServiceError

    try:
        return backfill.failed_days(Airflow.of(platform.settings), contract, first, last)
    except ServiceError as error:
        Console(stderr=True, highlight=False).print(f"which rebuilds failed is not known: {error}", soft_wrap=True)
        return set()


def _day(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text}: this is no day, such as 2026-03-02") from None


def _show(found: dict[str, list[Any]], everything: bool, asked: tuple[date, date]) -> None:
    from lake.backfill import Status

    rows = [(name, day) for name, days in found.items() for day in days if everything or day.status is not Status.FINE]
    if not rows:
        first, last = asked
        _console.print(f"every day from {first} to {last} is as it should be" if first != last else f"{first} is as it should be")
        return
    table = Table(header_style="bold")
    for heading in ("contract", "day", "status", "objects", "readings", "why"):
        right = heading in ("objects", "readings")
        table.add_column(heading, justify="right" if right else "left", no_wrap=heading != "why", overflow="fold")
    for name, day in rows:
        table.add_row(name, str(day.day), str(day.status), f"{day.objects:,}", f"{day.readings:,}", day.why)
    _console.print(table)


def _days(found: dict[str, list[Any]]) -> int:
    from lake.backfill import TO_RUN

    return sum(day.status in TO_RUN for days in found.values() for day in days)


def _say_states(progress: "_Progress", contract: str, states: dict[date, str]) -> None:
    progress.say(f"{contract}: {_states(states)}")


def _states(states: dict[date, str]) -> str:
    return ", ".join(f"{day} {state}" for day, state in sorted(states.items()))


class _Progress:
    """A line whenever something has changed."""

    def __init__(self) -> None:
        self._told = ""

    def say(self, text: str) -> None:
        if text != self._told:
            self._told = text
            _console.print(text)
