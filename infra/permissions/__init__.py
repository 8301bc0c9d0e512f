"""Every role of a deployment, by name, and exactly what it may do: what our Python calls under it and what AWS does with it.

`tests/infra/test_permissions.py` holds these equal to the calls that test runs record and to `infra/service_actions.csv`.
"""

from collections.abc import Mapping

from infra.names import Names
from infra.permissions import analytics, apis, aws_services, ingestion
from infra.permissions.grant import Grant, RolePermissions
from infra.permissions.resources import Resources

__all__ = ["Grant", "RolePermissions", "role_permissions"]


def role_permissions(names: Names) -> Mapping[str, RolePermissions]:
    of = Resources(names)
    return {**ingestion.roles(of), **apis.roles(of), **analytics.roles(of), **aws_services.roles(of)}
