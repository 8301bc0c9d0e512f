"""What a person sees of a disk that is full: a line with the place and the remedy, and of the status what can be known."""

import errno
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
from sqlalchemy.exc import OperationalError

from cli import main, verify
from cli.main import run
from lake import catalog
from tests.runtime.test_disk import sqlite_full

REMEDY = "the disk is full; make room on it, then run it again"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lake without a catalog, whose disk has no room for one."""
    (tmp_path / "cloud" / "s3").mkdir(parents=True)
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth" / "t.jsonl").write_text(
        '{"kind": "run", "format": 1}\n{"kind": "reading", "message": "m", "contract": "boiler", "device_id": "b", "topic": "t"}\n'
    )
    monkeypatch.setenv("FLEETLAKE_HOME", str(tmp_path))

    def no_room(*_: Any, **__: Any) -> NoReturn:
        cause = sqlite_full()
        raise OperationalError("CREATE TABLE iceberg_tables (\n…\n)", {}, cause) from cause

    monkeypatch.setattr(catalog, "load_catalog", no_room)
    return tmp_path


def test_verify_and_other_readers_name_the_disk_and_the_remedy_in_a_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["verify", "--wait", "0"], ["quality", "list"], ["query", "SELECT * FROM silver.pump"]):
        assert run(words) == 1
        assert capsys.readouterr().err == f"fleetlake: catalog of the lake in {home}: {REMEDY}\n"


@pytest.mark.usefixtures("home")
def test_the_status_shows_what_a_full_disk_still_tells(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status"]) == 0
    shown = capsys.readouterr().out
    silver = next(line for line in shown.splitlines() if "silver" in line)
    assert [cell.strip() for cell in silver.split("│")[1:3]] == ["silver", "?"]
    assert "messages in the queues: ?" in shown


def refused(error: Exception) -> Callable[..., NoReturn]:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise error

    return refuse


@pytest.mark.parametrize("of_home", [True, False])
def test_what_has_no_name_is_the_homes_disk_only_where_that_is_full(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], of_home: bool
) -> None:
    monkeypatch.setattr(verify, "facts", refused(OSError(errno.ENOSPC, "No space left on device")))
    monkeypatch.setattr("lake.law.verify", lambda *_, **__: None)
    monkeypatch.setattr(main, "is_full", lambda _: of_home)
    assert run(["verify", "--json"]) == 1
    said = f"{home}: {REMEDY}" if of_home else "the machine: No space left on device"
    assert capsys.readouterr().err == f"fleetlake: {said}\n"


@pytest.mark.usefixtures("home")
def test_a_file_that_found_no_room_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("lake.law.verify", refused(OSError(errno.ENOSPC, "No space left on device", "/t/truth.jsonl")))
    assert run(["verify"]) == 1
    assert capsys.readouterr().err == f"fleetlake: /t/truth.jsonl: {REMEDY}\n"


def test_a_sqlite_file_that_nobody_names_is_in_the_home(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("lake.law.verify", refused(sqlite_full()))
    monkeypatch.setattr(main, "is_full", lambda _: True)
    assert run(["verify"]) == 1
    assert capsys.readouterr().err == f"fleetlake: {home}: {REMEDY}\n"


@pytest.mark.usefixtures("home")
def test_another_error_of_the_catalog_stays_what_it_is(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(catalog, "load_catalog", refused(sqlite3.OperationalError("no such table: x")))
    assert run(["quality", "list"]) == 1
    assert "unexpected OperationalError: no such table: x" in capsys.readouterr().err
