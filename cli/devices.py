"""`fleetlake devices`: the registry of devices, over the APIs with the stored login."""

import json
import uuid
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli import device_files
from cli.api_client import ApiClient
from cli.text import cell, counted, printable
from runtime.errors import UserError
from runtime.settings import Settings

app = typer.Typer(help="Devices: their registry, certificates and history, over the APIs.", no_args_is_help=True)
_console = Console(highlight=False, soft_wrap=True)
_PATH = "/api/v1/devices"
_AT_ONCE = 1_000
_NOT_BEGUN = "RequestTimeoutException"

_JSON = typer.Option(False, "--json", help="For a script.")
_ID = typer.Argument(help="The device's id.", callback=lambda device: device_files.checked_id(device))
_TYPE = typer.Option(None, "--type", help="Its thing type; made when first named.")
_ATTRIBUTES = typer.Option([], "--attribute", help="NAME=VALUE; more than once for several.")
_GROUPS = typer.Option([], "--group", help="A thing group; more than once for several.")
_TAGS = typer.Option([], "--tag", help="NAME=VALUE; more than once for several.")
_SORT = typer.Option("device_id", help="device_id, created_at, updated_at or last_seen; with - before it the last come first.")
_LIMIT = typer.Option(100, min=1, help="As many at most.")


@app.command("list")
def list_devices(sort: str = _SORT, limit: int = _LIMIT, as_json: bool = _JSON) -> None:
    """The devices that you may read."""
    _list("", sort, limit, as_json)


@app.command()
def search(
    query: str = typer.Argument(help="Such as 'attributes.site:hall-3 AND lastSeen < 2026-11-28', in AWS's fleet-index syntax."),
    sort: str = _SORT,
    limit: int = _LIMIT,
    as_json: bool = _JSON,
) -> None:
    """The devices that a query finds among those that you may read."""
    _list(query, sort, limit, as_json)


def _list(query: str, sort: str, limit: int, as_json: bool) -> None:
    asked = {"sort": sort, "limit": min(limit, 250)} | ({"query": query} if query else {})
    found: list[dict[str, Any]] = []
    for device in _client().pages(_PATH, asked, "devices"):
        if len(found) == limit:
            break
        found.append(device)
    if as_json:
        print(json.dumps(found))
    elif found:
        _console.print(_table(found))
    else:
        _console.print("there is none that you may see" if not query else "the query finds none that you may see")


@app.command()
def show(device: str = _ID, as_json: bool = _JSON) -> None:
    """All that the registry says of a device."""
    told = _client().call("GET", f"{_PATH}/{device}").body
    if as_json:
        print(json.dumps(told))
        return
    for name, value in told.items():
        text = ", ".join(f"{key}={each}" for key, each in value.items()) if isinstance(value, dict) else value
        text = ", ".join(text) if isinstance(text, list) else text
        if text not in (None, ""):
            _console.print(f"{name.replace('_', ' '):<16}{printable(str(text))}", markup=False)


@app.command()
def create(
    device: str = _ID,
    type_: str = _TYPE,
    attributes: list[str] = _ATTRIBUTES,
    groups: list[str] = _GROUPS,
    tags: list[str] = _TAGS,
    csr: Path = typer.Option(None, help="PEM of a certificate request: the key stays on the device."),
    out: Path = typer.Option(None, help="Folder for key and certificate. [default: one of the device's id, here]"),
    as_json: bool = _JSON,
) -> None:
    """Make a device; its key and certificate are written to files, the key for your eyes alone. It is shown this once."""
    folder = out or Path(device)
    body: dict[str, Any] = {"device_id": device, **_draft(type_, attributes, groups, tags)}
    if csr:
        body["csr"] = device_files.read(csr, "certificate request")
    client = _client()
    device_files.check_folder(folder)
    told = client.call("POST", _PATH, body, Idempotency_Key=str(uuid.uuid4())).body
    certificate = told.pop("certificate")
    files = device_files.write_certificate(folder, certificate)
    if as_json:
        print(json.dumps({**told, "files": [str(file) for file in files]}))
    else:
        _console.print(f"{device} is made; {' and '.join(str(file) for file in files)} are what it connects with", markup=False)
        if certificate["note"]:
            _console.print(certificate["note"], markup=False)


def _draft(type_: str | None, attributes: list[str], groups: list[str], tags: list[str]) -> dict[str, Any]:
    said = {"attributes": device_files.pairs(attributes, "--attribute"), "tags": device_files.pairs(tags, "--tag"), "groups": groups}
    return said | ({"type": type_} if type_ else {})


@app.command()
def certificate(
    device: str = _ID,
    csr: Path = typer.Option(None, help="PEM of a certificate request: the key stays on the device."),
    out: Path = typer.Option(None, help="Folder for key and certificate. [default: one of the device's id, here]"),
    remove: str = typer.Option("", help="Id of a certificate to take away instead; it opens no connection any more."),
    as_json: bool = _JSON,
) -> None:
    """Another certificate for a device, or one less. To change over: ask for one, put it on the device, remove the old one."""
    client, path = _client(), f"{_PATH}/{device}/certificates"
    if remove:
        told = client.call("DELETE", f"{path}/{device_files.checked_certificate(remove)}").body
        print(json.dumps(told)) if as_json else _console.print(f"{device} has {counted(len(told['certificate_ids']), 'certificate')} left")
        return
    folder = out or Path(device)
    body = {"csr": device_files.read(csr, "certificate request")} if csr else {}
    device_files.check_folder(folder)
    issued = client.call("POST", path, body).body
    files = [str(file) for file in device_files.write_certificate(folder, issued)]
    if as_json:
        print(json.dumps({"certificate_id": issued["certificate_id"], "files": files}))
    else:
        _console.print(f"certificate {issued['certificate_id']} is in {' and '.join(files)}", markup=False)


@app.command()
def update(
    device: str = _ID,
    type_: str = _TYPE,
    attributes: list[str] = _ATTRIBUTES,
    groups: list[str] = _GROUPS,
    tags: list[str] = _TAGS,
    remove: list[str] = typer.Option([], "--remove", help="type, attributes.NAME, groups.NAME or tags.NAME; more than once for several."),
    as_json: bool = _JSON,
) -> None:
    """Change what is said of a device; what is not named stays. Refused where somebody else changed it at the same moment."""
    client = _client()
    read = client.call("GET", f"{_PATH}/{device}")
    draft = {name: read.body[name] for name in ("type", "attributes", "groups", "tags")}
    for name in remove:
        _remove(draft, name, device)
    added = _draft(type_, attributes, groups, tags)
    for part in ("attributes", "tags"):
        draft[part] = {**draft[part], **added[part]}
    draft["groups"] = sorted({*draft["groups"], *added["groups"]})
    draft["type"] = added.get("type", draft["type"])
    told = client.call("PUT", f"{_PATH}/{device}", draft, If_Match=read.etag).body
    print(json.dumps(told)) if as_json else _console.print(f"{device} has version {told['version']}", markup=False)


def _remove(draft: dict[str, Any], name: str, device: str) -> None:
    part, _, key = name.partition(".")
    if name == "type":
        draft["type"] = None
    elif part == "groups" and key in draft["groups"]:
        draft["groups"].remove(key)
    elif part in ("attributes", "tags") and key in draft[part]:
        del draft[part][key]
    else:
        raise UserError(f"update {device}: it has no {name} to remove")


@app.command()
def delete(
    device: str = _ID,
    yes: bool = typer.Option(False, "--yes", help="Do not ask."),
    as_json: bool = _JSON,
) -> None:
    """Take a device away, with its certificates, shadows, open jobs and grants. Its history and its rows in the lake stay."""
    client = _client()
    read = client.call("GET", f"{_PATH}/{device}")
    if not yes:
        typer.confirm(f"Delete {device}, which is of {read.body['created_at']}? It cannot connect any more", abort=True)
    told = client.call("DELETE", f"{_PATH}/{device}", If_Match=read.etag).body
    if as_json:
        print(json.dumps(told))
        return
    for each in told["certificates"]:
        _console.print(f"certificate {each['certificate_id'][:12]}…: {each['outcome']}", markup=False)
    grants = f"{counted(told['grants_removed'], 'grant')} removed"
    shadows, jobs = counted(len(told["shadows_deleted"]), "shadow"), counted(len(told["jobs_cancelled"]), "job")
    _console.print(f"{shadows} deleted, {jobs} cancelled, {grants}; rows in the lake: {told['lake_rows']}", markup=False)


@app.command("import")
def import_devices(
    file: Path = typer.Argument(help="JSON (a list of devices) or CSV (device_id, type, groups, attributes.NAME, tags.NAME)."),
    as_json: bool = _JSON,
) -> None:
    """Make many devices. Run it again at will: what is there already stays. Exit code 1 where one failed."""
    devices = device_files.devices_of(file)
    client = _client()
    entries: list[dict[str, Any]] = []
    for begin in range(0, len(devices), _AT_ONCE):
        entries += _imported(client, devices[begin : begin + _AT_ONCE])
    counts = {fate: sum(entry["outcome"] == fate for entry in entries) for fate in ("created", "exists", "failed")}
    if as_json:
        print(json.dumps({**counts, "devices": entries}))
    for entry in entries if not as_json else []:
        if entry["outcome"] == "failed":
            _console.print(f"{entry['device_id']}: {entry['code']}: {printable(entry['detail'])}", markup=False)
    if counts["failed"]:
        raise UserError(f"import {file}: {counts['failed']} of {counted(len(entries), 'device')} failed, {counts['created']} are made")
    if not as_json:
        _console.print(f"{counted(counts['created'], 'device')} made, {counts['exists']} were there already")


def _imported(client: ApiClient, devices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As often as it takes: one call begins what it can within its time."""
    told: dict[str, dict[str, Any]] = {}
    left = devices
    while left:
        entries = client.call("POST", f"{_PATH}/import", {"devices": left}).body["devices"]
        told |= {entry["device_id"]: entry for entry in entries}
        still = [item for item, entry in zip(left, entries, strict=True) if entry["code"] == _NOT_BEGUN]
        # Where none was begun, the APIs are too slow to go on.
        left = still if len(still) < len(left) else []
    return list(told.values())


@app.command()
def history(device: str = _ID, limit: int = _LIMIT, as_json: bool = _JSON) -> None:
    """Each version of a device, the newest first: who made it, when, what changed."""
    lines: list[dict[str, Any]] = []
    for line in _client().pages(f"{_PATH}/{device}/history", {"limit": min(limit, 250)}, "lines"):
        if len(lines) == limit:
            break
        lines.append(line)
    if as_json:
        print(json.dumps(lines))
        return
    for line in lines:
        _console.print(f"{line['version']:>4}  {line['at']}  {printable(line['user_name'])}: {line['what']}", markup=False)
        for change in line["changes"]:
            told = f"      {change['field']}: {json.dumps(change['before'])} -> {json.dumps(change['after'])}"
            _console.print(printable(told), markup=False)


def _table(devices: list[dict[str, Any]]) -> Table:
    table = Table(header_style="bold", padding=0)
    for heading in ("device", "type", "groups", "state", "version", "updated", "last seen"):
        table.add_column(heading, overflow="fold")
    for device in devices:
        texts = [device["device_id"], device["type"] or "", ", ".join(device["groups"]), device["state"], str(device["version"])]
        table.add_row(*(escape(cell(text)) for text in [*texts, device["updated_at"], device["last_seen"] or ""]))
    return table


def _client() -> ApiClient:
    return ApiClient.of(Settings.from_environment())
