"""A role of ours: who may take it, and what `infra/permissions` grants it, as managed policies."""

from typing import Any

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.names import Names
from infra.permissions import Grant, role_permissions


class ServiceRole(Construct):
    """`role` is for constructs that take one. It is immutable to them: what a construct would add by itself must be in the list.

    `identity_pool` is that of a role which signed-in people take.
    """

    def __init__(self, scope: Construct, construct_id: str, names: Names, name: str, identity_pool: str = "") -> None:
        super().__init__(scope, construct_id)
        permissions = role_permissions(names)[name]
        # By the path of each policy.
        self.policies: dict[str, tuple[Grant, ...]] = {}
        self._role = iam.Role(
            self,
            "Role",
            role_name=names.of(name),
            description=permissions.what,
            assumed_by=_signed_in(identity_pool) if identity_pool else _services(names, permissions.principals),
            managed_policies=[self._policy(names, name, number, grants) for number, grants in enumerate(permissions.policies, 1)],
        )
        self.role: iam.IRole = self._role.without_policy_updates()

    def _policy(self, names: Names, name: str, number: int, grants: tuple[Grant, ...]) -> iam.ManagedPolicy:
        suffix = "" if number == 1 else str(number)
        policy = iam.ManagedPolicy(
            self,
            f"Policy{suffix}",
            managed_policy_name=names.of(name) + (f"-{suffix}" if suffix else ""),
            description=f"What {name} calls, and nothing besides",
            statements=[_statement(grant) for grant in grants],
        )
        self.policies[f"{policy.node.path}/Resource"] = grants
        return policy

    @property
    def arn(self) -> str:
        return self._role.role_arn


def _statement(grant: Grant) -> iam.PolicyStatement:
    conditions: dict[str, Any] = {operator: dict(values) for operator, values in grant.conditions.items()}
    return iam.PolicyStatement(actions=list(grant.actions), resources=list(grant.resources), conditions=conditions or None)


# Of these AWS shows the trust of a role without a source, and does not say that they tell one.
_WITHOUT_SOURCE = {"lambda.amazonaws.com", "apigateway.amazonaws.com", "cloudtrail.amazonaws.com", "emr-serverless.amazonaws.com"}


def _services(names: Names, services: tuple[str, ...]) -> iam.IPrincipal:
    # Against the confused deputy: only on behalf of this account.
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    conditions = {"StringEquals": {"aws:SourceAccount": names.configuration.account}}
    principals = [iam.ServicePrincipal(service, conditions=None if service in _WITHOUT_SOURCE else conditions) for service in services]
    return principals[0] if len(principals) == 1 else iam.CompositePrincipal(*principals)


def _signed_in(identity_pool: str) -> iam.IPrincipal:
    """https://docs.aws.amazon.com/cognito/latest/developerguide/role-trust-and-permissions.html"""
    return iam.WebIdentityPrincipal(
        "cognito-identity.amazonaws.com",
        {
            "StringEquals": {"cognito-identity.amazonaws.com:aud": identity_pool},
            "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "authenticated"},
        },
    )
