"""`fleetlake dead-letter`: messages that could not be processed, and their way back."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.text import cell, counted, printable
from runtime.errors import ServiceError, UsageError, UserError
from runtime.settings import Settings

if TYPE_CHECKING:
    from ingestion.dead_letters import Content
    from ingestion.redrive import Watch
    from lake.dead_letter_queue import DeadLetterQueue
    from runtime.platforms import Platform
    from runtime.sqs import Message

app = typer.Typer(help="The dead-letter queue: messages that failed in five tries.", no_args_is_help=True)
_console = Console(highlight=False, soft_wrap=True)
_errors = Console(stderr=True, highlight=False)
# While one is looked at it is hidden from others: an operator does not hide the whole of a deep queue.
_MOST = 1_000


@app.command("list")
def list_letters(
    limit: int = typer.Option(100, min=1, max=_MOST, help="As many at most."),
    as_json: bool = typer.Option(False, "--json", help="For a script."),
) -> None:
    """What lies there, since when the device's message is on its way, and what decode says of it now. Looking takes nothing away.

    Receives: how often the message was handed out, the tries that failed and all looks at it since. While it is looked at, others do not see it.
    """
    from ingestion.dead_letters import facts
    from lake.dead_letter_queue import DeadLetterQueue

    platform = _platform()
    queue = DeadLetterQueue(platform)
    now = datetime.now(UTC)
    found = _contents(platform, queue.read(limit))
    total = max(queue.waiting(), len(found))
    # Fewer than were asked for: the others would not be handed out.
    hidden = total - len(found) if len(found) < limit else 0
    rows = [facts(letter, content, now) for letter, content in found]
    if as_json:
        print(json.dumps({"queue": queue.name, "messages": total, "hidden": hidden, "letters": rows}))
        return
    if not total:
        _console.print(f"nothing is in {queue.name}")
        return
    if not found:
        _console.print(f"{_all_hidden(total)}: {queue.name}")
        return
    _console.print(_table(rows))
    rest = f", {len(found)} of them above" if total > len(found) else ""
    others = f", {hidden} being looked at" if hidden else ""
    _console.print(f"{counted(total, 'message')} in {queue.name}{rest}{others}; `fleetlake dead-letter redrive` moves them back")


@app.command()
def show(
    message: str = typer.Argument(help="Id of the message, or its beginning, as in `dead-letter list`."),
    as_json: bool = typer.Option(False, "--json", help="For a script."),
) -> None:
    """One message whole: envelope, the device's bytes, what decode says of it now."""
    from ingestion.dead_letters import whole
    from lake.dead_letter_queue import DeadLetterQueue

    platform = _platform()
    letter = _find(DeadLetterQueue(platform), [message])[message]
    ((_, content),) = _contents(platform, [letter])
    told = whole(letter, content, datetime.now(UTC))
    if as_json:
        print(json.dumps(told))
        return
    for name in ("message_id", "sent_at", "receives", "source", "device_id", "contract", "topic", "readings", "says"):
        if told[name] not in (None, ""):
            _console.print(f"{name.replace('_', ' '):<12}{printable(str(told[name]))}", markup=False)
    _console.print("envelope", style="bold")
    _console.print(json.dumps(told["envelope"], indent=2) if told["envelope"] is not None else printable(told["body"]), markup=False)
    _console.print("payload" if told["payload"] is not None else "payload, base64", style="bold")
    _console.print(printable(told["payload"]) if told["payload"] is not None else told["payload_base64"], markup=False)


@app.command()
def redrive(
    messages: list[str] = typer.Argument(None, help="Ids of the messages, or their beginnings. [default: all that are there]"),
    as_json: bool = typer.Option(False, "--json", help="For a script."),
) -> None:
    """Move messages back to the queue that gave them up. Ctrl-C stops it; what was moved stays moved, and it can be run again."""
    from ingestion.redrive import Redrive
    from lake.dead_letter_queue import DeadLetterQueue

    platform = _platform()
    queue = DeadLetterQueue(platform)
    wanted: set[str] | None = None
    if messages:
        wanted = {letter.message_id for letter in _find(queue, messages).values()}
    with _progress() as watch:
        work = Redrive(platform, queue, watch)
        moved = work.all() if wanted is None else work.some(wanted)
    left = queue.waiting()
    if as_json:
        print(json.dumps({"queue": queue.name, "moved": moved, "left": left}))
    if left and not moved:
        raise ServiceError(f"redrive of {queue.name}: nothing was moved: {_all_hidden(left)}; run it again then")
    if not as_json:
        _console.print(f"{counted(moved, 'message')} moved back, {left} left in {queue.name}")


def _all_hidden(messages: int) -> str:
    from lake.dead_letter_queue import hidden_seconds

    return f"{counted(messages, 'message')}, all being looked at; visible again within {hidden_seconds(messages)} s"


def _platform() -> "Platform":
    from runtime.platforms import current_platform

    return current_platform(Settings.from_environment())


def _contents(platform: "Platform", letters: list["Message"]) -> list[tuple["Message", "Content"]]:
    from ingestion.dead_letters import content_of
    from lake.contracts import sound_contracts

    contracts = sound_contracts(platform.settings.contracts_folder)
    return [(letter, content_of(letter, contracts, platform.settings)) for letter in letters]


def _find(queue: "DeadLetterQueue", texts: list[str]) -> dict[str, "Message"]:
    """For each text the letter whose id begins so. Raises UserError for none, UsageError for several."""
    letters = queue.read(_MOST)
    unseen = queue.waiting() - len(letters)
    return {text: _named(letters, text, unseen) for text in texts}


def _named(letters: list["Message"], text: str, unseen: int) -> "Message":
    found = [letter for letter in letters if text and letter.message_id.startswith(text)]
    if not found:
        beyond = f" among the {len(letters)} that could be looked at; {unseen} others are there" if unseen > 0 else ""
        raise UserError(f"dead letter {text}: there is no such message{beyond}; `fleetlake dead-letter list` names what is there")
    if len(found) > 1:
        raise UsageError(f"dead letter {text}: {len(found)} messages begin so; give more of the id")
    return found[0]


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(header_style="bold", padding=0)
    table.add_column("message", no_wrap=True)
    table.add_column("age", justify="right", no_wrap=True)
    table.add_column("receives", justify="right")
    for heading in ("device", "contract", "decode says now"):
        table.add_column(heading, overflow="fold")
    # As much of each id as tells it from the others.
    width = next(n for n in range(8, 65) if len({row["message_id"][:n] for row in rows}) == len(rows))
    for row in rows:
        told = [escape(cell(row["device_id"])), escape(cell(row["contract"])), escape(printable(row["says"]))]
        table.add_row(row["message_id"][:width], _age(row["age_seconds"]), str(row["receives"]), *told)
    return table


def _age(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


@contextmanager
def _progress() -> Iterator["Watch"]:
    """A line that follows the moving, on a terminal; elsewhere nothing."""
    if not _errors.is_terminal:
        yield lambda moved, of: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    bar = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=_errors, transient=True)
    task = bar.add_task("messages moved", total=None)
    with bar:
        yield lambda moved, of: bar.update(task, completed=moved, total=max(moved, of))
