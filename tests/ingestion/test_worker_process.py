"""How the worker's process ends where it cannot begin or go on: a line, a code, and nothing deleted."""

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError

from ingestion.failures import CannotGoOn, away, cannot_go_on
from ingestion.worker_process import check, run
from runtime.errors import ServiceError
from runtime.settings import Settings
from tests.faults.proxy import Proxy
from tests.faults.stand_in import StandIn
from tests.ingestion.bench import Bench, refusal


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
    with pytest.raises(ServiceError, match="bucket no-such-bucket: there is none"):
        check(made.platform)

    def fails(name: str, arguments: dict[str, Any]) -> None:
        if name == "head_bucket":
            raise refusal(403, "403")

    made.platform.fails = fails
    with pytest.raises(ServiceError, match="may not use it"):
        check(made.platform)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (refusal(403, "AccessDenied"), "not allowed"),
        (refusal(403, "ExpiredToken"), "credentials"),
        (refusal(404, "NoSuchBucket"), "there is no bucket"),
        (refusal(507, "InsufficientStorage"), "is full"),
        (OSError(28, "No space left on device"), "No space left"),
        (NoCredentialsError(), "AWS credentials"),
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
