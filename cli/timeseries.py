"""`fleetlake timeseries`: catch up what the time-series store missed, and let go what it need not keep."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from runtime.errors import ServiceError, UsageError
from runtime.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from lake.contracts import Contracts
    from runtime.platforms import Platform

app = typer.Typer(help="The time-series store: catch it up from bronze, let old readings go.", no_args_is_help=True)
_console = Console(highlight=False, soft_wrap=True)
_CONTRACT = typer.Option("", help="This contract alone.")
_JSON = typer.Option(False, "--json", help="For a script.")


@app.command("catch-up")
def catch_up(
    contract: str = _CONTRACT,
    since: str = typer.Option("", help="Write all that came to bronze since this time, noted or not: for a new or emptied store."),
    as_json: bool = _JSON,
) -> None:
    """Write the readings from bronze that the store missed. Run it again at will: it goes on where it was, and writes nothing twice."""
    from botocore.exceptions import BotoCoreError, ClientError

    from ingestion.catch_up import catch_up as write

    platform, contracts = _surroundings(contract)
    total = {"objects": 0, "written": 0, "refused": 0, "gone": 0}
    try:
        keys = _keys(platform, contracts, contract, since)
        with _progress(len(keys)) as advance:
            for key in keys:
                caught = write(platform, key)
                total["objects"] += 1
                total["written"] += caught.written
                total["refused"] += caught.refused
                total["gone"] += caught.is_gone
                advance(f"{total['written']} readings")
    except (ClientError, BotoCoreError) as error:
        raise ServiceError(f"timeseries catch-up: {error}; {_done(total)} so far; run it again to go on") from None
    except ServiceError as error:
        raise ServiceError(f"{error}; {_done(total)} so far; run it again to go on") from None
    print(json.dumps(total) if as_json else _done(total) if keys else "the time series missed nothing")


@app.command()
def tend(contract: str = _CONTRACT, as_json: bool = _JSON) -> None:
    """Make the windows that the contracts ask for and let go what is too old; workers do it themselves once an hour."""
    from ingestion.retention import tend as keep
    from lake.missed import missed

    platform, contracts = _surroundings(contract)
    chosen = [one for one in contracts.values() if one.timeseries and contract in ("", one.name)]
    made = {}
    for one in chosen:
        if next(missed(platform, one.name), None):
            raise ServiceError(f"timeseries tend: the store missed readings of {one.name}; first `fleetlake timeseries catch-up`")
        made[one.name] = keep(platform.time_series(), one, datetime.now(UTC))
    if as_json:
        print(json.dumps(made))
    elif not chosen:
        print("no contract says how long the time series keeps its readings (`timeseries: {keep_days: 30}`)")
    else:
        print("\n".join(f"{name}: {count} windows written" for name, count in made.items()))


def _surroundings(contract: str) -> "tuple[Platform, Contracts]":
    from lake.contracts import sound_contracts
    from runtime.platforms import current_platform

    settings = Settings.from_environment()
    contracts = sound_contracts(settings.contracts_folder)
    if contract:
        contracts.named(contract)
    return current_platform(settings), contracts


def _keys(platform: "Platform", contracts: "Contracts", contract: str, since: str) -> list[str]:
    from ingestion.catch_up import put_since
    from lake.missed import missed

    if since:
        return list(put_since(platform, [contract] if contract else contracts, _moment(since)))
    return list(missed(platform, contract))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--since {text!r}: this is no ISO 8601 time; write it like 2026-11-24T09:00:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _done(total: dict[str, int]) -> str:
    more = [f"{total[name]} {words}" for name, words in (("refused", "readings refused"), ("gone", "objects gone")) if total[name]]
    return ", ".join([f"{total['written']} readings of {total['objects']} objects written", *more])


@contextmanager
def _progress(objects: int) -> "Iterator[Callable[[str], None]]":
    """A line that follows the objects, on a terminal; elsewhere nothing."""
    if not _console.is_terminal:
        yield lambda _: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_console, transient=True) as bar:
        task = bar.add_task("objects", total=objects)
        yield lambda words: bar.update(task, advance=1, description=words)
