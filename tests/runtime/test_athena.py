"""Athena: what is sent to it, and what its answers and refusals become."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from runtime.athena import Athena, literal
from runtime.errors import QueryError, RetryLater, SettingsError

LIMITED = {"WorkGroup": {"Name": "acme", "Configuration": {"BytesScannedCutoffPerQuery": 5_000_000_000}}}


@pytest.fixture
def client() -> Any:
    return boto3.client("athena", region_name="eu-central-1", aws_access_key_id="testing", aws_secret_access_key="testing")


@pytest.fixture
def stub(client: Any) -> Iterator[Stubber]:
    """Its answers are checked against AWS's own service model, and all of them must have been asked for."""
    with Stubber(client) as made:
        made.add_response("get_work_group", LIMITED, {"WorkGroup": "acme"})
        yield made
        made.assert_no_pending_responses()


def ask(client: Any, text: str = "select 1", parameters: Any = (), sleep: Callable[[float], None] = lambda _: None) -> Any:
    answer = Athena(client, "acme", sleep).ask(text, parameters)
    return answer.columns, [list(row) for page in answer.pages for row in page]


def started(stub: Stubber, text: str = "select 1", **more: Any) -> None:
    stub.add_response("start_query_execution", {"QueryExecutionId": "q-1"}, {"QueryString": text, "WorkGroup": "acme", **more})


def state(stub: Stubber, name: str, reason: str = "", **more: Any) -> None:
    status = {"State": name, **({"StateChangeReason": reason} if reason else {}), **more.pop("status", {})}
    stub.add_response(
        "get_query_execution", {"QueryExecution": {"Status": status, "StatementType": "DML", **more}}, {"QueryExecutionId": "q-1"}
    )


def page(stub: Stubber, rows: list[list[str | None]], token: str = "", follows: str = "") -> None:
    names = [{"Name": "device_id", "Type": "varchar"}, {"Name": "n", "Type": "bigint"}]
    data = [{"Data": [{} if value is None else {"VarCharValue": value} for value in row]} for row in rows]
    answer: dict[str, Any] = {"ResultSet": {"Rows": data, "ResultSetMetadata": {"ColumnInfo": names}}}
    asked = {"QueryExecutionId": "q-1", "MaxResults": 1000} | ({"NextToken": follows} if follows else {})
    stub.add_response("get_query_results", answer | ({"NextToken": token} if token else {}), asked)


def test_it_waits_and_reads_page_after_page_without_the_row_of_names(client: Any, stub: Stubber) -> None:
    started(stub)
    for name in ("QUEUED", "RUNNING", "SUCCEEDED"):
        state(stub, name)
    page(stub, [["device_id", "n"], ["b-1", "1"]], token="t1")
    page(stub, [["device_id", "n"], [None, "3"]], follows="t1")
    pauses: list[float] = []
    columns, rows = ask(client, sleep=pauses.append)
    assert [(column.name, column.kind) for column in columns] == [("device_id", "varchar"), ("n", "bigint")]
    # On a later page the same words are a row like others.
    assert rows == [["b-1", "1"], ["device_id", "n"], [None, "3"]]
    assert len(pauses) == 2
    assert pauses[0] < pauses[1]


def test_what_is_no_select_has_no_row_of_names(client: Any, stub: Stubber) -> None:
    started(stub, "explain select 1")
    state(stub, "SUCCEEDED", StatementType="UTILITY")
    page(stub, [["device_id", "n"]])
    assert ask(client, "explain select 1")[1] == [["device_id", "n"]]


def test_parameters_go_as_literals(client: Any, stub: Stubber) -> None:
    started(stub, "select ?", ExecutionParameters=["'o''brien'", "TIMESTAMP '2026-03-01 06:00:00.000000 UTC'"])
    state(stub, "SUCCEEDED")
    page(stub, [])
    assert ask(client, "select ?", ["o'brien", datetime(2026, 3, 1, 6, tzinfo=UTC)])[1] == []
    assert [literal(value) for value in (None, True, 7, 0.5, date(2026, 3, 1), datetime(2026, 3, 1))] == [  # noqa: DTZ001 - a time without a zone has none there
        "NULL",
        "true",
        "7",
        "DOUBLE '0.5'",
        "DATE '2026-03-01'",
        "TIMESTAMP '2026-03-01 00:00:00.000000'",
    ]
    with pytest.raises(QueryError, match="a parameter is a list"):
        literal([1])


@pytest.mark.parametrize(
    ("name", "reason", "status", "error", "words"),
    [
        (
            "FAILED",
            "line 1:8: Column 'wter' cannot be\nresolved",
            {"AthenaError": {"ErrorCategory": 2}},
            QueryError,
            "'wter' cannot be resolved",
        ),
        ("FAILED", "out of resources", {"AthenaError": {"ErrorCategory": 1}}, RetryLater, "ask again"),
        ("FAILED", "throttled", {"AthenaError": {"ErrorCategory": 3, "Retryable": True}}, RetryLater, "ask again"),
        ("CANCELLED", "", {}, QueryError, "somebody cancelled it"),
        (
            "CANCELLED",
            "Query cancelled! : Bytes scanned limit was exceeded",
            {},
            QueryError,
            r"at 7\.0 GB.*scan 5\.0 GB; narrow it by event_time",
        ),
    ],
)
def test_what_does_not_succeed_says_why_and_what_to_do(
    client: Any, stub: Stubber, name: str, reason: str, status: Any, error: type[Exception], words: str
) -> None:
    started(stub)
    state(stub, name, reason, status=status, Statistics={"DataScannedInBytes": 7_000_000_000})
    with pytest.raises(error, match=words) as raised:
        ask(client)
    assert type(raised.value) is error
    assert "\n" not in str(raised.value)


def test_wrong_sql_and_too_many_queries_are_told_apart(client: Any, stub: Stubber) -> None:
    stub.add_client_error("start_query_execution", "InvalidRequestException", "line 1:1: mismatched input 'selec'")
    with pytest.raises(QueryError, match="mismatched input 'selec'"):
        ask(client)
    stub.add_response("get_work_group", LIMITED, {"WorkGroup": "acme"})
    stub.add_client_error("start_query_execution", "TooManyRequestsException", "slow down")
    with pytest.raises(RetryLater):
        ask(client)


def test_a_query_that_nobody_waits_for_any_more_is_stopped(client: Any, stub: Stubber) -> None:
    started(stub)
    state(stub, "RUNNING")
    stub.add_response("stop_query_execution", {}, {"QueryExecutionId": "q-1"})

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask(client, sleep=interrupted)


def test_a_workgroup_without_a_limit_is_refused(client: Any) -> None:
    with Stubber(client) as stub:
        stub.add_response("get_work_group", {"WorkGroup": {"Name": "acme", "Configuration": {}}}, {"WorkGroup": "acme"})
        with pytest.raises(SettingsError, match="has no limit of bytes scanned"):
            ask(client)


def test_sql_longer_than_athena_takes_is_refused_before_it_is_sent(client: Any) -> None:
    with Stubber(client), pytest.raises(QueryError, match="Athena takes 262,144"):
        ask(client, "select '" + "x" * 262_144 + "'")
