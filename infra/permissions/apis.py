"""Roles of the APIs, and of what feeds their shadows."""

from collections.abc import Mapping

from fleet.tables import AUDIT, DEVICE_HISTORY, DEVICES, GRANTS, REQUESTS, SHADOW_HISTORY, SHADOWS
from infra.permissions.grant import Grant, RolePermissions
from infra.permissions.resources import Resources, no_resource, prefixed

_LAMBDA, _TASK = ("lambda.amazonaws.com",), ("ecs-tasks.amazonaws.com",)
# What /health asks.
_HEALTH = (
    Grant(("iot:DescribeEndpoint",), ("*",), why=no_resource("awsiot")),
    Grant(("cognito-idp:ListUserPools",), ("*",), why=no_resource("amazoncognitouserpools")),
)


def roles(of: Resources) -> Mapping[str, RolePermissions]:
    return {
        "auth-api": RolePermissions("The function of the auth APIs", _LAMBDA, (*_auth(of), *_HEALTH, *of.function("auth-api"))),
        "shadow-api": RolePermissions("The function of the shadow APIs", _LAMBDA, (*_shadow(of), *_HEALTH, *of.function("shadow-api"))),
        "api": RolePermissions("The service of all APIs", _TASK, (*_api(of), *_HEALTH)),
        "shadow-feed": _feed(of),
        "fleet-shadow": _fleet_shadow(of),
        "user": RolePermissions(
            "A person who is signed in, by the identity pool",
            (),
            (Grant(("cognito-identity:GetCredentialsForIdentity",), ("*",), why=no_resource("amazoncognitoidentity")),),
        ),
    }


def _auth(of: Resources) -> tuple[Grant, ...]:
    return (
        *_callers(of),
        of.tables((GRANTS,), "PutItem UpdateItem DeleteItem ConditionCheckItem"),
        of.tables((AUDIT,), "PutItem Query"),
        Grant(
            prefixed(
                "AdminAddUserToGroup AdminConfirmSignUp AdminDeleteUser AdminGetUser AdminListGroupsForUser AdminRemoveUserFromGroup"
                " AdminUpdateUserAttributes AdminUserGlobalSignOut ListUsers ListUsersInGroup",
                "cognito-idp",
            ),
            # Its id is known to AWS only; its tag is the deployment's.
            (of.names.arn("cognito-idp", "userpool/*"),),
            {"StringEquals": {"aws:ResourceTag/fleetlake:instance": of.names.configuration.instance}},
        ),
    )


def _callers(of: Resources) -> tuple[Grant, ...]:
    """Who calls, and what they may: asked with every call, of whichever part."""
    return (
        of.tables((GRANTS,), "DescribeTable GetItem"),
        of.tables((GRANTS, DEVICES), "Query", indexes=True),
        of.tables((DEVICES,), "GetItem Scan"),
        of.tables((REQUESTS,), "GetItem PutItem"),
        of.key("dynamodb", "Decrypt"),
    )


def _shadow(of: Resources) -> tuple[Grant, ...]:
    things = of.iot("thing/*")
    return (
        *_callers(of),
        of.tables((REQUESTS,), "UpdateItem DeleteItem"),
        of.tables((DEVICES, SHADOWS), "BatchGetItem"),
        of.tables((SHADOWS, SHADOW_HISTORY), "GetItem Query"),
        of.tables((SHADOWS,), "Scan"),
        Grant(prefixed("DeleteThingShadow GetThingShadow ListNamedShadowsForThing UpdateThingShadow", "iot"), things),
        # Devices of a batch may be found by whether they are connected, or when they were last seen.
        Grant(("iot:SearchIndex",), of.iot("index/AWS_Things")),
        *of.time_series(),
    )


def _api(of: Resources) -> tuple[Grant, ...]:
    certificates, things, groups = of.iot("cert/*"), of.iot("thing/*"), of.iot("thinggroup/*")
    return (
        *_auth(of),
        *(grant for grant in _shadow(of) if grant not in _callers(of)),
        of.tables((DEVICES, DEVICE_HISTORY, REQUESTS), "PutItem"),
        of.tables((DEVICES,), "DeleteItem"),
        of.tables((DEVICE_HISTORY,), "Query"),
        Grant(
            prefixed("CreateThing DeleteThing DescribeThing UpdateThing ListThingGroupsForThing ListThingPrincipals", "iot"),
            things,
        ),
        Grant(prefixed("AddThingToThingGroup RemoveThingFromThingGroup", "iot"), (*things, *groups)),
        Grant(prefixed("CreateThingGroup DescribeThingGroup", "iot"), groups),
        Grant(prefixed("CreateThingType DescribeThingType", "iot"), of.iot("thingtype/*")),
        Grant(prefixed("CancelJobExecution ListJobExecutionsForThing", "iot"), (*things, *of.iot("job/*"))),
        Grant(
            prefixed(
                "AttachPolicy AttachThingPrincipal DeleteCertificate DescribeCertificate DetachPolicy DetachThingPrincipal"
                " ListPrincipalThings UpdateCertificate",
                "iot",
            ),
            certificates,
        ),
        Grant(prefixed("CreateCertificateFromCsr CreateKeysAndCertificate ListAttachedPolicies", "iot"), ("*",), why=no_resource("awsiot")),
        *of.queries(),
        of.key("s3", "Decrypt", "GenerateDataKey"),
    )


def _feed(of: Resources) -> RolePermissions:
    return RolePermissions(
        "The function that keeps changes of shadows",
        _LAMBDA,
        (
            *of.queue_of_function(of.names.settings.shadow_queue),
            of.tables((SHADOWS, SHADOW_HISTORY), "PutItem UpdateItem"),
            of.key("dynamodb", "Decrypt"),
            *of.function("shadow-feed"),
        ),
    )


def _fleet_shadow(of: Resources) -> RolePermissions:
    return RolePermissions(
        "The function that writes each device's named shadow fleet",
        _LAMBDA,
        (
            of.tables((DEVICES,), "Scan"),
            of.tables((SHADOWS,), "BatchGetItem"),
            of.key("dynamodb", "Decrypt"),
            Grant(("iot:UpdateThingShadow",), of.iot("thing/*")),
            *of.queries(),
            of.key("s3", "Decrypt", "GenerateDataKey"),
            *of.time_series(),
            *of.function("fleet-shadow"),
        ),
    )
