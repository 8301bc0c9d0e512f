"""What a role is granted, as data: `infra/constructs/service_role.py` makes policies of it, tests compare it with what is used."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Characters of a managed policy, white space not counted; a role has ten such policies.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
LONGEST_POLICY = 6_144
_AROUND_STATEMENTS = len('{"Version":"2012-10-17","Statement":[]}')


@dataclass(frozen=True)
class Grant:
    """A statement of a policy. `why` says where AWS states that a resource of ``*`` cannot be named more narrowly."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    why: str = ""

    @property
    def length(self) -> int:
        """Characters of the statement in a policy, with the comma behind it."""
        statement = {"Action": self.actions, "Resource": self.resources, "Effect": "Allow", "Condition": dict(self.conditions)}
        return len(json.dumps(statement, separators=(",", ":"))) + 1


@dataclass(frozen=True)
class RolePermissions:
    """`principals` are the services of AWS that may take the role; none where a signed-in person takes it."""

    what: str
    principals: tuple[str, ...]
    grants: tuple[Grant, ...]

    @property
    def policies(self) -> tuple[tuple[Grant, ...], ...]:
        """The grants as the managed policies of a role: in their order, in as few as take them."""
        policies: list[list[Grant]] = [[]]
        room = LONGEST_POLICY - _AROUND_STATEMENTS
        for grant in self.grants:
            if sum(each.length for each in (*policies[-1], grant)) > room:
                policies.append([])
            policies[-1].append(grant)
        return tuple(tuple(policy) for policy in policies)
