"""`fleetlake lineage`: from a prediction back to the message, by the tables."""

import dataclasses
import json
from typing import Any

import typer
from rich.console import Console
from rich.tree import Tree

from runtime.settings import Settings

app = typer.Typer(help="Where a prediction comes from.", no_args_is_help=True)
_console = Console(highlight=False, markup=False)


@app.callback()
def _group() -> None:
    """More kinds of thing will have a lineage; so its one command is named."""


@app.command()
def prediction(
    key: str = typer.Argument(metavar="ID", help="contract/model/version/device/time, as gold.predictions has them."),
    as_json: bool = typer.Option(False, "--json", help="For a script."),
) -> None:
    """A prediction's model, feature row, reading, runs, bronze object and message."""
    from lake.lineage import of_prediction
    from runtime.platforms import current_platform

    found = of_prediction(current_platform(Settings.from_environment()), key)
    if as_json:
        print(json.dumps(dataclasses.asdict(found), default=str))
        return
    _console.print(_tree(found))


def _tree(found: Any) -> Tree:
    tree = Tree(f"prediction {found.key}: {found.score:.1f} ({found.label}), {_by(found.run)}")
    model = found.model
    tree.add(
        f"model {found.key.model} {found.key.version}: "
        + (
            f"trained on what was known at {model.as_of}, code {model.code_version}, {model.artifact}"
            if model
            else "no training run of it is noted"
        )
    )
    features = tree.add(
        f"features.{found.key.contract} at snapshot {found.features.snapshot}"
        + ("" if found.features.is_as_it_was else ", which was expired: as they are now")
        + f", {', '.join(_by(run) for run in found.features.runs) or 'by a run that is not noted'}"
    )
    for reading in found.readings:
        row = features.add(f"reading {reading.event_id} of {reading.event_time}, {_by(reading.run)}{_replaced(reading)}")
        for message in reading.messages:
            bronze = row.add(f"{message.object}, row {message.row}")
            bronze.add(_message(message))
        if not reading.messages:
            row.add("its bronze object is gone or cannot be read")
    return tree


def _by(run: Any) -> str:
    return f"by run {run.run_id}" + (f", known since {run.known_at:%Y-%m-%d %H:%M:%S}Z" if run.known_at else ", not noted as visible")


def _replaced(reading: Any) -> str:
    return f", replaced by {reading.superseded_by}" if reading.superseded_by else ""


def _message(message: Any) -> str:
    from cli.text import printable

    count = f", boot {message.boot}, seq {message.seq}" if message.boot else ""
    words = f"message on {message.topic} received {message.received_at}{count}; client {message.client_id}, certificate {message.principal}, trace {message.trace_id}"
    return printable(words)
