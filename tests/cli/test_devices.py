"""`fleetlake login` and `fleetlake devices` against the APIs on a real socket; AWS is moto, sign-in a stand-in."""

import fcntl
import json
import stat
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
from cli.api_client import ApiClient, Login, Logins, api_url
from cli.device_files import devices_of
from runtime.errors import ServiceError, SettingsError, UsageError, UserError
from runtime.settings import Settings
from services.application import create
from services.problems import Unauthenticated
from tests.services.devices.surroundings import Api, NamesAsTokens, ServicesByHand, running_api
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

    def login(self, text: str = "correct horse\n") -> Any:
        return self.runner.invoke(login.app, ["login", "olga"], input=text)

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


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
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


def test_a_device_is_made_shown_changed_found_and_deleted(site: Site) -> None:
    assert site.login().exit_code == 0
    made = site.told("create", "engine-7", "--type", "turbofan", "--attribute", "site=x", "--group", "hall-3", "--tag", "team=a b")
    key, certificate = (Path(file) for file in made["files"])
    assert (key, certificate) == (Path("engine-7/device.key"), Path("engine-7/device.pem"))
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert key.read_text().startswith("-----BEGIN RSA PRIVATE KEY")
    assert "PRIVATE" not in json.dumps(made)
    site.told("update", "engine-7", "--attribute", "site=y", "--attribute", "n=1", "--remove", "groups.hall-3", "--remove", "type")
    shown = site.told("show", "engine-7")
    assert (shown["type"], shown["attributes"], shown["groups"], shown["tags"]) == (None, {"n": "1", "site": "y"}, [], {"team": "a b"})
    assert [each["device_id"] for each in site.told("search", "attributes.site:y")] == ["engine-7"]
    assert site.told("search", "attributes.site:x") == []
    assert [line["what"] for line in site.told("history", "engine-7")] == ["changed", "created"]
    assert site.run("delete", "engine-7").exit_code == 1
    assert site.told("delete", "engine-7", "--yes")["certificates"][0]["outcome"] == "deactivated and deleted"
    assert site.told("list") == []


def test_people_are_told_in_words(site: Site) -> None:
    site.login()
    assert "engine-7 is made; engine-7/device.key and engine-7/device.pem" in site.run("create", "engine-7", "--type", "pump").stdout
    assert "engine-7" in site.run("list").stdout
    assert "owner           id-of-olga" in site.run("show", "engine-7").stdout
    assert "has version 2" in site.run("update", "engine-7", "--tag", "a=b").stdout
    assert 'tags.a: null -> "b"' in site.run("history", "engine-7").stdout
    assert "1 shadow" not in site.runner.invoke(devices.app, ["delete", "engine-7"], input="y\n").stdout
    assert "there is none that you may see" in site.run("list").stdout


def test_a_certificate_is_changed_over(site: Site) -> None:
    site.login()
    site.told("create", "engine-7")
    old = site.told("show", "engine-7")["certificate_ids"][0]
    refused = site.run("certificate", "engine-7")
    assert "holds a key already" in str(refused.exception)
    new = site.told("certificate", "engine-7", "--out", "next")
    assert Path("next/device.key").exists()
    assert site.told("certificate", "engine-7", "--remove", old)["certificate_ids"] == [new["certificate_id"]]


def test_a_list_goes_over_all_pages_and_ends_at_its_limit(site: Site) -> None:
    site.login()
    Path("some.json").write_text(json.dumps([{"device_id": f"e{n}"} for n in range(5)]))
    assert site.told("import", "some.json")["created"] == 5
    client = ApiClient(site.url, Logins())
    assert [each["device_id"] for each in client.pages("/api/v1/devices", {"limit": 2}, "devices")] == ["e0", "e1", "e2", "e3", "e4"]
    assert [each["device_id"] for each in site.told("list", "--sort=-device_id", "--limit", "2")] == ["e4", "e3"]


def test_a_csv_is_imported_and_failures_end_with_code_1(site: Site) -> None:
    site.login()
    Path("fleet.csv").write_text(
        'device_id,type,groups,attributes.site,tags.team\ne1,pump,hall-3;east,x,\n"e2",,,,"a, b"\n'.replace("a, b", "a b")
    )
    assert site.told("import", "fleet.csv")["created"] == 2
    assert site.told("show", "e1")["groups"] == ["east", "hall-3"]
    assert site.told("show", "e2")["tags"] == {"team": "a b"}
    Path("fleet.csv").write_text("device_id,type\ne1,turbofan\ne3,pump\n")
    result = site.run("import", "fleet.csv")
    assert isinstance(result.exception, UserError)
    assert "1 of 2 devices failed, 1 are made" in str(result.exception)
    assert "e1: ResourceAlreadyExistsException" in result.stdout


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("a.json", "{", "no JSON"),
        ("a.json", "3", "no list of devices"),
        ("a.json", '["x"]', "no list of devices"),
        ("a.csv", "device_id,colour\ne1,red\n", "no column colour"),
        ("a.csv", "device_id\ne1,x\n", "line 2: it has other columns"),
        ("a.csv", "device_id,type\ne1\n", "line 2: it has other columns"),
        ("gone.json", None, "No such file"),
    ],
)
def test_a_file_that_is_no_import_is_refused_with_its_place(tmp_path: Path, name: str, text: str | None, why: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=why):
        devices_of(tmp_path / name)


def test_a_login_is_kept_for_its_owner_alone_and_holds_no_password(site: Site) -> None:
    site.login()
    assert stat.S_IMODE(site.logins.stat().st_mode) == 0o600
    assert stat.S_IMODE(site.logins.parent.stat().st_mode) == 0o700
    assert list(json.loads(site.logins.read_text())) == [site.url]
    assert "horse" not in site.logins.read_text()


def test_a_login_answers_the_challenges_that_come(site: Site) -> None:
    site.sign_in.asks = ["NEW_PASSWORD_REQUIRED", "SOFTWARE_TOKEN_MFA"]
    result = site.login("correct horse\nfresh one\nfresh one\n 123456\n")
    assert result.exit_code == 0
    assert site.sign_in.seen == [{"session": "s-1", "new_password": "fresh one"}, {"session": "s-1", "code": "123456"}]
    assert "fresh" not in result.stdout
    assert site.told("list") == []


def test_a_wrong_password_signs_nobody_in(site: Site) -> None:
    refused = site.login("wrong\n")
    assert "user name or password is wrong" in str(refused.exception)
    assert "nobody is signed in" in str(site.run("list").exception)


def test_a_token_that_has_ended_is_renewed_and_the_call_made(site: Site) -> None:
    site.login()
    site.sign_in.ended_tokens.add("operator-olga")
    assert site.told("list") == []
    assert site.sign_in.refreshes == 1
    assert site.told("list") == []
    assert site.sign_in.refreshes == 1


def test_a_token_that_is_about_to_end_is_renewed_before_it_is_sent(site: Site) -> None:
    site.sign_in.seconds = 10
    site.login()
    site.sign_in.seconds = 3600
    site.told("list")
    assert site.sign_in.refreshes == 1


def test_a_login_that_has_ended_is_forgotten_and_said(site: Site) -> None:
    site.login()
    site.sign_in.ended_tokens.add("operator-olga")
    site.sign_in.is_ended = True
    assert "has ended; sign in again" in str(site.run("list").exception)
    assert "nobody is signed in" in str(site.run("list").exception)


def test_a_logout_ends_the_session_and_forgets_it(site: Site) -> None:
    site.login()
    assert site.logout().exit_code == 0
    assert site.sign_in.ended_tokens == {"Bearer operator-olga"}
    assert json.loads(site.logins.read_text()) == {}
    assert "nobody is signed in" in site.logout().stdout


def test_what_is_no_id_goes_into_no_path(site: Site) -> None:
    for device in ("../../etc", "a/b", "", "a b", "x" * 129, "ä"):
        for command in ("create", "show", "delete", "history", "update", "certificate"):
            assert isinstance(site.run(command, device).exception, UsageError)
    assert isinstance(site.run("certificate", "engine-7", "--remove", "../x").exception, UsageError)
    assert sorted(path.name for path in site.folder.iterdir()) == ["home"]


def test_what_the_api_refuses_is_said_with_its_place(site: Site) -> None:
    site.login()
    refused = site.run("create", "engine-7", "--attribute", "a b=c", "--out", "files")
    assert isinstance(refused.exception, UserError)
    assert "body.attributes.a b" in str(refused.exception)
    assert "character 12" in str(site.run("search", "thingName:(").exception)
    assert "none that you may see" in str(site.run("show", "engine-9").exception)
    assert "write it as NAME=VALUE" in str(site.run("create", "engine-7", "--tag", "x").exception)


def test_without_a_cloud_the_way_to_one_is_said(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="fleetlake up"):
        api_url(Settings(home=tmp_path))


def test_no_password_travels_in_the_clear(tmp_path: Path) -> None:
    with supervised(tmp_path, "http://api.example.com"), pytest.raises(SettingsError, match="https"):
        api_url(Settings(home=tmp_path))


def test_apis_that_do_not_answer_are_said_to_be_away(tmp_path: Path) -> None:
    logins = Logins(tmp_path / "logins.json")
    logins.put("http://127.0.0.1:9", Login("olga", "operator-olga", "r", 9e9))
    with pytest.raises(ServiceError, match="do not answer"):
        ApiClient("http://127.0.0.1:9", logins).call("GET", "/api/v1/devices")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"http://127.0.0.1:9": {"user_name": "olga"}}', '{"http://127.0.0.1:9": 3}'])
def test_a_damaged_file_of_logins_is_nobody_signed_in(tmp_path: Path, text: str) -> None:
    file = tmp_path / "logins.json"
    file.write_text(text)
    with pytest.raises(UserError, match="nobody is signed in"):
        ApiClient("http://127.0.0.1:9", Logins(file)).call("GET", "/api/v1/devices")
