"""The APIs on a real socket for the command line's tests; AWS is moto, sign-in a stand-in."""

import fcntl
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import APIRouter, FastAPI, HTTPException, Request
from typer.testing import CliRunner

from cli import devices, login
from services.application import create
from services.problems import Unauthenticated
from tests.services.devices.surroundings import Api, ServicesByHand, running_api
from tests.services.people import NamesAsTokens
from tests.waiting import eventually


@dataclass
class SignIn:
    """Knows olga's password; a refresh gives her next token. `asks` are the challenges before the tokens."""

    asks: list[str] = field(default_factory=list)
    refreshes: int = 0
    seen: list[dict[str, Any]] = field(default_factory=list)
    is_ended: bool = False
    ended_tokens: set[str] = field(default_factory=set)
    seconds: int = 3600

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/auth")
        router.add_api_route("/login", self.login, methods=["POST"])
        router.add_api_route("/challenge", self.challenge, methods=["POST"])
        router.add_api_route("/refresh", self.refresh, methods=["POST"])
        router.add_api_route("/sign-out", self.sign_out, methods=["POST"], status_code=204)
        return router

    def login(self, body: dict[str, Any]) -> Any:
        if body["password"] != "correct horse":
            raise Unauthenticated("user name or password is wrong")
        return self._next()

    def challenge(self, body: dict[str, Any]) -> Any:
        self.seen.append(body)
        return self._next()

    def _next(self) -> Any:
        if self.asks:
            return {"challenge": {"name": self.asks.pop(0), "session": "s-1"}}
        return {"tokens": self._tokens()}

    def _tokens(self) -> dict[str, Any]:
        return {"access_token": f"operator-olga{self.refreshes or ''}", "refresh_token": "refresh-1", "expires_in": self.seconds}

    def refresh(self, body: dict[str, Any]) -> Any:
        if self.is_ended or body["refresh_token"] != "refresh-1":
            raise HTTPException(400, "Refresh Token has been revoked")
        self.refreshes += 1
        return self._tokens() | {"refresh_token": None}

    def sign_out(self, request: Request) -> None:
        self.ended_tokens.add(request.headers["authorization"])


@dataclass
class Site:
    """The APIs on a socket, and a folder that the commands work in."""

    api: Api
    sign_in: SignIn
    url: str
    folder: Path
    runner: CliRunner = field(default_factory=CliRunner)

    @property
    def logins(self) -> Path:
        return self.folder / "config" / "fleetlake" / "logins.json"

    def login(self, text: str = "correct horse\n", *arguments: str) -> Any:
        return self.runner.invoke(login.app, ["login", *(arguments or ("olga",))], input=text)

    def logout(self) -> Any:
        return self.runner.invoke(login.app, ["logout"])

    def run(self, *arguments: str) -> Any:
        return self.runner.invoke(devices.app, list(arguments))

    def told(self, *arguments: str) -> Any:
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.exception
        return json.loads(result.stdout)


class Tokens(NamesAsTokens):
    """Each of olga's tokens is olga; those that have ended are refused."""

    def __init__(self, ended: set[str]) -> None:
        self._ended = ended

    def verify(self, token: str) -> Any:
        if token in self._ended:
            raise Unauthenticated("the access token is not valid: expired")
        return super().verify(token.rstrip("0123456789"))


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        eventually(lambda: server.started, 10, "the server started")
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def supervised(home: Path, url: str) -> Iterator[None]:
    """As a running supervisor leaves its addresses."""
    (home / "run").mkdir(parents=True)
    (home / "run" / "endpoints.json").write_text(json.dumps({"api_url": url}))
    with open(home / "run" / "supervisor.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def running_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """With a home, a configuration folder and a working folder of the test's own."""
    monkeypatch.setenv("FLEETLAKE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    sign_in = SignIn()
    monkeypatch.setattr(ServicesByHand, "tokens", property(lambda self: Tokens(sign_in.ended_tokens)))
    with running_api() as api:
        app = create(api.services, ["devices"])
        app.include_router(sign_in.router())
        with served(app) as url, supervised(tmp_path / "home", url):
            yield Site(api, sign_in, url, tmp_path)
