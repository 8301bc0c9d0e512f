"""`fleetlake login` and `logout`: signing in to the APIs."""

from typing import Any

import typer

from cli.api_client import ApiClient, login_of
from cli.password import STDIN, password
from runtime.errors import FleetlakeError, UsageError, UserError
from runtime.settings import Settings

app = typer.Typer()


@app.command()
def login(user: str = typer.Argument("", help="User name or e-mail address. [default: asked for]"), password_stdin: bool = STDIN) -> None:
    """Sign in to the APIs; the login is kept for this user of the machine alone, until `fleetlake logout`."""
    if password_stdin and not user:
        raise UsageError("login: with --password-stdin the user name must be given")
    client = ApiClient.of(Settings.from_environment())
    user_name = user or typer.prompt("User name or e-mail address")
    answer = client.without_login("/auth/login", {"user_name": user_name, "password": password(password_stdin)}).body
    while answer.get("challenge"):
        answer = client.without_login("/auth/challenge", _answered(answer["challenge"], password_stdin)).body
    client.logins.put(client.url, login_of(user_name, answer["tokens"]))
    print(f"{user_name} is signed in at {client.url}")


def _answered(challenge: dict[str, Any], password_stdin: bool) -> dict[str, str]:
    if challenge["name"] == "SOFTWARE_TOKEN_MFA":
        return {"session": challenge["session"], "code": typer.prompt("Code of your authenticator").strip()}
    if challenge["name"] == "NEW_PASSWORD_REQUIRED":
        return {"session": challenge["session"], "new_password": password(password_stdin, "New password", is_new=True)}
    raise UserError(f"login: the challenge {challenge['name']} cannot be answered here; sign in in another way")


@app.command()
def logout() -> None:
    """Sign out: no token of this login counts any more, here and elsewhere."""
    client = ApiClient.of(Settings.from_environment())
    if client.logins.of(client.url) is None:
        print(f"nobody is signed in at {client.url}")
        return
    try:
        client.call("POST", "/auth/sign-out")
    except FleetlakeError as error:
        # Forgotten here all the same; but who asked for it must know that the tokens still count.
        client.logins.put(client.url, None)
        raise UserError(f"logout: the login is forgotten here, but the APIs did not end it: {error}") from None
    client.logins.put(client.url, None)
    print(f"signed out at {client.url}")
