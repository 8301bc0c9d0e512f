"""The function's answer to an SQS event: what it puts, and exactly which messages it leaves in the queue."""

import threading
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.contract_folder import ContractFolder
from ingestion.delivery import BOUNDARIES
from ingestion.intake import Intake
from ingestion.lambda_handler import Function
from lake.identity import event_id
from runtime.aws import AwsPlatform
from runtime.errors import RetryLater, SettingsError, UsageError
from runtime.sqs import Message
from tests.ingestion.bench import Bench, refusal
from tests.ingestion.builders import BOILER, NOON_MS, body, pack, reading
from tests.ingestion.sqs_event import Time, event, record
from tests.ingestion.test_event_source import Functions
from tests.runtime.emf import check_line


def function(made: Bench) -> Function:
    # A mapping as it must be; where it is another, test_event_source says what happens.
    made.platform._clients["lambda"] = Functions("Enabled", FunctionResponseTypes=["ReportBatchItemFailures"])
    return Function(Intake(made.platform, ContractFolder(made.folder), made.clock))


def failures(*ids: str) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in ids]}


def good(count: int, device: str = "b-1") -> str:
    return body(pack(reading(count)), device_id=device)


def in_bronze(made: Bench) -> set[str]:
    return {row["event_id"] for row in made.rows("bronze/")}


def identities(*counts: int) -> set[str]:
    return {event_id("b-1", "boiler", NOON_MS + count * 60_000, "b7", count) for count in counts}


def test_messages_that_are_put_are_no_failures_and_nothing_is_deleted(made: Bench) -> None:
    mixed = body(pack(reading(0), reading(1, water=500)))
    assert function(made).handle(event(record("m-1", mixed), record("m-2", good(2))), Time()) == failures()
    assert in_bronze(made) == identities(0, 2)
    assert [row["reason"] for row in made.rows("quarantine/")] == ["out_of_range"]
    assert len(made.keys("bronze/")) == 1
    assert [call for call in made.platform.calls if "delete" in call or "receive" in call] == []


def test_the_puts_come_in_the_worker_s_order(made: Bench) -> None:
    passed: list[str] = []
    lambda_function = function(made)
    lambda_function.intake.boundary = passed.append
    lambda_function.handle(event(record("m-1", body(pack(reading(0), reading(1, water=500))))), Time())
    assert passed == list(BOUNDARIES)
    assert [call for call in made.platform.calls if call.startswith("put_object")] == ["put_object bronze", "put_object quarantine"]
    assert set(made.platform.time_series().latest("boiler", ["b-1"])) == {"b-1"}


def test_what_no_rule_wrote_is_quarantined_and_no_failure(made: Bench) -> None:
    assert function(made).handle(event(record("m-1", "hello"), record("m-2", "\ud800")), Time()) == failures()
    assert {row["reason"] for row in made.rows("quarantine/_unknown/")} == {"bad_envelope"}


def test_while_s3_is_away_every_message_fails(made: Bench) -> None:
    def fails(name: str, arguments: dict[str, Any]) -> None:
        if name == "put_object":
            raise refusal(503, "SlowDown")

    made.platform.fails = fails
    assert function(made).handle(event(record("m-1", good(0)), record("m-2", good(1))), Time()) == failures("m-1", "m-2")
    assert made.platform.calls.count("put_object bronze") == 1


@pytest.mark.parametrize(
    ("status", "code"), [(403, "AccessDenied"), (404, "NoSuchBucket"), (400, "ExpiredToken"), (429, "SlowDown"), (400, "InvalidRequest")]
)
def test_what_no_message_is_the_cause_of_fails_them_all_at_once(made: Bench, status: int, code: str) -> None:
    def fails(name: str, arguments: dict[str, Any]) -> None:
        if name == "put_object":
            raise refusal(status, code)

    made.platform.fails = fails
    answer = function(made).handle(event(record("m-1", good(0)), record("m-2", good(1))), Time())
    assert answer == failures("m-1", "m-2")
    assert made.platform.calls.count("put_object bronze") == 1


def test_failures_that_the_mapping_would_not_heed_fail_the_whole_batch(made: Bench) -> None:
    def fails(name: str, arguments: dict[str, Any]) -> None:
        if name == "put_object":
            raise refusal(503, "SlowDown")

    lambda_function = function(made)
    made.platform._clients["lambda"] = Functions("Enabled")
    assert lambda_function.handle(event(record("m-1", good(0))), Time()) == failures()
    made.platform.fails = fails
    with pytest.raises(SettingsError, match="messages that failed would be deleted"):
        lambda_function.handle(event(record("m-2", good(1))), Time())


def test_the_mapping_is_looked_at_once_however_often_messages_fail(made: Bench) -> None:
    def fails(name: str, arguments: dict[str, Any]) -> None:
        if name == "put_object":
            raise refusal(503, "SlowDown")

    lambda_function = function(made)
    lambda_function.handle(event(record("m-1", good(0))), Time())
    mappings = made.platform._clients["lambda"]
    assert mappings.asked == []
    made.platform.fails = fails
    for receives in (1, 2, 3):
        assert lambda_function.handle(event(record("m-2", good(1), receives)), Time()) == failures("m-2")
    assert len(mappings.asked) == 1


def test_a_quarantine_that_cannot_be_put_fails_the_messages_too(made: Bench) -> None:
    def fails(name: str, arguments: dict[str, Any]) -> None:
        if name == "put_object" and arguments["Key"].startswith("quarantine/"):
            raise refusal(500, "InternalError")

    made.platform.fails = fails
    assert function(made).handle(event(record("m-1", body(pack(reading(0, water=500))))), Time()) == failures("m-1")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(poison=st.sets(st.integers(0, 9)))
@pytest.mark.long
def test_of_any_messages_exactly_those_that_cannot_be_written_fail(made: Bench, poison: set[int]) -> None:
    (made.folder / "kettle.yaml").write_text(BOILER.replace("boiler", "kettle"))

    def fails(name: str, arguments: dict[str, Any]) -> None:
        if name == "put_object" and arguments["Key"].startswith("bronze/kettle/"):
            raise ValueError("no such thing was foreseen")

    made.platform.fails = fails
    records = [record(f"m-{count}", body(pack(reading(count)), contract="kettle" if count in poison else "boiler")) for count in range(10)]
    answer = function(made).handle(event(*records), Time())
    assert sorted(failure["itemIdentifier"] for failure in answer["batchItemFailures"]) == sorted(f"m-{count}" for count in poison)
    assert identities(*(set(range(10)) - poison)) <= in_bronze(made)


def test_a_message_that_breaks_the_decoder_fails_alone(made: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    lambda_function = function(made)
    plain = lambda_function.intake.folder.contracts

    class Breaking(dict[str, Any]):
        def __contains__(self, name: object) -> bool:
            if name == "broken":
                raise RuntimeError("no such thing was foreseen")
            return super().__contains__(name)

    monkeypatch.setattr(lambda_function.intake.folder, "contracts", lambda: Breaking(plain()))
    records = [record("m-1", good(0)), record("m-2", body(pack(reading(1)), contract="broken")), record("m-3", good(2))]
    assert lambda_function.handle(event(*records), Time()) == failures("m-2")
    assert in_bronze(made) == identities(0, 2)


def test_what_there_is_no_time_for_goes_back_to_the_queue(made: Bench) -> None:
    context = Time(milliseconds=60_000)

    def run_out(asked: Time) -> None:
        # Asked once at the start and once for each message: after the second it is nearly over.
        asked.milliseconds = 60_000 if asked.asked <= 3 else 8_000

    context.on_ask = run_out
    answer = function(made).handle(event(*(record(f"m-{count}", good(count)) for count in range(4))), context)
    assert answer == failures("m-2", "m-3")
    assert in_bronze(made) == identities(0, 1)


def test_a_write_is_not_begun_when_the_time_is_over(made: Bench) -> None:
    # Asked once at the start and once for the message, which is decoded; then it is over.
    context = Time(on_ask=lambda asked: setattr(asked, "milliseconds", 60_000 if asked.asked <= 2 else 1_000))
    assert function(made).handle(event(record("m-1", good(0))), context) == failures("m-1")
    assert made.platform.calls == []


@pytest.mark.parametrize("hangs", ["put_object", "list_event_source_mappings"])
@pytest.mark.long
def test_the_answer_comes_in_time_whatever_hangs(made: Bench, hangs: str) -> None:
    ends = time.monotonic() + 2.0
    hanging = threading.Event()
    lambda_function = function(made)

    def fails(name: str, arguments: dict[str, Any]) -> None:
        if name == hangs:
            hanging.wait(30)
        raise refusal(503, "SlowDown")

    made.platform.fails = fails
    made.platform._clients["lambda"].hangs = lambda: fails("list_event_source_mappings", {})
    context = Time(on_ask=lambda asked: setattr(asked, "milliseconds", int((ends - time.monotonic()) * 1000)))
    try:
        if hangs == "put_object":
            made.platform._clients["lambda"].hangs = lambda: None
            assert lambda_function.handle(event(record("m-1", good(0)), record("m-2", good(1))), context) == failures("m-1", "m-2")
        else:
            with pytest.raises(RetryLater, match="event source mapping: not over after"):
                lambda_function.handle(event(record("m-1", good(0))), context)
        assert time.monotonic() < ends
    finally:
        hanging.set()


def test_a_function_with_a_short_timeout_still_works(made: Bench) -> None:
    assert function(made).handle(event(record("m-1", good(0))), Time(milliseconds=3_000)) == failures()


def test_the_time_series_is_left_out_when_the_time_is_nearly_over(made: Bench) -> None:
    # The last time it is asked is before the time series: what is in the lake is no failure.
    context = Time(on_ask=lambda asked: setattr(asked, "milliseconds", 60_000 if asked.asked <= 3 else 1_000))
    assert function(made).handle(event(record("m-1", good(0))), context) == failures()
    assert in_bronze(made) == identities(0)
    assert made.platform.time_series().latest("boiler", ["b-1"]) == {}


def test_a_time_series_that_is_away_costs_no_message(made: Bench) -> None:
    platform = AwsPlatform(made.platform.settings)  # which has no store yet: each use of it raises
    assert Function(Intake(platform, ContractFolder(made.folder), made.clock)).handle(event(record("m-1", good(0))), Time()) == failures()
    assert in_bronze(made) == identities(0)


def test_a_message_that_comes_again_meets_its_own_object(made: Bench) -> None:
    lambda_function = function(made)
    for receives in (1, 2):
        assert lambda_function.handle(event(record("m-1", good(0), receives)), Time()) == failures()
    assert len(made.keys("bronze/")) == 1


def test_a_batch_takes_time_in_proportion_to_its_messages(made: Bench) -> None:
    compared: list[Message] = []

    class Counted(Message):
        def __eq__(self, other: object) -> bool:
            compared.append(self)
            return self is other

        __hash__ = object.__hash__

    messages = [Counted(f"m-{count}", good(count)) for count in range(50)]
    assert function(made).intake.take(messages) == []
    assert len(compared) < 200


def test_an_empty_batch_is_no_failure(made: Bench) -> None:
    assert function(made).handle(event(), Time()) == failures()


def test_an_event_of_another_kind_is_refused_in_a_sentence(made: Bench) -> None:
    wrongs: list[Any] = [{"key1": "value1"}, {"Records": [{"eventSource": "aws:s3"}]}, None, [], "x", {"Records": ["x", None]}]
    for wrong in [*wrongs, {"Records": [{"eventSource": "aws:sqs"}]}]:
        with pytest.raises(UsageError, match="event source mapping"):
            function(made).handle(wrong, Time())


def test_it_counts_what_it_did(made: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    function(made).handle(event(record("m-1", good(0), receives=2), record("m-2", body(pack(reading(1, water=500))))), Time())
    lines = [check_line(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["source"] for line in lines} == {"lambda"}
    told = {
        name: line[name] for line in lines for name in line if name.startswith(("messages", "readings", "objects")) and "reason" not in line
    }
    assert told == {
        "messages_received": 2, "messages_redelivered": 1, "messages_failed": 0, "readings": 2, "readings_bronze": 1,
        "readings_quarantined": 1, "objects_put": 2, "objects_existing": 0,
    }  # fmt: skip
    assert [line["reason"] for line in lines if "reason" in line] == ["out_of_range"]
    # Put at 17:30; the rule and the queue had both at 17:01.
    (of_batch,) = [line for line in lines if "readings" in line]
    assert of_batch["queue_seconds"] == [1740, 1740]
    assert of_batch["arrival_seconds"] == pytest.approx([1740, 1740], abs=5)


def test_what_it_logs_of_messages_names_them_their_devices_and_traces(made: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "fleetlake")
    function(made).handle(event(record("m-1", good(0, "b-3"))), Time())
    (told,) = [record for record in caplog.records if record.getMessage() == "delivered 1 readings to bronze"]
    shown = vars(told)
    assert (shown["message_ids"], shown["device_ids"], shown["trace_ids"]) == (["m-1"], ["b-3"], ["trace-1"])
