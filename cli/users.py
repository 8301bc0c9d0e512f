"""`fleetlake users`: users, their roles and what they may do, over the APIs with the stored login."""

import json
import re
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from cli.api_client import ApiClient
from cli.password import STDIN, password
from cli.text import cell, printable
from runtime.errors import UsageError, UserError
from runtime.settings import Settings

app = typer.Typer(help="Users, their roles, grants and denials, over the APIs.", no_args_is_help=True)
_console = Console(highlight=False, soft_wrap=True)
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_JSON = typer.Option(False, "--json", help="For a script.")
_USER = typer.Argument(help="User name (administrators) or user id.")
_DEVICES = typer.Option([], "--device", help="A device; more than once for several.")
_GROUPS = typer.Option([], "--group", help="A thing group; more than once for several.")
_TAGS = typer.Option([], "--tag", help="A tag, NAME=VALUE; more than once for several.")
_RIGHTS = typer.Option([], "--right", help="read, write, command or update; more than once for several.")


@app.command("first-admin")
def first_admin(
    user: str = typer.Argument(help="User name."), email: str = typer.Argument(help="E-mail address."), password_stdin: bool = STDIN
) -> None:
    """Make the first administrator of the laptop's cloud, who makes all others; on AWS it is made in Cognito's console."""
    from local.user_pool import make_administrator
    from runtime.platforms import current_platform

    make_administrator(current_platform(Settings.from_environment()), user, email, password(password_stdin, is_new=True))
    _say(f"{user} is an administrator; sign in by `fleetlake login {user}`")


@app.command("list")
def list_users(
    filter_: str = typer.Option("", "--filter", help="As Cognito has it, such as 'email ^= \"anna\"'."), as_json: bool = _JSON
) -> None:
    """All users (administrators)."""
    found = list(_client().pages("/users", {"filter": filter_} if filter_ else {}, "users"))
    if as_json:
        print(json.dumps(found))
        return
    table = Table()
    for heading in ("user", "e-mail", "status", "id"):
        table.add_column(heading)
    for user in found:
        table.add_row(cell(user["user_name"]), cell(user["email"] or ""), user["status"], user["user_id"])
    _console.print(table if found else "there is none")


@app.command()
def show(
    user: str = _USER,
    device: str = typer.Option("", help="Say of this device why each right is allowed or refused."),
    as_json: bool = _JSON,
) -> None:
    """What a user may do, and why."""
    client = _client()
    path = f"/users/{_id_of(client, user)}"
    rights = client.call("GET", f"{path}/permissions", query={"device_id": device} if device else {}).body
    if as_json:
        print(json.dumps(client.call("GET", path).body | {"permissions": rights}))
        return
    _say(f"{user} is {rights['role']}: {rights['by_role']}")
    for grant in rights["grants"]:
        until = f" until {grant['expires_at']}" if grant["expires_at"] else ""
        _say(f"grant {grant['grant_id']}: {', '.join(grant['rights'])} on {grant['scope']} {grant['value']}{until}: {grant['reason']}")
    for denial in rights["denials"]:
        _say(f"denial {denial['denial_id']}: {', '.join(denial['rights'])} on {denial['scope']} {denial['value']}")
    for told in rights["explained"]:
        _say(f"{told['right']} {told['device_id']}: {'allowed' if told['is_allowed'] else 'refused'}, {told['reason']}")


@app.command()
def roles(
    user: str = _USER, role: list[str] = typer.Argument(help="All that the user shall have: admin, operator, viewer, device.")
) -> None:
    """Give a user roles in place of those it has (administrators)."""
    client = _client()
    told = client.call("PUT", f"/users/{_id_of(client, user)}/roles", {"roles": role}).body
    _say(f"{user} is {told['role']}")


@app.command()
def confirm(user: str = _USER) -> None:
    """Confirm a user who signed up and has no code (administrators)."""
    client = _client()
    client.call("POST", f"/users/{_id_of(client, user)}/confirm")
    _say(f"{user} is confirmed")


@app.command()
def grant(
    user: str = _USER,
    devices: list[str] = _DEVICES,
    groups: list[str] = _GROUPS,
    tags: list[str] = _TAGS,
    rights: list[str] = _RIGHTS,
    until: str = typer.Option("", help="Its end, such as 2027-01-01T00:00:00Z; without it the grant has none."),
) -> None:
    """Grant rights: administrators on anything, an owner on its devices."""
    client, given = _client(), {"rights": rights or ["read"]} | ({"expires_at": until} if until else {})
    asked = {"devices": devices, "groups": groups, "tags": tags}
    if not any(asked.values()):
        raise UsageError("grant: on what? give --device, --group or --tag")
    path = f"/users/{_id_of(client, user)}/permissions"
    for kind, values in asked.items():
        if values:
            for each in client.call("POST", f"{path}/{kind}", {kind: values, **given}).body["grants"]:
                _say(f"grant {each['grant_id']}: {', '.join(each['rights'])} on {each['scope']} {each['value']}")


@app.command()
def revoke(
    user: str = _USER,
    devices: list[str] = _DEVICES,
    groups: list[str] = _GROUPS,
    tags: list[str] = _TAGS,
    rights: list[str] = _RIGHTS,
    grant_id: str = typer.Option("", "--grant", help="Take away this one grant instead; others go on counting."),
) -> None:
    """Deny rights, all where none is named, whatever is granted (administrators); or take one grant away."""
    client = _client()
    path = f"/users/{_id_of(client, user)}"
    if grant_id:
        client.call("DELETE", f"{path}/permissions/{_rule(grant_id)}")
        _say(f"grant {grant_id} is taken away")
        return
    if not (devices or groups or tags):
        raise UsageError("revoke: what? give --device, --group, --tag or --grant")
    body: dict[str, Any] = {"devices": devices, "groups": groups, "tags": tags} | ({"rights": rights} if rights else {})
    for each in client.call("POST", f"{path}/denials", body).body["denials"]:
        _say(f"denial {each['denial_id']}: {', '.join(each['rights'])} on {each['scope']} {each['value']}")


@app.command()
def lift(user: str = _USER, denial: str = typer.Argument(help="Id of a denial, as `show` has it.")) -> None:
    """Lift a denial: what is granted counts again (administrators)."""
    client = _client()
    client.call("DELETE", f"/users/{_id_of(client, user)}/denials/{_rule(denial)}")
    _say(f"denial {denial} is lifted")


@app.command()
def audit(user: str = _USER, as_json: bool = _JSON) -> None:
    """Each change of a user's rights, the newest first: who, what, before, after (administrators)."""
    client = _client()
    lines = list(client.pages(f"/users/{_id_of(client, user)}/audit", {}, "lines"))
    if as_json:
        print(json.dumps(lines))
        return
    for line in lines:
        _say(f"{line['at']}  {line['what']} by {line['who_name']}: {json.dumps(line['before'])} -> {json.dumps(line['after'])}")


def _say(text: str) -> None:
    _console.print(printable(text), markup=False)


def _rule(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{16}", text):
        raise UsageError(f"{text!r} is no id of a grant or denial: those have 16 hex digits; `fleetlake users show USER` has them")
    return text


def _id_of(client: ApiClient, user: str) -> str:
    """Of a name an administrator may ask; everybody else knows an id."""
    if _ID.fullmatch(user):
        return user
    quoted = user.replace("\\", "").replace('"', "")
    found = [each["user_id"] for each in client.pages("/users", {"filter": f'username = "{quoted}"'}, "users") if each["user_name"] == user]
    if not found:
        raise UserError(f"user {user}: there is none of that name; `fleetlake users list` has them")
    return str(found[0])


def _client() -> ApiClient:
    return ApiClient.of(Settings.from_environment())
