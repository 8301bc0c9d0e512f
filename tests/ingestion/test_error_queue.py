"""The rule's error queue on moto: what it holds goes to the lake, then out of the queue."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ingestion.contract_folder import ContractFolder
from ingestion.error_queue import ErrorQueue
from ingestion.intake import Intake
from lake.identity import event_id
from tests.ingestion.bench import Bench, refusal
from tests.ingestion.builders import NOON_MS, body, pack, reading
from tests.ingestion.test_rule_error import rule_error
from tests.waiting import eventually


@dataclass
class Errors:
    made: Bench
    url: str
    reader: ErrorQueue

    def send(self, *bodies: str) -> None:
        for text in bodies:
            self.made.platform.client("sqs").send_message(QueueUrl=self.url, MessageBody=text)

    def left(self) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.made.platform.client("sqs").get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)


@pytest.fixture
def errors(made: Bench) -> Errors:
    url = made.platform.client("sqs").create_queue(QueueName=made.platform.settings.error_queue)["QueueUrl"]
    reader = ErrorQueue(Intake(made.platform, ContractFolder(made.folder), made.clock))
    made.platform.calls.clear()
    return Errors(made, url, reader)


def test_what_the_rule_could_not_deliver_is_put_and_then_deleted(errors: Errors) -> None:
    errors.send(rule_error(pack(reading(0), reading(1, water=500))), rule_error(b"\xff"), "hello")
    errors.made.platform.calls.clear()
    assert errors.reader.step(0) == 3
    made = errors.made
    assert {row["event_id"] for row in made.rows("bronze/")} == {event_id("b-1", "boiler", NOON_MS, "b7", 0)}
    assert sorted(row["reason"] for row in made.rows("quarantine/")) == ["bad_envelope", "not_utf8", "out_of_range"]
    assert errors.left() == 0
    order = [call.split()[0] for call in made.platform.calls if call.split()[0] in ("put_object", "delete_message_batch")]
    assert order == [*["put_object"] * 4, "delete_message_batch"]


def test_a_message_of_the_telemetry_queue_that_was_moved_here_is_taken_too(errors: Errors) -> None:
    errors.send(body(pack(reading(0))))
    errors.reader.step(0)
    assert (len(errors.made.rows("bronze/")), errors.left()) == (1, 0)


def test_while_s3_is_away_nothing_is_deleted(errors: Errors) -> None:
    def fails(name: str, arguments: dict[str, Any]) -> None:
        if name == "put_object":
            raise refusal(503, "SlowDown")

    errors.made.platform.fails = fails
    errors.send(rule_error(pack(reading(0))))
    errors.reader.step(0)
    assert (errors.left(), "delete_message_batch" in errors.made.platform.calls) == (1, False)


def test_a_queue_that_is_away_is_asked_again_until_the_worker_stops(errors: Errors, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threading.Semaphore(0)

    def fails(name: str, arguments: dict[str, Any]) -> None:
        if name == "receive_message":
            asked.release()
            raise refusal(503, "ServiceUnavailable", "ReceiveMessage")

    errors.made.platform.fails = fails
    thread = errors.reader.start()
    assert asked.acquire(timeout=10)
    assert asked.acquire(timeout=10)
    errors.reader.stopping.set()
    eventually(lambda: not thread.is_alive(), 10, "the thread has ended")


def test_what_failed_in_the_rule_is_told(errors: Errors, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    errors.send(rule_error(pack(reading(0))), rule_error(pack(reading(1))))
    errors.reader.step(0)
    assert "the rule could not deliver 2 messages: SqsAction to fleetlake-telemetry: Failed to send SQS message" in caplog.messages


def test_while_the_bucket_is_away_no_message_loses_a_second_try(errors: Errors) -> None:
    def fails(name: str, arguments: dict[str, Any]) -> None:
        if name == "put_object":
            raise refusal(503, "SlowDown")

    errors.made.platform.fails = fails
    errors.send(rule_error(pack(reading(0))))
    errors.reader.step(0)
    for _ in range(5):
        with pytest.raises(Exception, match="SlowDown"):
            errors.reader.step(0)
    assert errors.made.platform.calls.count("receive_message") == 1
    errors.made.platform.fails = lambda name, arguments: None
    errors.reader.step(0)
    assert errors.made.platform.calls.count("receive_message") == 2
