"""`fleetlake simulate` and `fleetlake replay`: a simulated fleet with faults at will, and recorded data, as devices over MQTT."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

if TYPE_CHECKING:
    from local.sending import Progress as Counts
    from local.sending import Watch
    from local.simulator.fleet import Simulated
    from local.simulator.plan import Plan

app = typer.Typer()
_console = Console(highlight=False, stderr=True)
_USUAL_HOURS = 24.0
_FEWEST_HOURS = 0.1
_DEFAULT_FLEET = {"turbofan": 20, "pump": 3, "environment": 2}


@app.command()
def simulate(
    devices: list[str] = typer.Option(
        [], "--devices", "-d", metavar="CONTRACT=N", help="Devices of a contract. Default: turbofan=20 pump=3 environment=2."
    ),
    start: str = typer.Option("", help="First moment that is measured, ISO 8601. Default: the hours before the end."),
    end: str = typer.Option("", help="Moment after the last one. Default: the hours after the start, or the last full hour."),
    hours: float | None = typer.Option(
        None, help="Simulated hours before the end, or from the start where one is given; at most ten years. Default: 24."
    ),
    born: str = typer.Option(
        "", help="When the devices were new; name the first slice's start to go on with its fleet. Default: the start."
    ),
    seed: int = typer.Option(1, min=0, help="The same seed and options give the same readings."),
    faults: float = typer.Option(0.0, min=0.0, max=1.0, help="Share of readings with a fault, over all kinds that the law must bear."),
    fault: list[str] = typer.Option([], "--fault", metavar="KIND=SHARE", help="One kind of fault; `--list-faults` names them."),
    pack: int = typer.Option(100, min=1, max=250, help="Readings in a message at most."),
    prefix: str = typer.Option("", help="Device ids begin with it."),
    version_of: list[str] = typer.Option(
        [], "--version-of", metavar="CONTRACT=V", help="Version of a contract that the devices speak. Default: the newest."
    ),
    truth: Path | None = typer.Option(None, help="File for what was sent. Default: a new one in the state folder's truth/."),
    list_faults: bool = typer.Option(False, "--list-faults", help="Name the kinds of faults and stop."),
    as_json: bool = typer.Option(False, "--json", help="For a script."),
) -> None:
    """Send the readings of a simulated fleet, with faults at will, as fast as they are acknowledged."""
    if list_faults:
        _print_faults()
        return
    from local.simulator.fault_kinds import every_fault
    from local.simulator.fleet import simulate as run
    from local.simulator.plan import Plan

    since, until = _span(_moment(start, "--start"), _moment(end, "--end"), hours)
    plan = Plan(
        devices={name: _whole("--devices", name, text) for name, text in _pairs(devices, "--devices").items()} or _DEFAULT_FLEET,
        start=since,
        end=until,
        born=_moment(born, "--born"),
        seed=seed,
        faults=(every_fault(faults) if faults else {}) | {kind: _share(kind, text) for kind, text in _pairs(fault, "--fault").items()},
        pack=pack,
        prefix=prefix,
        versions={name: _whole("--version-of", name, text) for name, text in _pairs(version_of, "--version-of").items()},
    )
    platform = _platform()
    _check(plan, platform.settings.contracts_folder)
    with _progress() as watch:
        sent = run(platform, plan, truth, watch)
    _report(sent, as_json)


@app.command()
def replay(
    file: Path = typer.Argument(help="A Parquet or CSV file, or a text file of C-MAPSS."),
    contract: str = typer.Option("", help="What its rows are. Default: turbofan for C-MAPSS."),
    columns: list[str] = typer.Option([], "--map", "-m", metavar="FIELD=COLUMN", help="The column of a field, where it has another name."),
    device_column: str = typer.Option("", help="Column that names the device; without it the file is one device."),
    time_column: str = typer.Option("", help="Column with the time; without it rows are a cadence apart."),
    end: str = typer.Option("", help="Moment of the newest row, ISO 8601. Default: now, or the time column as it is."),
    prefix: str | None = typer.Option(None, help="Device ids begin with it. Default: the file's name."),
    pack: int = typer.Option(100, min=1, max=250, help="Readings in a message at most."),
    failures: bool = typer.Option(False, "--failures", help="Each device fails after its last row: send its failure event."),
    remaining: Path | None = typer.Option(None, help="File of the cycles that each device still had: its failure comes so much later."),
    events_only: bool = typer.Option(False, "--events-only", help="Send the failure events and no reading."),
    truth: Path | None = typer.Option(None, help="File for what was sent. Default: a new one in the state folder's truth/."),
    as_json: bool = typer.Option(False, "--json", help="For a script."),
) -> None:
    """Send recorded data as devices: each row a reading over MQTT."""
    from local.replay import Replay
    from local.replay import replay as run

    asked = Replay(
        file=file,
        contract=contract,
        columns=_pairs(columns, "--map"),
        device_column=device_column,
        time_column=time_column,
        end=_moment(end, "--end"),
        prefix=prefix,
        pack=pack,
        failures=failures or (events_only and remaining is None),
        remaining=remaining,
        readings=not events_only,
    )
    with _progress() as watch:
        sent = run(_platform(), asked, truth, watch)
    _report(sent, as_json)


@contextmanager
def _progress() -> Iterator["Watch"]:
    """A line that follows the sending, on a terminal; elsewhere nothing."""
    if not _console.is_terminal:
        yield lambda _: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=_console, transient=True
    )
    task = bar.add_task("preparing", total=None)

    def watch(now: "Counts") -> None:
        if now.connected < now.devices:
            bar.update(task, description="devices connected", completed=now.connected, total=now.devices)
        else:
            bar.update(task, description="readings answered", completed=now.acknowledged + now.refused, total=now.planned)

    with bar:
        yield watch


def _report(sent: "Simulated", as_json: bool) -> None:
    facts: dict[str, Any] = {name: value for name, value in vars(sent).items() if name != "truth_file"}
    if as_json:
        print(json.dumps(facts | {"truth_file": str(sent.truth_file)}))
        return
    print(f"sent {sent.readings} readings in {sent.messages} messages: {sent.acknowledged} acknowledged, {sent.refused} refused")
    if sent.faults:
        print("faults: " + ", ".join(f"{kind} {count}" for kind, count in sent.faults.items()))
    print(f"truth: {sent.truth_file}")


def _print_faults() -> None:
    from local.simulator.fault_kinds import FOR_THE_GATE, KINDS

    for kind, fault in KINDS.items():
        note = " Not among --faults." if kind in FOR_THE_GATE else ""
        print(f"{kind:<14} share of {fault.befalls}s: {fault.sentence}{note}")


def _platform() -> Any:
    from runtime.platforms import current_platform

    return current_platform()


def _check(plan: "Plan", folder: Path) -> None:
    """What the plan refuses is off in the command line, but for a contract whose file is wrong."""
    from lake.contracts import sound_contracts
    from runtime.errors import UsageError, UserError

    contracts = sound_contracts(folder)
    try:
        plan.check(contracts)
    except UserError as error:
        if error in contracts.wrong.values():
            raise
        raise UsageError(str(error)) from None


def _last_full_hour() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def _moment(text: str, option: str) -> datetime | None:
    from runtime.errors import UsageError

    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r}: it must be ISO 8601 such as 2026-11-01T00:00:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _lasting(hours: float) -> timedelta:
    """Checked here and not by Typer, whose `min` and `max` let ``nan`` pass."""
    from local.simulator.plan import LONGEST
    from runtime.errors import UsageError

    most = LONGEST / timedelta(hours=1)
    if not _FEWEST_HOURS <= hours <= most:
        raise UsageError(f"--hours {hours:.12g}: it must be between {_FEWEST_HOURS} and {most:g} (ten years)")
    return timedelta(hours=hours)


def _span(start: datetime | None, end: datetime | None, hours: float | None) -> tuple[datetime, datetime]:
    """From two of the three; up to the last full hour where only a start is given."""
    from runtime.errors import UsageError

    lasting = _lasting(_USUAL_HOURS if hours is None else hours)
    if start and end:
        if hours is not None:
            raise UsageError(f"--hours {hours:g}: --start and --end say already how long; leave one of the three out")
        return start, end
    try:
        if start:
            return start, _last_full_hour() if hours is None else start + lasting
        until = end or _last_full_hour()
        return until - lasting, until
    except OverflowError:
        count = f"{lasting / timedelta(hours=1):g} hours"
        if start:
            raise UsageError(f"--start {start.isoformat()}: no calendar has the {count} after it") from None
        raise UsageError(f"--end {until.isoformat()}: no calendar has the {count} before it") from None


def _pairs(texts: list[str], option: str) -> dict[str, str]:
    from runtime.errors import UsageError

    pairs: dict[str, str] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not (name and separator and value):
            raise UsageError(f"{option} {text!r}: it must be NAME=VALUE")
        if name in pairs:
            raise UsageError(f"{option} {name}: it is given twice, as {pairs[name]} and as {value}; leave one of them out")
        pairs[name] = value
    return pairs


def _whole(option: str, name: str, text: str) -> int:
    from runtime.errors import UsageError

    try:
        return int(text)
    except ValueError:
        raise UsageError(f"{option} {name}={text}: it must be a whole number") from None


def _share(kind: str, text: str) -> float:
    from runtime.errors import UsageError

    try:
        return float(text)
    except ValueError:
        raise UsageError(f"--fault {kind}={text}: it must be a share between 0 and 1") from None
