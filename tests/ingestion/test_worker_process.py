"""How the worker's process ends where it cannot begin or go on: a line, a code, and nothing deleted."""

import itertools
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError, ParamValidationError

from ingestion.failures import CannotGoOn, away, cannot_go_on
from ingestion.start_check import check
from ingestion.worker_process import run
from runtime.errors import ServiceError
from runtime.settings import REPOSITORY, Settings
from tests.faults.proxy import Fault, Kind, Proxy
from tests.faults.stand_in import StandIn
from tests.ingestion.bench import Bench, refusal
from tests.ingestion.builders import body, contracts_in, pack, reading

pytestmark = pytest.mark.long


def test_a_queue_that_does_not_exist_is_said_at_the_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    proxy = Proxy(StandIn())
    try:
        settings = replace(Settings(), home=tmp_path, aws_endpoint=proxy.endpoint, telemetry_queue="no-such-queue")
        assert run(settings, threading.Event()) == 1
    finally:
        proxy.close()
    assert "there is no such queue" in caplog.text
    assert "no-such-queue" in caplog.text


def test_a_bucket_that_does_not_exist_or_may_not_be_used_is_said_at_the_start(made: Bench) -> None:
    made.platform.client("sqs").create_queue(QueueName=made.platform.settings.error_queue)
    made.platform.settings = replace(made.platform.settings, lake_bucket="no-such-bucket")
    with pytest.raises(ServiceError, match=r"bucket no-such-bucket: it cannot be written .*: there is no bucket no-such-bucket"):
        check(made.platform)

    def fails(name: str, arguments: dict[str, Any]) -> None:
        if name == "put_object":
            raise refusal(403, "AccessDenied")

    made.platform.fails = fails
    with pytest.raises(
        ServiceError, match=r"bucket no-such-bucket: it cannot be written \(probe/worker was tried\): PutObject: not allowed"
    ):
        check(made.platform)


@pytest.mark.parametrize("call", ["delete_message_batch", "change_message_visibility_batch"])
def test_messages_that_could_only_be_received_are_not(made: Bench, call: str) -> None:
    made.platform.client("sqs").create_queue(QueueName=made.platform.settings.error_queue)

    def fails(name: str, arguments: dict[str, Any]) -> None:
        if name == call:
            raise refusal(403, "AccessDeniedException", "DeleteMessageBatch")

    made.platform.fails = fails
    with pytest.raises(
        ServiceError, match=r"queue fleetlake-telemetry: its messages could be received and not be deleted or hidden: .*not allowed"
    ):
        check(made.platform)


def test_the_check_at_the_start_changes_nothing_however_often_it_is_made(made: Bench) -> None:
    made.platform.client("sqs").create_queue(QueueName=made.platform.settings.error_queue)
    made.send(body(pack(reading(0))))
    for _ in range(7):
        check(made.platform)
    assert "receive_message" not in made.platform.calls
    assert (made.keys("bronze/"), made.keys("quarantine/"), made.keys("probe/")) == ([], [], ["probe/worker"])
    made.work()
    assert (made.worker.counters.redelivered, made.worker.counters.bronze, made.left()) == (0, 1, 0)


def test_a_worker_that_may_not_write_ends_at_once_and_costs_no_message_a_try(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    stand_in = StandIn()
    stand_in.send(body(pack(reading(0))))
    proxy = Proxy(stand_in, [Fault(Kind.ACCESS_DENIED, "put_probe", times=100)])
    try:
        settings = replace(Settings(), home=tmp_path, contracts_folder=tmp_path / "contracts", aws_endpoint=proxy.endpoint)
        contracts_in(settings.contracts_folder)
        assert [run(settings, threading.Event()) for _ in range(3)] == [1] * 3
    finally:
        proxy.close()
    assert (proxy.done["receive"], stand_in.redelivered, stand_in.dead, len(stand_in.left())) == (0, 0, [], 1)
    assert "cannot be written (probe/worker was tried): PutObject: not allowed" in caplog.text


def test_a_worker_that_may_not_receive_any_more_finishes_what_it_has_and_ends(made: Bench) -> None:
    asked = itertools.count()

    def fails(name: str, arguments: dict[str, Any]) -> None:
        if name == "receive_message" and next(asked):
            raise refusal(403, "AccessDeniedException", "ReceiveMessage")

    made.platform.fails = fails
    made.patient(600)
    made.send(body(pack(reading(0))))
    with pytest.raises(CannotGoOn, match="ReceiveMessage: not allowed"):
        made.worker.run()
    assert (len(made.rows("bronze/")), made.left()) == (1, 0)


def test_a_worker_that_may_not_put_any_more_ends_and_leaves_its_messages_hidden(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    stand_in = StandIn()
    stand_in.send(body(pack(reading(0))))
    proxy = Proxy(stand_in, [Fault(Kind.ACCESS_DENIED, "put_bronze", times=1000)])
    try:
        settings = replace(Settings(), home=tmp_path, contracts_folder=tmp_path / "contracts", aws_endpoint=proxy.endpoint)
        contracts_in(settings.contracts_folder)
        assert run(settings, threading.Event()) == 1
    finally:
        proxy.close()
    assert "stop: PutObject: not allowed" in caplog.text
    # Not given back: a worker that is started again at once does not use up its tries.
    assert (len(stand_in.left()), stand_in.is_anything_visible()) == (1, False)


@pytest.mark.parametrize(("operation", "left"), [("put_bronze", 24), ("delete", 24), ("extend", 0)])
def test_what_a_service_refuses_makes_no_dead_letter_of_any_message(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, operation: str, left: int
) -> None:
    stand_in = StandIn()
    for count in range(24):
        stand_in.send(body(pack(reading(count))))
    faults = [Fault(Kind.SLOW, "put_bronze", seconds=1.0), Fault(Kind.UNKNOWN, operation, times=1000)]
    proxy = Proxy(stand_in, faults[operation != "extend" :])
    try:
        settings = replace(
            Settings(), home=tmp_path, contracts_folder=tmp_path / "contracts", aws_endpoint=proxy.endpoint, visibility_seconds=1
        )
        contracts_in(settings.contracts_folder)
        assert run(replace(settings, visibility_seconds=1 if operation == "extend" else 60), threading.Event()) == 1
    finally:
        proxy.close()
    assert 0 < faults[1].fired < 10
    assert "the service refuses it (400 InvalidRequest: nobody foresaw this)" in caplog.text
    assert (len(stand_in.left()), stand_in.is_anything_visible(), stand_in.dead) == (left, False, [])


def test_a_worker_does_not_go_on_without_its_keeper(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    stand_in = StandIn()
    stand_in.send(body(pack(reading(0))))
    faults = [Fault(Kind.SLOW, "put_bronze", seconds=1.0), Fault(Kind.ACCESS_DENIED, "extend", times=100)]
    proxy = Proxy(stand_in, faults)
    try:
        settings = replace(
            Settings(), home=tmp_path, contracts_folder=tmp_path / "contracts", aws_endpoint=proxy.endpoint, visibility_seconds=1
        )
        contracts_in(settings.contracts_folder)
        assert run(settings, threading.Event()) == 1
    finally:
        proxy.close()
    assert faults[1].fired == 1
    assert "stop: ChangeMessageVisibilityBatch: not allowed" in caplog.text
    assert stand_in.left() == []


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (refusal(403, "AccessDenied"), "not allowed"),
        (refusal(403, "ExpiredToken"), "credentials"),
        (refusal(404, "NoSuchBucket"), "there is no bucket"),
        (refusal(507, "InsufficientStorage"), "is full"),
        (OSError(28, "No space left on device"), "No space left"),
        (NoCredentialsError(), "AWS credentials"),
        (refusal(301, "PermanentRedirect"), "as things are set up"),
        (refusal(400, "KmsDisabled"), "as things are set up"),
        (refusal(400, "KmsAccessDenied"), "not allowed"),
        (refusal(403, "RequestTimeTooSkewed"), "set the clock"),
        (refusal(400, "InvalidRequest"), "PutObject: the service refuses it (400 InvalidRequest: InvalidRequest); no message is to blame"),
    ],
)
def test_what_waiting_does_not_mend_is_told_with_what_does(error: Exception, words: str) -> None:
    why = cannot_go_on(error, Settings(home=Path("/nowhere")))
    assert isinstance(why, CannotGoOn)
    assert words in str(why)


def test_what_passes_is_waited_for_and_what_the_request_causes_is_not() -> None:
    assert [away(refusal(status, code)) for status, code in ((503, "SlowDown"), (500, "InternalError"), (400, "RequestTimeout"))] == [
        True
    ] * 3
    assert not away(refusal(400, "EntityTooLarge"))
    assert not away(ValueError("x"))
    assert not away(NoCredentialsError())
    assert not away(ParamValidationError(report="x"))


def test_what_the_start_made_is_in_no_later_search_for_garbage() -> None:
    code = "import gc; from ingestion.worker_process import _settle; _settle(); gc.collect(); print(gc.get_freeze_count(), len(gc.get_objects()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    kept, searched = map(int, done.stdout.split())
    assert kept > 100 * searched
