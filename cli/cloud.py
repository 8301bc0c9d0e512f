"""`fleetlake up`, `down` and `status`: the laptop's cloud in the background."""

import dataclasses
import json
from datetime import UTC, datetime
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from runtime.settings import Settings

app = typer.Typer()
_console = Console(highlight=False)
_WIDE = 80


@app.command()
def up() -> None:
    """Start the laptop's cloud with the Airflow UI, in the background."""
    from local import daemon, surroundings
    from local.instance import Instance
    from local.processes import ALL_PARTS

    settings = Settings.from_environment()
    surroundings.check_platform(settings)
    found = Instance(settings.home).running()
    if found:
        until = f"; it is that of {found['by']} and stops with it" if found.get("by") else ""
        _console.print(f"it is running already{until}", markup=False)
    else:
        with _console.status("starting") as spinner:
            daemon.start(settings, ALL_PARTS, lambda sentence: spinner.update(sentence))
    _print_addresses(settings)


@app.command()
def down() -> None:
    """Stop it; the lake stays."""
    from local import daemon

    with _console.status("stopping"):
        found = daemon.stop(Settings.from_environment())
    _console.print(found, markup=False, soft_wrap=True)


@app.command()
def status(as_json: bool = typer.Option(False, "--json", help="For a script.")) -> None:
    """What runs where on a laptop, and, there and on AWS, how far each hop is behind."""
    settings = Settings.from_environment()
    facts = _facts(settings)
    if as_json:
        print(json.dumps(facts))
        return
    if not _is_laptops(settings):
        _console.print("on AWS; what runs there its own consoles say, and what is in bronze and quarantine Athena", soft_wrap=True)
    elif not facts["processes"]:
        _console.print(f"the laptop's cloud in {settings.home} is not running; `fleetlake up` starts it", soft_wrap=True)
    else:
        _console.print(_process_table(facts["processes"]))
        _print_addresses(settings)
    if facts["hops"]:
        _console.print(_hop_table(facts["hops"], (facts["signals"] or {}).get("lags", {})))
    if facts["signals"]:
        _print_signals(facts["signals"])
        # Of a laptop whose cloud does not run the first line has said so.
        if facts["signals"]["unasked"] and (facts["processes"] or not _is_laptops(settings)):
            _console.print(f"the queues cannot be asked: {facts['signals']['unasked']}", style="red", markup=False, soft_wrap=True)
    for crash in [*facts["damaged"], *facts["crashes"]]:
        _console.print(crash, style="red", markup=False, soft_wrap=True)
    if facts["why"]:
        from local.child import in_a_line

        _console.print(f"it stopped because of: {in_a_line(facts['why'])}", markup=False, soft_wrap=True)
    if facts["disk"]:
        _console.print(facts["disk"], style="red", markup=False, soft_wrap=True)


def _is_laptops(settings: Settings) -> bool:
    return settings.platform == "local"


def _has_lake(settings: Settings) -> bool:
    return not _is_laptops(settings) or (settings.home / "cloud" / "s3").exists()


def _facts(settings: Settings) -> dict[str, Any]:
    hops, damaged = _hops(settings)
    return _laptop(settings) | {"hops": hops, "damaged": damaged, "signals": _signals(settings)}


def _laptop(settings: Settings) -> dict[str, Any]:
    """Processes, addresses and crashes; on AWS none."""
    if not _is_laptops(settings):
        return {"home": str(settings.home), "processes": [], "endpoints": {}, "crashes": [], "why": "", "disk": ""}
    from local.instance import Instance
    from local.status import rows
    from local.surroundings import short_of_room

    instance = Instance(settings.home)
    state = instance.state() or {}
    return {
        "home": str(settings.home),
        "processes": [dataclasses.asdict(row) for row in rows(settings)],
        "endpoints": instance.endpoints() if instance.is_claimed() else {},
        "crashes": state.get("crashes", []),
        "why": instance.why_it_ended(),
        "disk": short_of_room(settings),
    }


def _hops(settings: Settings) -> tuple[list[dict[str, Any]], list[str]]:
    """How far readings have come, and what of the truth cannot be read; nothing where there never was a lake."""
    if not _has_lake(settings):
        return [], []
    from lake.hops import HopCounter, truth_files
    from runtime.platforms import current_platform

    counter = HopCounter(current_platform(settings), truth_files(settings.home))
    hops = [dataclasses.asdict(hop) | {"newest": hop.newest.isoformat() if hop.newest else None} for hop in counter.read()]
    return hops, counter.damaged


def _signals(settings: Settings) -> dict[str, Any] | None:
    """Depth, age and refusals; None where there never was a lake."""
    if not _has_lake(settings):
        return None
    from lake.signals import read_signals
    from runtime.platforms import current_platform

    return dataclasses.asdict(read_signals(current_platform(settings)))


def _print_signals(signals: dict[str, Any]) -> None:
    depth = signals["depth"]
    waiting = ", ".join(f"{name} {count:,}" for name, count in depth.items()) if depth else "?"
    _console.print(f"messages in the queues: {waiting}", markup=False, soft_wrap=True)
    if signals["oldest_seconds"]:
        ages = ", ".join(f"{name} {seconds:,.0f} s" for name, seconds in signals["oldest_seconds"].items())
        _console.print(f"age of the oldest: {ages}", markup=False, soft_wrap=True)
    if signals["refused"]:
        shares = ", ".join(f"{reason} {share:.2%}" for reason, share in signals["refused"].items())
        _console.print(f"quarantined, of the rows of the last 24 h: {shares}", markup=False, soft_wrap=True)


def _hop_table(hops: list[dict[str, Any]], lags: dict[str, dict[str, float]]) -> Table:
    table = Table(title="how far readings have come", title_justify="left")
    for heading in ("hop", "readings", "newest", "since the rule, p50 / p99", "by contract"):
        table.add_column(heading, justify="right" if heading == "readings" else "left")
    for hop in hops:
        # Messages, each with a pack of readings, is what a queue knows.
        unit = " messages" if hop["name"] == "queued" else ""
        count = "?" if hop["readings"] is None else f"{hop['readings']:,}{unit}"
        contracts = ", ".join(f"{name} {number:,}" for name, number in hop["by_contract"].items())
        table.add_row(hop["name"], count, _ago(hop["newest"]), _lag(lags.get(hop["name"])), contracts)
    return table


def _lag(lag: dict[str, float] | None) -> str:
    return f"{lag['p50']:,.1f} s / {lag['p99']:,.1f} s" if lag else ""


def _ago(moment: str | None) -> str:
    if moment is None:
        return ""
    seconds = (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
    return f"{seconds:.0f} s ago" if seconds < 120 else f"{seconds / 60:.0f} min ago"


def _process_table(processes: list[dict[str, Any]]) -> Table:
    table = Table(title="the laptop's cloud", title_justify="left")
    table.add_column("process", no_wrap=True, min_width=max(len(row["name"]) for row in processes))
    # What it does, the last of six, is what a narrow terminal can do without.
    shown = 6 if _console.width >= _WIDE else 5
    for heading in ("state", "pid", "ports", "MB", "up", "what it does")[:shown]:
        table.add_column(heading)
    for row in processes:
        style = "green" if row["state"] == "healthy" else "red"
        ports = " ".join(str(port) for port in row["ports"])
        up_for = f"{row['seconds'] / 60:.0f} min"
        cells = [f"[{style}]{row['state']}[/]", str(row["pid"]), ports, f"{row['megabytes']:.0f}", up_for, row["what"]]
        table.add_row(row["name"], *cells[:shown])
    return table


def _print_addresses(settings: Settings) -> None:
    from local.airflow_environment import login
    from local.instance import Instance

    endpoints = Instance(settings.home).endpoints()
    lines = {"AWS": endpoints.get("aws_endpoint"), "MQTT": f"{endpoints.get('mqtt_host')}:{endpoints.get('mqtt_port')} (mutual TLS)"}
    if "api_url" in endpoints:
        lines["API"] = f"{endpoints['api_url']}   operations: {endpoints['api_url']}/docs"
    if "airflow_url" in endpoints:
        lines["Airflow"] = f"{endpoints['airflow_url']}   user {login(settings)[0]}, password {login(settings)[1]}"
    for name, text in lines.items():
        _console.print(f"{name:<8} {text}", markup=False, soft_wrap=True)
