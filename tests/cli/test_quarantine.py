"""`fleetlake quarantine` as a person or a script sees it, on objects in the emulator's bucket."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cli.main import run
from ingestion.contract_folder import ContractFolder
from ingestion.intake import Intake
from lake.identity import quarantine_id
from lake.objects import list_keys
from runtime.clock import FixedClock
from runtime.sqs import Message
from tests.cloud import Cloud, running_cloud
from tests.ingestion.builders import BOILER, body, contracts_in, pack, reading

pytestmark = pytest.mark.cloud
PUT_AT = datetime(2026, 9, 21, 17, 30, tzinfo=UTC)
TOPIC = "dt/fleetlake/b-1/boiler"
HIGH = json.dumps(reading(1, water=500)).encode()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running_cloud(tmp_path_factory.mktemp("quarantine")) as cloud:
        yield cloud


@pytest.fixture
def cloud(running: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """One good reading; quarantined are two of the boilers that are too hot, bytes that are no text, and a kettle."""
    monkeypatch.setenv("FLEETLAKE_HOME", str(running.settings.home))
    monkeypatch.setenv("FLEETLAKE_CONTRACTS_FOLDER", str(tmp_path / "contracts"))
    contracts_in(tmp_path / "contracts")
    s3 = running.platform.client("s3")
    for key in list(list_keys(running.platform, "")):
        s3.delete_object(Bucket=running.platform.lake_bucket, Key=key)
    messages = [
        body(pack(reading(0), reading(1, water=500), reading(2, water=900))),
        body(b"\xff"),
        body(pack(reading(3)), "k-1", "kettle"),
    ]
    intake = Intake(running.platform, ContractFolder(tmp_path / "contracts"), FixedClock(PUT_AT))
    assert intake.take([Message(f"m-{count}", text) for count, text in enumerate(messages)]) == []
    return running


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    capsys.readouterr()
    assert run(["quarantine", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def group(contract: str, reason: str, rows: int, replayed: int = 0) -> dict[str, Any]:
    numbers = {"rows": rows, "replayed": replayed, "left": rows - replayed}
    return {"contract": contract, "reason": reason, "day": "2026-09-21"} | numbers


@pytest.mark.usefixtures("cloud")
def test_the_list_counts_by_contract_reason_and_day(capsys: pytest.CaptureFixture[str]) -> None:
    everything = [group("boiler", "not_utf8", 1), group("boiler", "out_of_range", 2), group("kettle", "unknown_contract", 1)]
    assert told(capsys, "list") == everything
    assert told(capsys, "list", "--contract", "kettle") == everything[2:]
    assert told(capsys, "list", "--reason", "out_of_range") == everything[1:2]
    assert told(capsys, "list", "--day", "2026-09-22") == []
    assert run(["quarantine", "list"]) == 0
    shown = capsys.readouterr().out
    headings = [heading.strip() for heading in shown.splitlines()[1].split("┃")[1:-1]]
    assert headings == ["contract", "reason", "day", "rows", "replayed", "left"]
    assert "out_of_range" in shown


@pytest.mark.usefixtures("cloud")
def test_the_list_says_how_to_reach_the_ids_and_with_ids_names_each_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["quarantine", "list"]) == 0
    assert "`fleetlake quarantine list --ids` has each row with its id" in capsys.readouterr().out
    (row,) = told(capsys, "list", "--ids", "--contract", "kettle")
    whole = quarantine_id("dt/fleetlake/k-1/kettle", pack(reading(3)), None)
    assert row == {
        "quarantine_id": whole,
        "contract": "kettle",
        "reason": "unknown_contract",
        "day": "2026-09-21",
        "device_id": "k-1",
        "detail": "there is no contract 'kettle'",
    }
    assert run(["quarantine", "list", "--ids", "--contract", "kettle"]) == 0
    shown = capsys.readouterr().out
    assert whole[:12] in shown
    assert run(["quarantine", "show", whole[:12]]) == 0
    assert len(told(capsys, "list", "--ids")) == 4
    assert len(told(capsys, "list", "--ids", "--limit", "3")) == 3
    assert run(["quarantine", "list", "--ids", "--limit", "3"]) == 0
    assert "the first 3; --limit takes more." in capsys.readouterr().out


def test_the_help_says_what_a_row_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["quarantine", "list", "--help"]) == 0
    said = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "a message that cannot be split into its readings, or is refused as a whole, is one row" in said


@pytest.mark.usefixtures("cloud")
def test_show_prints_the_bytes_and_the_envelope_and_whether_it_would_pass(capsys: pytest.CaptureFixture[str]) -> None:
    identity = quarantine_id(TOPIC, HIGH, 1)
    row = told(capsys, "show", identity[:12])
    assert (row["quarantine_id"], row["text"], row["reason"], row["index"], row["boot"]) == (
        identity,
        HIGH.decode(),
        "out_of_range",
        1,
        "b7",
    )
    assert (row["device_id"], row["topic"], row["principal"], row["trace_id"]) == ("b-1", TOPIC, "cert-1", "trace-1")
    assert (row["received_at"], row["passes_today"]) == ("2026-09-21T17:01:00+00:00", "no")
    assert run(["quarantine", "show", quarantine_id(TOPIC, b"\xff", None)]) == 0
    shown = capsys.readouterr().out
    assert "/w==" in shown
    assert "The bytes are not UTF-8." in shown


def test_after_a_contract_was_widened_what_passes_is_replayed_once(
    cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contracts_in(tmp_path / "contracts", BOILER.replace("version: 1", "version: 2").replace("max: 120", "max: 600"))
    dry = told(capsys, "replay", "--contract", "boiler", "--dry-run")
    assert (dry["looked_at"], dry["replayed"], dry["readings"], dry["dry_run"]) == (3, 1, 1, True)
    assert told(capsys, "list")[1] == group("boiler", "out_of_range", 2)
    done = told(capsys, "replay", "--contract", "boiler")
    assert (done["replayed"], done["stayed"]) == (1, {"out_of_range": 1, "not_utf8": 1})
    assert told(capsys, "list")[1] == group("boiler", "out_of_range", 2, replayed=1)
    assert told(capsys, "show", quarantine_id(TOPIC, HIGH, 1))["passes_today"] == "replayed already"
    objects = list(list_keys(cloud.platform, ""))
    assert told(capsys, "replay", "--contract", "boiler")["replayed"] == 0
    assert list(list_keys(cloud.platform, "")) == objects
    assert run(["quarantine", "replay"]) == 0
    said = capsys.readouterr().out
    assert "rows looked at: 3, replayed: 0" in said
    assert "replayed before: 1" in said


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("words", ["quarantine list", "quarantine replay --dry-run", "dead-letter list", "dead-letter redrive", "status"])
def test_a_wrong_contract_file_is_a_line_and_the_rest_goes_on(words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "contracts" / "broken.yaml").write_text("contract: broken\nversion: one\n")
    assert run(words.split()) == 0
    said = capsys.readouterr().err
    assert [line.startswith("fleetlake: warning: contract broken.yaml, version: 'one'") for line in said.splitlines()] in ([], [True])


@pytest.mark.usefixtures("cloud")
def test_a_condition_that_is_off_is_told_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, code, words in (
        (["list", "--reason", "too_hot"], 2, "--reason too_hot: there is no such reason; there are not_utf8"),
        (["list", "--day", "yesterday"], 2, "--day yesterday: it is no day; write it as 2026-03-01"),
        (["show", "zz"], 1, "quarantine row zz: there is none"),
        (["show", ""], 1, "there is none"),
        (["replay", "--reason", "event_id_conflict"], 1, "published first and stays"),
    ):
        assert run(["quarantine", *arguments]) == code
        assert words in capsys.readouterr().err
