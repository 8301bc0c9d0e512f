"""`fleetlake shadow`: shadows of devices, over the APIs with the stored login."""

import json
from typing import Any

import typer
from rich.console import Console

from cli import device_files
from cli.api_client import ApiClient
from cli.text import printable
from runtime.errors import UsageError
from runtime.settings import Settings

app = typer.Typer(help="Shadows: what devices should be, and say they are, over the APIs.", no_args_is_help=True)
_console = Console(highlight=False, soft_wrap=True)
_LONGEST_WAIT = 20

_DEVICE = typer.Argument(help="The device's id.", callback=lambda device: device_files.checked_id(device))
_NAME = typer.Option("", "--name", help="Of a named shadow. [default: the classic one]")


@app.command()
def show(device: str = _DEVICE, name: str = _NAME) -> None:
    """The shadow as JSON: desired, reported, their difference."""
    _print(_client().call("GET", _path(device, name)).body)


@app.command()
def names(device: str = _DEVICE) -> None:
    """The device's named shadows."""
    client, token = _client(), ""
    while True:
        page = client.call("GET", f"/devices/{device}/shadows", query={"next_token": token} if token else {}).body
        for name in page["results"]:
            print(name)
        token = page["next_token"]
        if not token:
            return


@app.command()
def desire(
    device: str = _DEVICE,
    values: list[str] = typer.Argument(help="KEY=JSON, such as rpm=900 or fan.level=3; KEY= takes the key away. A text needs no quotes."),
    name: str = _NAME,
    version: int = typer.Option(None, help="Only where the shadow has this version."),
) -> None:
    """Say what the device should be."""
    document: dict[str, Any] = {"state": {"desired": _nested(values)}}
    if version is not None:
        document["version"] = version
    accepted = _client().call("PUT", _path(device, name), document).body
    _console.print(f"{device} has version {accepted['version']}", markup=False)


@app.command()
def history(device: str = _DEVICE, name: str = _NAME, limit: int = typer.Option(25, min=1, max=100)) -> None:
    """The newest versions: when, by whom, and the state."""
    for line in _client().call("GET", f"/devices/{device}/shadows/history", query=_named(name) | {"limit": limit}).body["versions"]:
        state = json.dumps((line["document"] or {}).get("state"))
        gone = f", deleted {line['deleted_at']} by {line['deleted_by'] or 'the device'}" if line["deleted_at"] else ""
        _console.print(printable(f"{line['version']:>6}  {line['at']}  by {line['by'] or 'the device'}{gone}: {state}"), markup=False)


@app.command()
def restore(
    device: str = _DEVICE, version: int = typer.Argument(help="The version whose desired state is wanted again."), name: str = _NAME
) -> None:
    """Make the desired state what it was at a version."""
    accepted = _client().call("POST", f"/devices/{device}/shadows/restore", {"version": version}, _named(name)).body
    _console.print(f"{device} has version {accepted['version']}", markup=False)


@app.command()
def delete(device: str = _DEVICE, name: str = _NAME, yes: bool = typer.Option(False, "--yes", help="Do not ask.")) -> None:
    """Delete a shadow; its history stays, and its version number goes on."""
    if not yes and not typer.confirm(f"delete shadow {name or 'classic'} of {device}?"):
        raise typer.Abort
    _client().call("DELETE", _path(device, name))
    _console.print(f"shadow {name or 'classic'} of {device} is deleted", markup=False)


@app.command()
def watch(device: str = _DEVICE, name: str = _NAME) -> None:
    """Print each difference between desired and reported as it comes, until Ctrl-C."""
    client, known = _client(), 0
    while True:
        asked = _named(name) | {"after_version": known, "wait_seconds": _LONGEST_WAIT}
        if delta := client.call("GET", f"/devices/{device}/shadows/delta", query=asked).body:
            known = delta["version"]
            print(json.dumps(delta), flush=True)


def _nested(values: list[str]) -> dict[str, Any]:
    desired: dict[str, Any] = {}
    for pair in values:
        key, sign, text = pair.partition("=")
        if not key or not sign:
            raise UsageError(f"desire {pair!r}: give KEY=VALUE, such as rpm=900")
        *path, last = key.split(".")
        place = desired
        for part in path:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise UsageError(f"desire {pair!r}: {part} has a value already")
        place[last] = _value(text)
    return desired


def _value(text: str) -> Any:
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def _path(device: str, name: str) -> str:
    return f"/devices/{device}/shadow" + (f"/{name}" if name else "")


def _named(name: str) -> dict[str, Any]:
    return {"name": name} if name else {}


def _print(document: Any) -> None:
    print(json.dumps(document, indent=2))


def _client() -> ApiClient:
    return ApiClient.of(Settings.from_environment())
