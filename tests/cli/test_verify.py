"""`fleetlake verify` as a person or a script sees it."""

import json
from pathlib import Path

import pytest

from cli.main import run
from tests.lake.hand_truth import HandTruth
from tests.lake.small_lake import SmallLake


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallLake:
    made = SmallLake(tmp_path / "home")
    monkeypatch.setenv("FLEETLAKE_HOME", str(made.platform.settings.home))
    monkeypatch.setenv("FLEETLAKE_CONTRACTS_FOLDER", str(made.platform.settings.contracts_folder))
    return made


@pytest.fixture
def truth(lake: SmallLake) -> HandTruth:
    return HandTruth(lake.platform.settings.home / "truth" / "t1.jsonl")


def test_when_the_law_holds_the_exit_code_is_0(lake: SmallLake, truth: HandTruth, capsys: pytest.CaptureFixture[str]) -> None:
    truth.sent(lake.reading(seq=0))
    lake.publish([lake.reading(seq=0)], "r.1", 5)
    assert run(["verify", "--wait", "0"]) == 0
    assert "the law holds" in capsys.readouterr().out


def test_when_it_does_not_hold_the_exit_code_is_1_and_the_reading_is_named(
    lake: SmallLake, truth: HandTruth, capsys: pytest.CaptureFixture[str]
) -> None:
    truth.sent(lake.reading(seq=7))
    lake.publish([lake.reading(seq=7)], "r.1", 5)
    lake.publish([lake.reading(seq=7)], "r.2", 6)
    assert run(["verify", "--wait", "0", "--truth", str(truth.file)]) == 1
    said = capsys.readouterr()
    assert "seq 7" in said.out
    assert "visible twice" in said.err


def test_when_nothing_says_what_was_sent_the_exit_code_is_3(lake: SmallLake, capsys: pytest.CaptureFixture[str]) -> None:
    lake.publish([lake.reading(seq=7)], "r.1", 5)
    assert run(["verify", "--wait", "0"]) == 3
    assert "no truth file" in capsys.readouterr().err


def test_missing_readings_with_queues_that_cannot_be_asked_are_exit_code_3(lake: SmallLake, truth: HandTruth) -> None:
    truth.sent(lake.reading(seq=0))
    assert run(["verify", "--wait", "0"]) == 3


def test_at_rest_nothing_may_be_in_flight(lake: SmallLake, truth: HandTruth) -> None:
    truth.sent(lake.reading(seq=0))
    lake.put_bronze([lake.reading(seq=0)])
    assert run(["verify", "--wait", "0"]) == 0
    assert run(["verify", "--wait", "0", "--at-rest"]) == 3


def test_a_script_reads_the_verdict_as_json(lake: SmallLake, truth: HandTruth, capsys: pytest.CaptureFixture[str]) -> None:
    truth.sent(lake.reading(seq=0))
    truth.sent_bytes(b"{", fate="quarantine:not_utf8")
    lake.publish([lake.reading(seq=0)], "r.1", 5)
    lake.put_quarantined(b"{", reason="not_json")
    assert run(["verify", "--wait", "0", "--strict", "--json"]) == 1
    facts = json.loads(capsys.readouterr().out)
    assert (facts["holds"], facts["sent"], facts["surprised"]) == (True, 2, 1)
    assert facts["tallies"][0]["places"] == {"visible": 1, "quarantined": 1}
