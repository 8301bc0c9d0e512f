"""Airflow's database is migrated when it is new or Airflow is, and not at each start."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local import airflow_setup
from local.airflow_environment import data_folder
from tests.cloud import settings_for


@pytest.fixture
def migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The commands that were run, of a laptop whose database has just been made."""
    settings = settings_for(tmp_path)
    monkeypatch.setattr("runtime.settings.Settings.from_environment", lambda: settings)
    monkeypatch.setattr(airflow_setup, "_create_database", lambda sockets: None)
    ran: list[Any] = []

    def migrate(command: list[str], **_: Any) -> "subprocess.CompletedProcess[bytes]":
        ran.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", migrate)
    _make_database(tmp_path)
    return ran


def _make_database(home: Path) -> Path:
    note = data_folder(settings_for(home)) / "PG_VERSION"
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text("18\n")
    return note


def test_a_database_is_migrated_once(tmp_path: Path, migrations: list[Any]) -> None:
    assert [airflow_setup.main(), airflow_setup.main()] == [0, 0]
    assert len(migrations) == 1


def test_a_database_that_root_hands_to_another_user_is_the_same_one(tmp_path: Path, migrations: list[Any]) -> None:
    airflow_setup.main()
    note = data_folder(settings_for(tmp_path)) / "PG_VERSION"
    changed = note.stat().st_ctime_ns
    while note.stat().st_ctime_ns == changed:
        os.chown(note, os.getuid(), os.getgid())
    airflow_setup.main()
    assert len(migrations) == 1


def test_another_database_in_its_place_is_migrated(tmp_path: Path, migrations: list[Any]) -> None:
    airflow_setup.main()
    note = data_folder(settings_for(tmp_path)) / "PG_VERSION"
    made = note.stat().st_mtime_ns
    while note.stat().st_mtime_ns == made:
        note.unlink()
        _make_database(tmp_path)
    airflow_setup.main()
    assert len(migrations) == 2


def test_a_newer_airflow_migrates_it(tmp_path: Path, migrations: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    airflow_setup.main()
    monkeypatch.setattr(airflow_setup, "version", lambda name: "99.0")
    airflow_setup.main()
    assert len(migrations) == 2


def test_a_migration_that_failed_is_run_again(tmp_path: Path, migrations: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as failing:
        failing.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 3))
        assert airflow_setup.main() == 3
    assert airflow_setup.main() == 0
    assert len(migrations) == 1
