"""A role of ours: who may take it, and the grants that `infra/permissions.py` lists for it, as one managed policy."""

from typing import Any

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.names import Names
from infra.permissions import Grant, role_permissions


class ServiceRole(Construct):
    """`role` is for constructs that take one. It is immutable to them: what a construct would add by itself must be in the list."""

    def __init__(self, scope: Construct, construct_id: str, names: Names, name: str, identity_pool: str = "") -> None:
        super().__init__(scope, construct_id)
        permissions = role_permissions(names)[name]
        self._role = iam.Role(
            self,
            "Role",
            role_name=names.of(name),
            description=permissions.what,
            assumed_by=_principal(names, permissions.principals),
            managed_policies=[
                iam.ManagedPolicy(
                    self,
                    "Policy",
                    managed_policy_name=names.of(name),
                    description=f"What {name} calls, and nothing besides.",
                    statements=[statement(grant) for grant in permissions.grants],
                )
            ],
        )
        self.role: iam.IRole = self._role.without_policy_updates()

    @property
    def arn(self) -> str:
        return self._role.role_arn


def statement(grant: Grant) -> iam.PolicyStatement:
    conditions: dict[str, Any] = {operator: dict(values) for operator, values in grant.conditions.items()}
    return iam.PolicyStatement(actions=list(grant.actions), resources=list(grant.resources), conditions=conditions or None)


def _principal(names: Names, services: tuple[str, ...]) -> iam.IPrincipal:
    # Against the confused deputy: only on behalf of this account.
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    conditions = {"StringEquals": {"aws:SourceAccount": names.configuration.account}}
    # Lambda takes roles without naming a source.
    principals = [
        iam.ServicePrincipal(service, conditions=None if service == "lambda.amazonaws.com" else conditions) for service in services
    ]
    return principals[0] if len(principals) == 1 else iam.CompositePrincipal(*principals)
