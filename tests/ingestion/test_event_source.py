"""The worker does not begin on a queue that a Lambda function takes from, and the function does not lose what failed."""

from collections.abc import Callable
from typing import Any

import pytest

from ingestion.event_source import refuse_beside_a_function, refuse_to_lose
from runtime.errors import SettingsError, UserError
from tests.ingestion.bench import Bench, refusal

QUEUE = "arn:aws:sqs:us-east-1:123456789012:fleetlake-telemetry"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:fleetlake-ingest"


class Functions:
    """Lambda's list of mappings, as its API gives it: in pages."""

    def __init__(self, *states: str, error: Exception | None = None, **members: Any) -> None:
        self.states, self.error, self.members = states, error, members
        self.asked: list[dict[str, str]] = []
        # What happens before it answers.
        self.hangs: Callable[[], None] = lambda: None

    def get_paginator(self, name: str) -> "Functions":
        assert name == "list_event_source_mappings"
        return self

    def paginate(self, **asked: str) -> Any:
        self.asked.append(asked)
        self.hangs()
        if self.error:
            raise self.error
        for state in self.states:
            yield {
                "EventSourceMappings": [{"UUID": "u-1", "State": state, "FunctionArn": FUNCTION, "EventSourceArn": QUEUE} | self.members]
            }


def ask(made: Bench, functions: Functions) -> None:
    made.platform._clients["lambda"] = functions
    refuse_beside_a_function(made.platform, [made.platform.settings.telemetry_queue])


@pytest.mark.parametrize("state", ["Creating", "Enabled", "Enabling", "Updating"])
def test_a_mapping_that_takes_messages_keeps_the_worker_away(made: Bench, state: str) -> None:
    functions = Functions("Disabled", state)
    with pytest.raises(UserError, match=r"queue fleetlake-telemetry: the Lambda function fleetlake-ingest takes from it .*u-1.*disable"):
        ask(made, functions)
    assert functions.asked == [{"EventSourceArn": QUEUE}]


@pytest.mark.parametrize("states", [(), ("Disabled",), ("Disabling", "Deleting")])
def test_without_one_that_does_the_worker_begins(made: Bench, states: tuple[str, ...]) -> None:
    functions = Functions(*states)
    ask(made, functions)
    assert len(functions.asked) == 1


def test_a_worker_that_may_not_ask_begins_and_says_so(made: Bench, caplog: pytest.LogCaptureFixture) -> None:
    ask(made, Functions(error=refusal(403, "AccessDeniedException", "ListEventSourceMappings")))
    assert "nobody checks them" in caplog.text


def test_a_mapping_that_heeds_no_answer_makes_the_function_fail(made: Bench) -> None:
    for functions in (Functions("Enabled"), Functions("Enabled", FunctionResponseTypes=[])):
        made.platform._clients["lambda"] = functions
        with pytest.raises(SettingsError, match="u-1 lacks FunctionResponseTypes=ReportBatchItemFailures"):
            refuse_to_lose(made.platform, QUEUE, FUNCTION)
        assert functions.asked == [{"EventSourceArn": QUEUE, "FunctionName": FUNCTION}]


def test_a_mapping_that_heeds_it_is_answered(made: Bench) -> None:
    made.platform._clients["lambda"] = Functions("Enabled", FunctionResponseTypes=["ReportBatchItemFailures"])
    refuse_to_lose(made.platform, QUEUE, FUNCTION)
