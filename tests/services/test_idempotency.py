"""A repeated request is done once."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from moto import mock_aws

from runtime.clock import FixedClock
from runtime.settings import Settings
from services.idempotency import Requests
from services.problems import Conflict, Invalid
from tests.services.tables import create_tables


@dataclass
class _Platform:
    settings: Settings = field(default_factory=Settings)

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 29, tzinfo=UTC))


@pytest.fixture
def requests(clock: FixedClock) -> Iterator[Requests]:
    with mock_aws():
        platform = _Platform()
        create_tables(platform.client("dynamodb"), platform.settings)
        yield Requests(platform, clock)  # type: ignore[arg-type] # the two members that it asks for


@dataclass
class _Work:
    done: int = 0

    def __call__(self) -> dict[str, Any]:
        self.done += 1
        return {"number": self.done}


def test_again_it_is_answered_as_before_and_not_done(requests: Requests) -> None:
    work = _Work()
    assert [requests.once("anna", "k", "same", work) for _ in range(3)] == [{"number": 1}] * 3
    assert work.done == 1


def test_the_key_is_the_callers_own(requests: Requests) -> None:
    work = _Work()
    assert requests.once("anna", "k", "same", work) != requests.once("ben", "k", "same", work)


def test_for_another_request_the_key_is_refused(requests: Requests) -> None:
    work = _Work()
    requests.once("anna", "k", "one", work)
    with pytest.raises(Invalid) as refusal:
        requests.once("anna", "k", "another", work)
    assert (refusal.value.status, refusal.value.code, work.done) == (422, "IdempotentParameterMismatchException", 1)


def test_while_the_first_runs_the_second_is_told_so(requests: Requests) -> None:
    inside, told = threading.Event(), threading.Event()

    def slow() -> dict[str, Any]:
        inside.set()
        assert told.wait(10)
        return {}

    first = threading.Thread(target=lambda: requests.once("anna", "k", "same", slow))
    first.start()
    try:
        assert inside.wait(10)
        with pytest.raises(Conflict) as refusal:
            requests.once("anna", "k", "same", _Work())
        assert (refusal.value.code, refusal.value.headers) == ("RequestInProgressException", {"Retry-After": "1"})
    finally:
        told.set()
        first.join()


def test_what_failed_may_be_tried_again_at_once(requests: Requests) -> None:
    def fails() -> dict[str, Any]:
        raise ConnectionError("S3 is away")

    with pytest.raises(ConnectionError):
        requests.once("anna", "k", "same", fails)
    assert requests.once("anna", "k", "same", _Work()) == {"number": 1}


def test_the_claim_of_a_process_that_died_is_taken_over_after_a_minute_by_the_same_request(requests: Requests, clock: FixedClock) -> None:
    class Died(BaseException):
        pass

    def dies() -> dict[str, Any]:
        raise Died

    with pytest.raises(Died):
        requests.once("anna", "k", "same", dies)
    with pytest.raises(Conflict):
        requests.once("anna", "k", "same", _Work())
    clock.advance(seconds=61)
    with pytest.raises(Invalid):
        requests.once("anna", "k", "another", _Work())
    assert requests.once("anna", "k", "same", _Work()) == {"number": 1}


def test_after_a_day_the_key_is_free(requests: Requests, clock: FixedClock) -> None:
    requests.once("anna", "k", "one", _Work())
    clock.advance(hours=24, seconds=1)
    assert requests.once("anna", "k", "another", _Work()) == {"number": 1}


def test_an_answer_that_is_too_large_to_keep_is_given_once(requests: Requests) -> None:
    large = {"text": "x" * 400_000}
    assert requests.once("anna", "k", "same", lambda: large) == large
    with pytest.raises(Conflict, match="too large to keep"):
        requests.once("anna", "k", "same", _Work())
