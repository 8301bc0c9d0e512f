"""`fleetlake login` and `logout`: who is signed in, where it is kept, and where the APIs are."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.api_client import ApiClient, Login, Logins, api_url
from runtime.errors import ServiceError, SettingsError, UserError
from runtime.settings import Settings
from tests.cli.api_site import Site, running_site, supervised


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with running_site(tmp_path, monkeypatch) as running:
        yield running


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


def test_a_script_gives_the_password_and_what_is_asked_next_by_standard_input(site: Site) -> None:
    site.sign_in.asks = ["NEW_PASSWORD_REQUIRED", "SOFTWARE_TOKEN_MFA"]
    result = site.login("correct horse\nfresh one\n123456\n", "olga", "--password-stdin")
    assert result.exit_code == 0
    assert site.sign_in.seen == [{"session": "s-1", "new_password": "fresh one"}, {"session": "s-1", "code": "123456"}]
    assert "the user name must be given" in str(site.login("correct horse\n", "--password-stdin").exception)


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
