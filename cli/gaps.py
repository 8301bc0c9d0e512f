"""`fleetlake gaps CONTRACT`: where readings are missing, by cadence and by the devices' own counts."""

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from runtime.errors import UsageError
from runtime.settings import Settings

app = typer.Typer()
_console = Console(highlight=False, markup=False)


@app.command()
def gaps(
    contract: str = typer.Argument(help="Name of the contract, such as pump."),
    since: str = typer.Option("", "--from", help="ISO 8601 time or day, UTC where it has no zone. [default: a day ago]"),
    until: str = typer.Option("", "--to", help="The same. [default: now]"),
    device: str | None = typer.Option(None, help="One device. [default: all]"),
    as_of: str = typer.Option("", help="By what was known at this time: ISO 8601 with a zone, or latest."),
    show: int = typer.Option(50, min=0, help="Rows at most; 0 for all."),
    as_json: bool = typer.Option(False, "--json", help="For a script."),
) -> None:
    """Where a device's readings are further apart than one and a half cadences, or its count says that some are missing.

    lost: they were made and are not in silver (on their way, refused or to come). silent: the device made none. restarted: another boot.
    """
    from lake.contracts import sound_contracts
    from lake.gaps import find, heard
    from runtime.platforms import current_platform

    platform = current_platform(Settings.from_environment())
    asked = sound_contracts(platform.settings.contracts_folder).named(contract)
    now = datetime.now(UTC)
    first, end = _moment("--from", since, now - timedelta(days=1)), _moment("--to", until, now)
    found = find(platform, asked, first, end, device=device, as_of=as_of or None)
    if as_json:
        print(json.dumps([dataclasses.asdict(gap) for gap in found], default=str))
        return
    if not found:
        looked = f"between {first:%Y-%m-%d %H:%M}Z and {end:%Y-%m-%d %H:%M}Z"
        devices = heard(platform, asked, first, end, device=device, as_of=as_of or None)
        _console.print(f"{contract}: {_none(devices, device or 'any device', asked.is_measurement, looked)}")
        return
    _console.print(_table(found[:show] if show else found))
    if show and len(found) > show:
        _console.print(f"{len(found) - show} more; --show 0 shows all")


def _none(devices: int, who: str, has_cadence: bool, looked: str) -> str:
    if not devices:
        return f"nothing was heard of {who} {looked}, nor in the 30 days before"
    by = "" if has_cadence else ", by their counts alone"
    return f"no gap of {devices} device{'s' if devices != 1 else ''} {looked}{by}"


def _moment(option: str, text: str, default: datetime) -> datetime:
    if not text:
        return default
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text}: this is no ISO 8601 time, such as 2026-03-02 or 2026-03-02T12:00:00Z") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _table(found: list[Any]) -> Table:
    from cli.text import cell

    table = Table(header_style="bold")
    for heading in ("device", "from", "to", "seconds", "kind", "lost"):
        table.add_column(
            heading, justify="right" if heading in ("seconds", "lost") else "left", no_wrap=heading != "device", overflow="fold"
        )
    for gap in found:
        ends = f"{gap.ends:%m-%d %H:%M:%S}" if gap.ends else "goes on"
        lost = "" if gap.lost is None else str(gap.lost)
        table.add_row(cell(gap.device_id), f"{gap.begins:%m-%d %H:%M:%S}", ends, f"{gap.seconds:,.0f}", str(gap.kind), lost)
    return table
