"""Least privilege: each role is granted what is used under it, all of it and nothing besides, on resources of this deployment."""

import csv
import json
import re
from collections.abc import Iterator

import pytest

from fleet.tables import TABLES
from infra.configuration import LONGEST_INSTANCE
from infra.entries import ENTRIES
from infra.names import Names
from infra.permissions import Grant, role_permissions
from tests.infra import iam
from tests.infra.configurations import TIME_SERIES, names
from tests.recorded_calls import USED_CALLS

ROLES = tuple(role_permissions(names()))
# Of our Python: the roles under which a call may be recorded.
OURS = {role for roles in ENTRIES.values() for role in roles}
# What tests see roles call and no process on AWS does: the roles, and the reason; not granted.
EXCEPTIONS = {
    "sqs:GetQueueUrl": (("shadow-feed",), "only its loop on a laptop takes from the queue itself; on AWS Lambda does"),
    "cognito-idp:ListUserPoolClients": (("auth-api", "api"), "only a laptop looks ids up by name; on AWS its stack tells them by settings"),
    "cognito-identity:ListIdentityPools": (
        ("auth-api", "api"),
        "only a laptop looks ids up by name; on AWS its stack tells them by settings",
    ),
}
# A time-series store's actions, which a deployment with the other one has no use for.
_OF_STORE = {"influxdb": "secretsmanager:", "timestream": "timestream:"}


def granted(role: str, of: Names) -> set[str]:
    return {action for grant in role_permissions(of)[role].grants for action in grant.actions}


def used(role: str, of: Names) -> set[str]:
    actions = iam.actions_of_operations()
    with USED_CALLS.open(newline="") as file:
        calls = [(row["service"], row["operation"]) for row in csv.DictReader(file) if row["role"] == role]
    found = {action for call in calls for action in actions[call]} | iam.actions_of_services()[role]
    other = next(prefix for store, prefix in _OF_STORE.items() if store != of.configuration.time_series)
    return {action for action in found if not action.startswith(other) and role not in EXCEPTIONS.get(action, ((), ""))[0]}


def statements(of: Names) -> Iterator[tuple[str, Grant]]:
    for role, permissions in role_permissions(of).items():
        for grant in permissions.grants:
            yield role, grant


@pytest.mark.parametrize("time_series", TIME_SERIES)
@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_granted_what_is_used_under_it_and_nothing_besides(role: str, time_series: str) -> None:
    of = names(time_series=time_series)
    has, needs = granted(role, of), used(role, of)
    assert {"not granted": needs - has, "not used": has - needs} == {"not granted": set(), "not used": set()}


def test_at_most_five_exceptions_are_made_each_of_something_that_is_used_and_with_a_reason() -> None:
    assert len(EXCEPTIONS) <= 5
    assert all(reason for _, reason in EXCEPTIONS.values())
    actions = iam.actions_of_operations()
    seen = {(row["role"], action) for row in iam.rows("used_calls.csv") for action in actions[row["service"], row["operation"]]}
    assert {(role, action) for action, (roles, _) in EXCEPTIONS.items() for role in roles} - seen == set()


def test_each_role_of_our_python_has_calls_and_is_granted() -> None:
    assert {row["role"] for row in iam.rows("used_calls.csv")} == OURS
    assert OURS - set(ROLES) == set()


def test_the_lists_name_no_role_that_there_is_none_of() -> None:
    assert set(iam.actions_of_services()) - set(ROLES) == set()


@pytest.mark.parametrize("time_series", TIME_SERIES)
def test_every_granted_action_is_one_that_iam_knows(time_series: str) -> None:
    every = {action for _, grant in statements(names(time_series=time_series)) for action in grant.actions}
    assert {action for action in every if not iam.exists(action)} == set()


def test_no_action_has_a_wildcard() -> None:
    assert {action for _, grant in statements(names()) for action in grant.actions if "*" in action} == set()


# IAM knows resources for these; `why` of the grant tells that they are not what is meant here.
_WIDE = re.compile(r"ec2:(Create|Delete)NetworkInterface(Permission)?|ec2:(Una|A)ssignPrivateIpAddresses|cloudwatch:(Get|Put)MetricData")


@pytest.mark.parametrize("time_series", TIME_SERIES)
def test_a_resource_is_a_star_only_where_iam_knows_none_for_the_action_and_a_source_says_so(time_series: str) -> None:
    wide = [grant for _, grant in statements(names(time_series=time_series)) if "*" in grant.resources]
    assert wide
    narrower = {action for grant in wide for action in grant.actions if iam.arn_formats(action) and not _WIDE.fullmatch(action)}
    assert narrower == set()
    assert [grant for grant in wide if "https://docs.aws.amazon.com/" not in grant.why or len(grant.resources) > 1] == []


@pytest.mark.parametrize("time_series", TIME_SERIES)
def test_every_other_resource_is_of_a_kind_that_one_of_its_actions_takes_and_every_action_has_one(time_series: str) -> None:
    for role, grant in statements(names(time_series=time_series)):
        if "*" in grant.resources:
            continue
        fitting = {action: {arn for arn in grant.resources if _is_of(action, arn)} for action in grant.actions}
        assert {action for action, arns in fitting.items() if not arns} == set(), (role, grant)
        assert set(grant.resources) == set().union(*fitting.values()), (role, grant)


def _is_of(action: str, arn: str) -> bool:
    """Whether the ARN is of a kind of resource that the action may be held to; in S3 objects have a / and buckets none."""
    if action.startswith("s3:") and ("Object" in action or "MultipartUpload" in action) and action != "s3:ListBucketMultipartUploads":
        return arn.startswith("arn:aws:s3:::") and "/" in arn
    if action.startswith("s3:"):
        return arn.startswith("arn:aws:s3:::") and "/" not in arn
    known = {"${Partition}": "aws", "${Region}": "[a-z0-9-]+", "${Account}": r"([0-9]{12}|aws|\*)"}
    for pattern in iam.arn_formats(action):
        for placeholder, value in known.items():
            pattern = pattern.replace(placeholder, value)
        if re.fullmatch(pattern, arn):
            return True
    return False


def test_what_has_a_name_of_this_deployment_is_named_by_it() -> None:
    of = names()
    named = ("s3", "sqs", "sns", "dynamodb", "lambda", "secretsmanager", "athena", "backup")
    for role, grant in statements(of):
        for arn in grant.resources:
            if arn.split(":")[2:3] and arn.split(":")[2] in named and "airflow-celery" not in arn and "cdk-hnb659fds" not in arn:
                assert "fleetlake-acme" in arn, (role, arn)


def test_no_grant_of_one_deployment_reaches_what_only_another_has() -> None:
    ours = {arn for _, grant in statements(names()) for arn in grant.resources if "fleetlake" in arn}
    theirs = {arn for _, grant in statements(names(instance="other")) for arn in grant.resources if "fleetlake" in arn}
    assert len(ours) > 50
    # Training jobs are named by the task that starts them.
    assert {arn for arn in ours & theirs if "training-job" not in arn} == set()


def test_the_key_is_used_by_its_alias_and_only_through_services() -> None:
    keys = [grant for _, grant in statements(names()) if any(action.startswith("kms:") for action in grant.actions)]
    assert len(keys) > 10
    for grant in keys:
        assert grant.conditions["ForAnyValue:StringEquals"] == {"kms:ResourceAliases": ["alias/fleetlake-acme-data"]}
        through = grant.conditions["StringEquals"]["kms:ViaService"]
        assert through
        assert all(service.endswith(".eu-central-1.amazonaws.com") for service in through)


def test_roles_are_passed_to_the_one_service_that_runs_under_them() -> None:
    passing = {
        (role, arn, grant.conditions["StringEquals"]["iam:PassedToService"])
        for role, grant in statements(names())
        if "iam:PassRole" in grant.actions
        for arn in grant.resources
    }
    account = "arn:aws:iam::123456789012:role"
    assert passing == {
        ("airflow", f"{account}/fleetlake-acme-spark", "emr-serverless.amazonaws.com"),
        ("airflow", f"{account}/fleetlake-acme-training", "sagemaker.amazonaws.com"),
    }


def test_the_feed_of_shadows_writes_their_tables_alone() -> None:
    assert _tables("shadow-feed") == {"shadows", "shadow-history"}


def test_the_function_of_shadows_writes_neither_grants_nor_devices() -> None:
    writes = ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem")
    assert _tables("shadow-api", writes) == {"requests"}


def _tables(role: str, actions: tuple[str, ...] = ()) -> set[str]:
    of = names()
    grants = [grant for grant in role_permissions(of)[role].grants if not actions or set(actions) & set(grant.actions)]
    arns = {arn for grant in grants for arn in grant.resources}
    return {table.name for table in TABLES if of.table_arn(table) in arns}


@pytest.mark.parametrize("role", ROLES)
def test_the_policies_of_a_role_hold_its_grants_and_each_has_room_in_a_managed_policy(role: str) -> None:
    permissions = role_permissions(names(instance="a" * LONGEST_INSTANCE, region="ap-southeast-2"))[role]
    assert [grant for policy in permissions.policies for grant in policy] == list(permissions.grants)
    assert 0 < len(permissions.policies) <= 3
    for policy in permissions.policies:
        statements = [
            {"Effect": "Allow", "Action": grant.actions, "Resource": grant.resources, "Condition": dict(grant.conditions)}
            for grant in policy
        ]
        assert statements
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
        assert len(json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))) <= 6_144


def test_only_the_role_of_signed_in_people_is_taken_by_no_service() -> None:
    permissions = role_permissions(names())
    assert [role for role, permission in permissions.items() if not permission.principals] == ["user"]
    assert all(re.fullmatch(r"[a-z-]+\.amazonaws\.com", principal) for one in permissions.values() for principal in one.principals)
