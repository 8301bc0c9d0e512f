"""`fleetlake users` and `shadow` against the laptop's cloud with its own Cognito: what an administrator types, and what a user then sees."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import devices, login, shadow, users
from fleet.user_pool import pool_ids
from runtime.errors import UsageError, UserError
from tests.cloud import Cloud, running_cloud
from tests.services.auth.cloud_site import mailed

pytestmark = pytest.mark.cloud

_PASSWORD = "Long-enough-for-anyone-1"
Run = Callable[..., str]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running_cloud(tmp_path_factory.mktemp("users") / "home", ("emulator", "api")) as running:
        yield running


@pytest.fixture
def run(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs one command of the two groups, or of login and devices; its output, or what it raised."""
    monkeypatch.setenv("FLEETLAKE_HOME", str(cloud.settings.home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    groups = {"users": users.app, "shadow": shadow.app, "devices": devices.app}

    def command(line: str, typed: str = "") -> str:
        words = line.split()
        chosen = groups.get(words[0])
        result = runner.invoke(chosen or login.app, words[1:] if chosen else words, input=typed)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    return command


def test_an_administrator_gives_and_takes_and_the_user_sees_it(cloud: Cloud, run: Run) -> None:
    with pytest.raises(UsageError, match="choose another password"):
        run("users first-admin root root@example.com --password-stdin", "short\n")
    assert "root is an administrator" in run("users first-admin root root@example.com", f"{_PASSWORD}\n{_PASSWORD}\n")
    with pytest.raises(UsageError, match="there is one already"):
        run("users first-admin rita rita@example.com", f"{_PASSWORD}\n{_PASSWORD}\n")
    run("login root", f"{_PASSWORD}\n")
    run("devices create engine-7")
    cloud.platform.client("cognito-idp").sign_up(
        ClientId=pool_ids(cloud.platform).client,
        Username="ben",
        Password=_PASSWORD,
        UserAttributes=[{"Name": "email", "Value": "ben@example.com"}],
    )
    assert mailed(cloud, "ben@example.com")
    assert "ben is confirmed" in run("users confirm ben")
    assert "ben is operator" in run("users roles ben operator")
    listed = json.loads(run("users list --json"))
    assert {user["user_name"] for user in listed} == {"root", "ben"}
    assert [user["user_name"] for user in json.loads(run("""users list --json --filter username="ben" """))] == ["ben"]
    granted = run("users grant ben --device engine-7 --right read --right command")
    assert "read, command on device engine-7" in granted.replace("command, read", "read, command")
    told = run("users show ben --device engine-7")
    assert "read engine-7: allowed" in told
    assert "write engine-7: refused" in told
    _of_ben(run)
    run("login root", f"{_PASSWORD}\n")
    denial = run("users revoke ben --device engine-7").split()[1].rstrip(":")
    assert "read engine-7: refused" in run("users show ben --device engine-7")
    assert "is lifted" in run(f"users lift ben {denial}")
    assert "read engine-7: allowed" in run("users show ben --device engine-7")
    whats = [line["what"] for line in json.loads(run("users audit ben --json"))]
    assert whats[:2] == ["lift-denial", "deny"]


def _of_ben(run: Run) -> None:
    run("login ben", f"{_PASSWORD}\n")
    assert "engine-7 has version 1" in run("shadow desire engine-7 rpm=900 fan.level=3 mode=auto")
    assert json.loads(run("shadow show engine-7"))["state"]["desired"] == {"rpm": 900, "fan": {"level": 3}, "mode": "auto"}
    assert "engine-7 has version 2" in run("shadow desire engine-7 fan.level= --version 1")
    with pytest.raises(UserError, match="Version conflict"):
        run("shadow desire engine-7 rpm=1 --version 1")
    with pytest.raises(UserError, match="write device engine-7"):
        run("shadow delete engine-7 --yes")
    run("shadow desire engine-7 --name config a=1")
    assert run("shadow names engine-7").split() == ["config"]
    with pytest.raises(UserError, match="operation is for admins"):
        run("users list")


def test_what_makes_no_sense_is_refused_before_anybody_is_asked(run: Run) -> None:
    for line in ("users grant ben", "users revoke ben", "shadow desire engine-7 rpm", "users lift ben nonsense"):
        with pytest.raises((UsageError, UserError)):
            run(line)
