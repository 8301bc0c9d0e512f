"""`fleetlake gaps`: a table for a person, JSON for a script, a word where there is none."""

import json

import pytest

from cli.main import run
from tests.lake.small_lake import SmallLake, moment


@pytest.fixture(autouse=True)
def lake(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> SmallLake:
    """A boiler (cadence 60 s) that lost two readings and was silent for ten minutes."""
    small = SmallLake(tmp_path_factory.mktemp("gaps") / "home")
    minutes = [(0, 0), (3, 3), (13, 4)]
    rows = [small.reading(seq=seq) | {"event_time": moment(minute), "event_id": f"e{seq}"} for minute, seq in minutes]
    small.publish(rows, "r.1", 30)
    monkeypatch.setenv("FLEETLAKE_HOME", str(small.platform.settings.home))
    monkeypatch.setenv("FLEETLAKE_CONTRACTS_FOLDER", str(small.platform.settings.contracts_folder))
    return small


ASKED = ["gaps", "boiler", "--from", "2026-03-01", "--to", "2026-03-01T12:14:00Z"]


def test_each_gap_is_a_row_with_its_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(ASKED) == 0
    rows = [[word.strip() for word in line.split("│")[1:-1]] for line in capsys.readouterr().out.splitlines() if "b-1" in line]
    assert rows == [
        ["b-1", "03-01 12:00:00", "03-01 12:03:00", "180", "lost", "2"],
        ["b-1", "03-01 12:03:00", "03-01 12:13:00", "600", "silent", "0"],
    ]


def test_what_is_left_out_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*ASKED, "--show", "1"]) == 0
    assert "1 more; --show 0 shows all" in capsys.readouterr().out


def test_a_script_gets_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*ASKED, "--json", "--device", "b-1"]) == 0
    assert [(gap["kind"], gap["lost"]) for gap in json.loads(capsys.readouterr().out)] == [("lost", 2), ("silent", 0)]


def test_a_sound_device_has_none_and_one_that_nobody_knows_is_not_called_sound(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*ASKED[:-1], "2026-03-01T12:01:00Z"]) == 0
    assert "boiler: no gap of 1 device between 2026-03-01 00:00Z and 2026-03-01 12:01Z" in capsys.readouterr().out.replace("\n", "")
    assert run([*ASKED, "--device", "b-9"]) == 0
    assert "boiler: nothing was heard of b-9 between 2026-03-01 00:00Z" in capsys.readouterr().out.replace("\n", "")


def test_a_time_that_is_none_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["gaps", "boiler", "--from", "yesterday"]) == 2
    assert "--from yesterday: this is no ISO 8601 time" in capsys.readouterr().err
