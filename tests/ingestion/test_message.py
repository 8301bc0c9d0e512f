"""What a log line says of messages, whatever they hold."""

from typing import Any

import pytest

from ingestion.message import named
from runtime.sqs import Message
from tests.ingestion.builders import body, pack, reading
from tests.ingestion.test_rule_error import rule_error


def test_ids_devices_and_traces_are_named() -> None:
    told = named([Message("m-1", body(pack(reading(0)), device_id="b-2")), Message("m-2", body(pack(reading(1)), device_id="b-1"))])
    assert told == {"messages": 2, "message_ids": ["m-1", "m-2"], "device_ids": ["b-1", "b-2"], "trace_ids": ["trace-1"]}


def test_of_a_rule_error_the_topic_names_the_device() -> None:
    told = named([Message("m-1", rule_error(pack(reading(0))))])
    assert told["device_ids"] == ["b-1"]
    assert len(told["trace_ids"]) == 1


@pytest.mark.parametrize(
    "text", ["hello", "[1]", "null", "\ud800", '{"device_id": 3}', '{"topic": "a/b"}', "[" * 100_000, "", None, 7, ["a"]]
)
def test_of_what_no_rule_wrote_only_the_id_is_known(text: Any) -> None:
    assert named([Message("m-1", text)]) == {"messages": 1, "message_ids": ["m-1"], "device_ids": [], "trace_ids": []}


def test_of_a_long_list_the_beginning_is_named_and_all_are_counted() -> None:
    told = named([Message(f"m-{number}", "{}") for number in range(300)])
    assert (told["messages"], len(told["message_ids"])) == (300, 11)
    assert told["message_ids"][-2:] == ["m-9", "and 290 more"]
