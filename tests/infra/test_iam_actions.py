"""The map from what boto3 calls to what IAM allows, and the list of what services of AWS do."""

import functools
from typing import Any

import botocore.session
import pytest

from tests.infra import iam

ROWS = iam.rows("iam_actions.csv")


@functools.cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def test_every_operation_is_one_of_its_service() -> None:
    assert {(row["service"], row["operation"]) for row in ROWS if row["operation"] not in _model(row["service"]).operation_names} == set()


def test_no_row_is_of_an_operation_that_no_role_calls_and_each_that_is_called_has_one() -> None:
    mapped = {(row["service"], row["operation"]) for row in ROWS}
    called = {(row["service"], row["operation"]) for row in iam.rows("used_calls.csv")}
    assert {"no row": called - mapped, "not called": mapped - called} == {"no row": set(), "not called": set()}


def test_rows_are_sorted_and_none_is_twice() -> None:
    for name in ("iam_actions.csv", "used_calls.csv"):
        told = [tuple(row.values()) for row in iam.rows(name)]
        assert told == sorted(set(told)), name


def test_every_action_is_one_that_iam_knows() -> None:
    named = {row["action"] for row in ROWS} - {""} | {action for actions in iam.actions_of_services().values() for action in actions}
    assert {action for action in named if not iam.exists(action)} == set()


def test_an_action_that_is_not_named_as_its_operation_has_a_source() -> None:
    for row in ROWS:
        if row["action"] != f"{row['service']}:{row['operation']}":
            assert row["source"].startswith("https://docs.aws.amazon.com/"), row


@pytest.mark.parametrize("row", [row for row in ROWS if not row["action"]], ids=lambda row: row["operation"])
def test_an_operation_without_an_action_is_signed_by_nobody(row: dict[str, str]) -> None:
    # Whoever may call anything may ask who he is: AWS signs that call, and no policy can refuse it.
    if row["operation"] == "GetCallerIdentity":
        return
    operation = _model(row["service"]).operation_model(row["operation"])
    assert operation.auth_type == "none" or operation.auth == ["smithy.api#noAuth"]


def test_an_operation_that_a_role_signs_has_an_action() -> None:
    signed = iam.actions_of_operations()
    for (service, operation), actions in signed.items():
        if _model(service).operation_model(operation).auth_type != "none" and operation != "GetCallerIdentity":
            assert bool(actions) != (_model(service).operation_model(operation).auth == ["smithy.api#noAuth"]), (service, operation)


def test_each_action_of_a_service_has_a_reason_and_a_source() -> None:
    for row in iam.rows("service_actions.csv"):
        assert row["why"], row
        assert row["source"].startswith(
            ("https://docs.aws.amazon.com/", "https://github.com/apache/", "https://github.com/aws/", "https://arrow.apache.org/")
        ), row
