"""The worker does not begin on a queue that a Lambda function takes from."""

from typing import Any

import pytest

from ingestion.sole_consumer import refuse_beside_a_function
from runtime.errors import UserError
from tests.ingestion.bench import Bench, refusal


class Functions:
    """Lambda's list of mappings, as its API gives it: in pages."""

    def __init__(self, *states: str, error: Exception | None = None) -> None:
        self.states, self.error = states, error
        self.asked: list[str] = []

    def get_paginator(self, name: str) -> "Functions":
        assert name == "list_event_source_mappings"
        return self

    def paginate(self, EventSourceArn: str) -> Any:
        self.asked.append(EventSourceArn)
        if self.error:
            raise self.error
        arn = "arn:aws:lambda:us-east-1:123456789012:function:fleetlake-ingest"
        for state in self.states:
            yield {"EventSourceMappings": [{"UUID": "u-1", "State": state, "FunctionArn": arn, "EventSourceArn": EventSourceArn}]}


def ask(made: Bench, functions: Functions) -> None:
    made.platform._clients["lambda"] = functions
    refuse_beside_a_function(made.platform, [made.platform.settings.telemetry_queue])


@pytest.mark.parametrize("state", ["Creating", "Enabled", "Enabling", "Updating"])
def test_a_mapping_that_takes_messages_keeps_the_worker_away(made: Bench, state: str) -> None:
    functions = Functions("Disabled", state)
    with pytest.raises(UserError, match=r"queue fleetlake-telemetry: the Lambda function fleetlake-ingest takes from it .*u-1.*disable"):
        ask(made, functions)
    assert functions.asked == ["arn:aws:sqs:us-east-1:123456789012:fleetlake-telemetry"]


@pytest.mark.parametrize("states", [(), ("Disabled",), ("Disabling", "Deleting")])
def test_without_one_that_does_the_worker_begins(made: Bench, states: tuple[str, ...]) -> None:
    functions = Functions(*states)
    ask(made, functions)
    assert len(functions.asked) == 1


def test_a_worker_that_may_not_ask_begins_and_says_so(made: Bench, caplog: pytest.LogCaptureFixture) -> None:
    ask(made, Functions(error=refusal(403, "AccessDeniedException", "ListEventSourceMappings")))
    assert "nobody can tell" in caplog.text
