"""The truth file says what its docstring promises."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from local.message import Message, SentReading, quarantine
from local.truth import Truth, new_run, truth_file
from runtime.clock import FixedClock
from runtime.errors import UserError

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
GOOD = SentReading(b'{"ts":1793620800000,"seq":4,"flow":2.5}', 0, "b7", 4, 1793620800000, "ab" * 16, {"flow": 2.5}, "late")
BAD = SentReading(b'{"ts":17936', 1, fault="broken_json", fate=quarantine("not_json"))


def message(*readings: SentReading, topic_device: str = "pump-001") -> Message:
    return Message("pump-001", topic_device, "pump", b"", readings)


def written(file: Path) -> Truth:
    return Truth(file, "run-1", {"seed": 1}, FixedClock(NOON))


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_bytes().splitlines()]


def test_a_reading_is_on_the_disk_before_its_publish_and_its_acknowledgement_after(tmp_path: Path) -> None:
    with written(tmp_path / "t.jsonl") as truth:
        token = truth.sending(message(GOOD, BAD), "dt/fleetlake/pump-001/pump")
        assert [line["kind"] for line in lines(truth.file)] == ["run", "reading", "reading"]
        truth.acknowledge(token)
        assert lines(truth.file)[-1] == {
            "kind": "ack", "message": token, "result": "acknowledged", "reason": None, "at": "2026-11-02T12:00:00.000+00:00",
        }  # fmt: skip


def test_a_line_says_of_a_reading_what_the_docstring_promises(tmp_path: Path) -> None:
    with written(tmp_path / "t.jsonl") as truth:
        token = truth.sending(message(GOOD, topic_device="pump-002"), "dt/fleetlake/pump-002/pump")
    found = lines(truth.file)[1]
    assert base64.b64decode(found.pop("bytes")) == GOOD.content
    assert found == {
        "kind": "reading", "message": token, "topic": "dt/fleetlake/pump-002/pump", "device_id": "pump-002", "client_id": "pump-001",
        "contract": "pump", "index": 0, "boot": "b7", "seq": 4, "ts_ms": 1793620800000, "event_id": "ab" * 16, "values": {"flow": 2.5},
        "fault": "late", "fate": "silver", "sent_at": "2026-11-02T12:00:00.000+00:00",
    }  # fmt: skip


def test_the_end_counts_what_was_acknowledged_refused_and_left_open(tmp_path: Path) -> None:
    with written(tmp_path / "t.jsonl") as truth:
        tokens = [truth.sending(message(GOOD, BAD), "a/b/c") for _ in range(3)]
        truth.acknowledge(tokens[0])
        truth.acknowledge(tokens[0])  # a second PUBACK counts for nothing
        truth.refuse(tokens[1], "Not authorized")
    end = lines(truth.file)[-1]
    assert {name: end[name] for name in ("kind", "messages", "readings", "acknowledged", "refused")} == {
        "kind": "end", "messages": 3, "readings": 6, "acknowledged": 2, "refused": 2,
    }  # fmt: skip


def test_a_run_that_an_error_ends_has_no_end(tmp_path: Path) -> None:
    def interrupted() -> None:
        with written(tmp_path / "t.jsonl") as truth:
            truth.sending(message(GOOD), "a/b/c")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [line["kind"] for line in lines(tmp_path / "t.jsonl")] == ["run", "reading"]


def test_an_answer_after_the_end_changes_nothing(tmp_path: Path) -> None:
    with written(tmp_path / "t.jsonl") as truth:
        token = truth.sending(message(GOOD), "a/b/c")
    truth.acknowledge(token)
    assert lines(truth.file)[-1]["kind"] == "end"


def test_a_truth_file_is_never_written_over(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    file.write_text("what was sent before")
    with pytest.raises(UserError, match="name another"):
        written(file)
    assert file.read_text() == "what was sent before"


def test_a_place_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        written(tmp_path / "file" / "t.jsonl")


def test_a_truth_file_that_finds_no_room_is_named(tmp_path: Path) -> None:
    truth = written(tmp_path / "t.jsonl")
    truth._stream.close()
    truth._stream = Path("/dev/full").open("wb", buffering=0)  # noqa: SIM115 - the truth's own from here on
    with pytest.raises(OSError, match="No space left on device") as refused, truth._stream:
        truth.sending(message(GOOD), "a/b/c")
    assert refused.value.filename == str(tmp_path / "t.jsonl")


def test_each_run_has_a_file_of_its_own_in_the_state_folder() -> None:
    runs = {new_run() for _ in range(100)}
    assert len(runs) == 100
    assert truth_file(Path("/state"), "r1") == Path("/state/truth/r1.jsonl")


def test_the_identity_in_a_line_is_the_one_of_the_design(tmp_path: Path) -> None:
    """First 32 hex of SHA-256 over device, contract, ts, boot and seq with the unit separator: computed here by hand."""
    from local.simulator.fleet import stream
    from tests.local.simulator.fleets import CONTRACTS, plan

    sent = stream(plan(devices={"pump": 1}, boot="b7"), CONTRACTS)[0]
    reading = sent.readings[3]
    told = f"pump-001\x1fpump\x1f{reading.ts_ms}\x1fb7\x1f3"
    assert reading.event_id == hashlib.sha256(told.encode()).hexdigest()[:32]
