"""`fleetlake devices` against the APIs on a real socket."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli import devices
from cli.api_client import ApiClient, Logins
from cli.device_files import devices_of
from runtime.errors import UsageError, UserError
from tests.cli.api_site import Site, running_site


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with running_site(tmp_path, monkeypatch) as running:
        yield running


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
