"""`fleetlake quality` as a person or a script sees it, on rows that the gate would have written."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli import spark_job
from cli.main import run
from lake.contracts import load_contracts
from lake.publications import State, note
from lake.tables import silver
from runtime.clock import FixedClock
from runtime.local import LocalPlatform
from runtime.settings import REPOSITORY, Settings
from spark_jobs.quality_runs import CheckResult, Lenience, write_results

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
STUCK = CheckResult("stuck", "bar", False, 7, 0, 7, ({"device_id": "pump-7", "value": 5.5, "flag": "stuck_bar"},), "stuck: 7 readings")
WHOLE = CheckResult("completeness", None, True, 0.98, 0.7, 0, (), "completeness: 0.98 arrived")


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalPlatform:
    """A lake with a visible run r1.1 and a held one r2.1 of the pumps."""
    monkeypatch.setenv("FLEETLAKE_HOME", str(tmp_path / "home"))
    made = LocalPlatform(Settings.from_environment())
    settle(made, "r1.1", State.VISIBLE)
    settle(made, "r2.1", State.HELD, minutes=5, why="run r2.1 is held by the quality gate: stuck: 7 readings")
    write_results(made, "r1.1", "pump", [WHOLE], Lenience(), NOON)
    write_results(made, "r2.1", "pump", [STUCK, WHOLE], Lenience(), NOON)
    return made


def settle(
    platform: LocalPlatform, run_id: str, state: State, why: str | None = None, related: str | None = None, minutes: int = 0
) -> None:
    pump = load_contracts(REPOSITORY / "contracts")["pump"]
    clock = FixedClock(NOON + timedelta(minutes=minutes))
    note(platform, clock, run_id, silver(pump), "pump", state, why=why, related_run=related, who="ann" if related else None)


@pytest.mark.usefixtures("platform")
def test_the_list_has_states_and_counts_and_says_why_a_run_is_held(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["quality", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [(r["run"], r["state"], r["checks"], r["failed"]) for r in listed] == [("r1.1", "visible", 1, 0), ("r2.1", "held", 2, 1)]
    assert run(["quality", "list", "--held"]) == 0
    shown = capsys.readouterr().out
    assert "r2.1 is held by the quality gate: stuck: 7 readings" in shown
    assert "r1.1" not in shown


@pytest.mark.usefixtures("platform")
def test_show_names_what_failed_with_its_rows_and_the_rest_on_demand(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["quality", "show", "r2.1"]) == 0
    shown = capsys.readouterr().out
    assert "device_id pump-7, value 5.5" in shown
    assert "1 of 2 checks passed" in shown
    assert "0.98 arrived" not in shown
    assert "fleetlake query \"SELECT * FROM ops.quality_failures WHERE run_id = 'r2.1'\"" in shown
    assert run(["quality", "show", "r2.1", "--all"]) == 0
    assert "0.98 arrived" in capsys.readouterr().out
    assert run(["quality", "show", "r2.1", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["publication"]["state"] == "held"
    assert facts["checks"][1]["sample"] == [{"device_id": "pump-7", "value": 5.5, "flag": "stuck_bar"}]


def test_an_accepted_run_says_by_which_and_why(platform: LocalPlatform, capsys: pytest.CaptureFixture[str]) -> None:
    settle(platform, "accept-r2.1.1", State.VISIBLE, "the valve was shut", "r2.1")
    assert run(["quality", "show", "r2.1"]) == 0
    assert "accepted by run accept-r2.1.1: the valve was shut" in capsys.readouterr().out


def test_the_page_is_one_file_of_every_contract_or_of_one(
    platform: LocalPlatform, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["quality", "page", "--days", "9999"]) == 0
    every = (platform.settings.home / "report" / "quality.html").read_text()
    assert f"quality page: {platform.settings.home / 'report' / 'quality.html'}" in capsys.readouterr().out.replace("\n", "")
    assert [name for name in load_contracts(REPOSITORY / "contracts") if f'id="{name}"' not in every] == []
    assert run(["quality", "page", "--contract", "turbofan", "--out", str(tmp_path / "one.html")]) == 0
    assert 'id="pump"' not in (tmp_path / "one.html").read_text()
    assert run(["quality", "page", "--contract", "kettle"]) == 1
    assert "contract kettle: there is none" in capsys.readouterr().err


@pytest.mark.usefixtures("platform")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "r9.1"], "no such run"),
        (["accept", "r2.1"], "give --why"),
        (["refuse", "r2.1", "--why", " "], "give --why"),
        (["accept", "r1.1", "--why", "x"], "not held but visible"),
        (["refuse", "r9.1", "--why", "x"], "held: r2.1"),
    ],
)
def test_what_cannot_be_done_is_one_line(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["quality", *arguments]) == 1
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("decision", ["accept", "refuse"])
def test_a_decision_is_a_spark_job_over_the_held_run(decision: str, platform: LocalPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def job(_platform: object, arguments: list[str], _what: str) -> str:
        asked.append(arguments)
        return "done"

    monkeypatch.setattr(spark_job, "run_spark_job", job)
    assert run(["quality", decision, "r2.1", "--why", "the valve was shut"]) == 0
    expected = [decision, "--contract", "pump", "--run-id", f"{decision}-r2.1", "--run", "r2.1", "--why", "the valve was shut"]
    assert asked == [expected]


def test_an_empty_lake_has_nothing_to_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FLEETLAKE_HOME", str(tmp_path))
    assert run(["quality", "list"]) == 0
    assert "no run has published" in capsys.readouterr().out
    assert run(["quality", "list", "--contract", "nope"]) == 0
    assert "no run of contract nope has published" in capsys.readouterr().out


def test_the_list_shows_run_ids_whole_in_a_narrow_terminal(
    platform: LocalPlatform, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    long = "pipeline_pump__scheduled__2026-03-02T12-00-00.17"
    settle(platform, long, State.VISIBLE, minutes=9)
    assert run(["quality", "list"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    assert long in "".join(line.split("│")[1].strip() for line in lines)
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)
