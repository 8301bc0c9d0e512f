"""`fleetlake simulate` and `replay`, as a person types them."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli.main import run
from local.simulator.fault_kinds import KINDS
from runtime.settings import REPOSITORY
from tests.cloud import running_cloud
from tests.local.test_replay import cmapss
from tests.waiting import eventually


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FLEETLAKE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("simulate -d pump", 2, "must be NAME=VALUE"),
        ("simulate -d pump=1 -d pump=2", 2, "--devices pump: it is given twice, as 1 and as 2; leave one of them out"),
        ("simulate -d pump=many", 2, "must be a whole number"),
        ("simulate -d submarine=3", 2, "there is none; the folder has environment"),
        ("simulate -d pump=0", 2, "0 devices; there must be at least one"),
        ("simulate -d maintenance=1", 2, "name a measurement"),
        ("simulate --fault stuck=1", 2, "there is no such fault"),
        ("simulate --fault late=often", 2, "must be a share"),
        ("simulate --fault earthquake=0.1", 2, "there is no such fault"),
        ("simulate --start yesterday", 2, "must be ISO 8601"),
        ("simulate --pack 300", 2, "250"),
        ("simulate --hours inf", 2, "--hours inf: it must be between 0.1 and 87840 (ten years)"),
        ("simulate --hours 1e12", 2, "--hours 1e+12: it must be between 0.1 and 87840 (ten years)"),
        ("simulate --hours 87841", 2, "--hours 87841: it must be between 0.1 and 87840 (ten years)"),
        ("simulate --hours nan", 2, "--hours nan: it must be between 0.1 and 87840 (ten years)"),
        ("simulate --hours -1", 2, "--hours -1: it must be between 0.1 and 87840 (ten years)"),
        ("simulate --start 2026-01-01 --end 2026-01-02 --hours 3", 2, "--hours 3: --start and --end say already how long; leave one of"),
        ("simulate --start 9999-12-31 --hours 48", 2, "--start 9999-12-31T00:00:00+00:00: no calendar has the 48 hours after it"),
        ("simulate --end 0001-01-01", 2, "--end 0001-01-01T00:00:00+00:00: no calendar has the 24 hours before it"),
        ("simulate --fault late=nan", 2, "a share of nan; it must be above 0 and at most 1"),
        ("simulate --fault late=inf", 2, "a share of inf; it must be above 0 and at most 1"),
        ("simulate", 1, "start it with `fleetlake up`"),
        ("replay absent.csv", 1, "there is no such file"),
        ("replay contracts", 1, "replay contracts: it is a folder; name a file in it"),
        ("replay pyproject.toml", 1, "it reads .parquet, .csv, .txt"),
    ],
)
def test_what_cannot_be_done_is_one_line_with_its_exit_code(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str, code: int, words: str
) -> None:
    monkeypatch.chdir(REPOSITORY)
    assert run(line.split()) == code
    said = capsys.readouterr().err.strip()
    assert words in said
    assert len(said.splitlines()) == 1
    assert not (home / "truth").exists()


def test_a_fleet_of_a_contract_whose_file_is_wrong_is_told_what_is_wrong(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = home / "contracts"
    folder.mkdir(parents=True)
    (folder / "broken.yaml").write_text("contract: broken\nversion: one\n")
    (folder / "pump.yaml").write_text((REPOSITORY / "contracts" / "pump.yaml").read_text())
    monkeypatch.setenv("FLEETLAKE_CONTRACTS_FOLDER", str(folder))
    assert run(["simulate", "-d", "broken=1"]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("fleetlake: contract broken.yaml, version: 'one' must be")
    # The healthy one gets as far as the cloud, which is not there.
    assert run(["simulate", "-d", "pump=1"]) == 1
    assert "start it with `fleetlake up`" in capsys.readouterr().err


def test_the_kinds_of_faults_are_listed_with_a_sentence_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", "--list-faults"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert listed == list(KINDS)


@pytest.mark.cloud
def test_a_fleet_and_a_recording_are_sent_and_told(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with running_cloud(home):
        words = "simulate -d pump=2 --start 2026-11-02 --hours 24 --fault late=0.1 --json --truth"
        assert run([*words.split(), str(tmp_path / "t.jsonl")]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told == {
            "messages": 6, "readings": 576, "acknowledged": 576, "refused": 0, "faults": {"late": 58}, "truth_file": str(tmp_path / "t.jsonl"),
        }  # fmt: skip
        assert run(["replay", str(cmapss(tmp_path, {1: 3, 2: 5})), "--failures"]) == 0
        said = capsys.readouterr().out
        assert "sent 10 readings in 4 messages: 10 acknowledged, 0 refused" in said
        assert f"truth: {home}/truth/" in said


@pytest.mark.cloud
def test_ctrl_c_ends_the_sending_in_one_line_and_the_same_command_can_be_run_again(home: Path) -> None:
    command = [sys.executable, "-m", "cli.main", "simulate", "-d", "pump=3", "--hours", "6", "--pack", "1"]
    with running_cloud(home):
        # A pack of one reading: thousands of messages, so that the signal meets them under way.
        long = [*command, "--hours", "96"]
        sending = subprocess.Popen(long, env=os.environ, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        eventually(lambda: any(b'"ack"' in file.read_bytes() for file in home.glob("truth/*.jsonl")), 60, "a reading is acknowledged")
        sending.send_signal(signal.SIGINT)
        _, said = sending.communicate(timeout=30)
        assert sending.returncode == 1
        assert said.splitlines() == ["fleetlake: interrupted; what was acknowledged is kept, and the same command can be run again"]
        (file,) = home.glob("truth/*.jsonl")
        assert [line["kind"] for line in map(json.loads, file.read_text().splitlines())].count("end") == 0
        again = subprocess.run(command, env=os.environ, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)
        assert (again.returncode, again.stderr) == (0, "")
        assert "216 acknowledged, 0 refused" in again.stdout
