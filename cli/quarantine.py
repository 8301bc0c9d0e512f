"""`fleetlake quarantine`: readings that were refused, and their replay after a contract was widened."""

import base64
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.text import cell, printable
from runtime.errors import UsageError, UserError
from runtime.settings import Settings

if TYPE_CHECKING:
    from ingestion.replay import Replayed, Watch
    from lake.contracts import Contracts
    from lake.quarantine_rows import Selection, Stored
    from runtime.platforms import Platform

app = typer.Typer(help="Readings that were refused, with their bytes and the reason.", no_args_is_help=True)
_console = Console(highlight=False, soft_wrap=True)
_errors = Console(stderr=True, highlight=False)
_CONTRACT = typer.Option("", "--contract", help="Readings whose topic names this contract.")
_REASON = typer.Option("", "--reason", help="Readings refused for this reason.")
_DAY = typer.Option("", "--day", help="Readings put to quarantine on this day, such as 2026-03-01 (UTC).")
# Enough of an id to name a row.
_ID = 12
_JSON = typer.Option(False, "--json", help="For a script.")


@app.command("list")
def list_rows(
    contract: str = _CONTRACT,
    reason: str = _REASON,
    day: str = _DAY,
    ids: bool = typer.Option(False, "--ids", help="Each row with its id, device and detail in place of the counts."),
    limit: int = typer.Option(100, min=1, help="With --ids: as many at most."),
    as_json: bool = _JSON,
) -> None:
    """How many different rows were refused, by contract, reason and day, and how many of them were replayed since.

    A row is a reading; a message that cannot be split into its readings, or is refused as a whole, is one row however many it had.
    """
    platform, _ = _lake()
    selection = _selection(contract, reason, day)
    groups = _ids(platform, selection, limit) if ids else _groups(platform, selection)
    if as_json:
        print(json.dumps(groups))
        return
    if groups and ids:
        _print_ids(groups, limit)
        return
    if not groups:
        _console.print("nothing of that is in quarantine" if contract or reason or day else "nothing is in quarantine")
        return
    table = Table(header_style="bold", padding=0)
    for heading in ("contract", "reason", "day"):
        table.add_column(heading, overflow="fold")
    for heading in ("rows", "replayed", "left"):
        table.add_column(heading, justify="right", no_wrap=True)
    for group in groups:
        numbers = [f"{group[name]:,}" for name in ("rows", "replayed", "left")]
        table.add_row(escape(cell(group["contract"])), group["reason"], group["day"], *numbers)
    _console.print(table)
    _console.print("`fleetlake quarantine list --ids` has each row with its id, `fleetlake quarantine show ID` one of them whole")


def _print_ids(rows: list[dict[str, Any]], limit: int) -> None:
    table = Table(header_style="bold", padding=0)
    table.add_column("id", no_wrap=True, min_width=_ID)
    for heading in ("contract", "reason", "device", "detail"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        names = (row["contract"], row["reason"], row["device_id"], row["detail"] or "")
        table.add_row(row["quarantine_id"][:_ID], *(escape(cell(name)) for name in names))
    _console.print(table)
    more = f"the first {limit}; --limit takes more. " if len(rows) == limit else ""
    _console.print(f"{more}`fleetlake quarantine show ID` has one of them whole")


@app.command()
def show(
    row: str = typer.Argument(help="Id of the row (quarantine_id), or its beginning."),
    contract: str = _CONTRACT,
    reason: str = _REASON,
    day: str = _DAY,
    as_json: bool = _JSON,
) -> None:
    """One refused reading: its bytes, its envelope, the reason, and whether it would pass today."""
    from lake.quarantine_rows import replayed_ids

    platform, contracts = _lake()
    stored = _named(platform, _selection(contract, reason, day), row)
    told = _told(platform, contracts, stored, stored.row.quarantine_id in replayed_ids(platform, stored.partition.contract))
    if as_json:
        print(json.dumps(told))
        return
    shown = {name: value for name, value in told.items() if name not in ("bytes_base64", "text") and value not in (None, "")}
    width = max(map(len, shown)) + 2
    for name, value in shown.items():
        _console.print(f"{name.replace('_', ' '):<{width}}{printable(str(value))}", markup=False)
    _console.print("bytes" if told["text"] is not None else "bytes, base64", style="bold")
    _console.print(printable(told["text"]) if told["text"] is not None else told["bytes_base64"], markup=False)


@app.command()
def replay(
    contract: str = _CONTRACT,
    reason: str = _REASON,
    day: str = _DAY,
    dry_run: bool = typer.Option(False, "--dry-run", help="Only tell what would pass."),
    as_json: bool = _JSON,
) -> None:
    """Decode refused readings again by today's contracts: what passes goes to bronze, what does not stays. Again, it changes nothing."""
    from ingestion.replay import Replay

    platform, contracts = _lake()
    selection = _selection(contract, reason, day)
    with _progress() as watch:
        told = Replay(platform, contracts, watch=watch, dry=dry_run).run(selection)
    if as_json:
        print(json.dumps(vars(told) | {"dry_run": dry_run}))
        return
    _print_replayed(told, dry_run)


def _print_replayed(told: "Replayed", dry_run: bool) -> None:
    verb, place = ("would be replayed", "for bronze") if dry_run else ("replayed", "put to bronze")
    again = f", refused again: {told.refused_again}" if told.refused_again else ""
    _console.print(f"rows looked at: {told.looked_at}, {verb}: {told.replayed}, readings {place}: {told.readings}{again}")
    if told.stayed:
        stayed = ", ".join(f"{reason} {number}" for reason, number in told.stayed.most_common())
        _console.print(f"as they were: {stayed}")
    if told.before:
        _console.print(f"replayed before: {told.before}")
    if told.readings and not dry_run:
        _console.print("the next run of their pipeline makes them visible")


def _lake() -> "tuple[Platform, Contracts]":
    from lake.contracts import sound_contracts
    from runtime.platforms import current_platform

    platform = current_platform(Settings.from_environment())
    return platform, sound_contracts(platform.settings.contracts_folder)


def _selection(contract: str, reason: str, day: str) -> "Selection":
    from lake.quarantine_rows import Selection
    from lake.reasons import Reason

    if reason and reason not in set(Reason):
        raise UsageError(f"--reason {reason}: there is no such reason; there are {', '.join(Reason)}")
    try:
        on = date.fromisoformat(day) if day else None
    except ValueError:
        raise UsageError(f"--day {day}: it is no day; write it as 2026-03-01") from None
    return Selection(contract or None, Reason(reason) if reason else None, on)


def _groups(platform: "Platform", selection: "Selection") -> list[dict[str, Any]]:
    """Different rows, counted where each lies; what no contract was known for stands under the name that its topic gave."""
    from lake.quarantine_rows import replayed_ids

    gone: dict[str, set[str]] = {}
    rows: Counter[tuple[str, str, str]] = Counter()
    replayed: Counter[tuple[str, str, str]] = Counter()
    for stored in _different(platform, selection):
        folder, identity = stored.partition.contract, stored.row.quarantine_id
        if folder not in gone:
            gone[folder] = replayed_ids(platform, folder)
        group = (stored.row.contract, stored.partition.reason, stored.partition.day.isoformat())
        rows[group] += 1
        replayed[group] += identity in gone[folder]
    return [
        {
            "contract": c,
            "reason": r,
            "day": d,
            "rows": rows[c, r, d],
            "replayed": replayed[c, r, d],
            "left": rows[c, r, d] - replayed[c, r, d],
        }
        for c, r, d in sorted(rows)
    ]


def _ids(platform: "Platform", selection: "Selection", limit: int) -> list[dict[str, Any]]:
    return [
        {
            "quarantine_id": stored.row.quarantine_id,
            "contract": stored.row.contract,
            "reason": stored.row.reason.value,
            "day": stored.partition.day.isoformat(),
            "device_id": stored.row.device_id,
            "detail": stored.row.detail,
        }
        for stored in islice(_different(platform, selection), limit)
    ]


def _different(platform: "Platform", selection: "Selection") -> "Iterator[Stored]":
    """A row that was put twice comes once."""
    from lake.quarantine_rows import read_rows

    seen: set[tuple[str, str]] = set()
    for stored in read_rows(platform, selection):
        known = (stored.partition.contract, stored.row.quarantine_id)
        if known not in seen:
            seen.add(known)
            yield stored


def _named(platform: "Platform", selection: "Selection", text: str) -> "Stored":
    """The row whose id begins so. Raises UserError for none, UsageError for several."""
    from lake.quarantine_rows import read_rows

    found = {stored.row.quarantine_id: stored for stored in read_rows(platform, selection) if stored.row.quarantine_id.startswith(text)}
    if not text or not found:
        raise UserError(f"quarantine row {text}: there is none; `fleetlake quarantine list --ids` names each")
    if len(found) > 1:
        raise UsageError(f"quarantine row {text}: {len(found)} rows begin so; give more of the id")
    return next(iter(found.values()))


def _told(platform: "Platform", contracts: "Contracts", stored: "Stored", is_replayed: bool) -> dict[str, Any]:
    from ingestion.replay import again
    from lake.reasons import MEANING

    row = stored.row
    found = again(row, contracts, platform.settings)
    passes = f"yes, readings: {len(found.decoded.rows)}" if found else "no"
    envelope = {
        name: getattr(row, name) for name in ("contract", "device_id", "topic", "principal", "client_id", "trace_id", "boot", "index")
    }
    try:
        text: str | None = row.content.decode()
    except UnicodeDecodeError:
        text = None
    return {
        "quarantine_id": row.quarantine_id,
        "reason": row.reason.value,
        "meaning": MEANING[row.reason],
        "detail": row.detail,
        "origin": row.origin,
        "put_on": stored.partition.day.isoformat(),
        "received_at": row.received_at.isoformat() if row.received_at else None,
        **envelope,
        "event_id": row.event_id,
        "passes_today": "replayed already" if is_replayed else passes,
        "bytes_base64": base64.b64encode(row.content).decode(),
        "text": text,
    }


@contextmanager
def _progress() -> Iterator["Watch"]:
    """A line that follows the replay, on a terminal; elsewhere nothing."""
    if not _errors.is_terminal:
        yield lambda told: None
        return
    with _errors.status("reading quarantine") as spinner:
        yield lambda told: spinner.update(f"{told.looked_at} rows looked at, readings that pass: {told.readings}")
