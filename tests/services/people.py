"""Callers and their rights without Cognito: a token is its user's role and name, and who may what stands in a table of the test's."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from services.identity import Caller, Decision, DeviceFacts, Right, Role, Visible
from services.problems import Unauthenticated

EVERYTHING = frozenset(Right)


NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


class NamesAsTokens:
    """Of Tokens: ``operator-olga`` is the token of the operator olga."""

    def verify(self, token: str) -> Caller:
        role, _, name = token.partition("-")
        if role not in set(Role) or not name:
            raise Unauthenticated("the access token is not valid")
        return Caller(f"id-of-{name}", name, Role(role), "jti", NOW, frozenset({role}))


@dataclass
class Table:
    """Of Permissions: `rights` by user name and device; administrators may everything."""

    rights: dict[tuple[str, str], frozenset[Right]] = field(default_factory=dict)

    def decide(self, caller: Caller, right: Right, device: DeviceFacts) -> Decision:
        held = EVERYTHING if caller.role is Role.ADMIN else self.rights.get((caller.user_name, device.device_id), frozenset())
        return Decision(right in held, f"{caller.user_name} has {', '.join(sorted(held)) or 'no rights'} there")

    def visible(self, caller: Caller) -> Visible:
        if caller.role is Role.ADMIN:
            return Visible(everything=True)
        return Visible(
            device_ids=frozenset(device for (user, device), held in self.rights.items() if user == caller.user_name and Right.READ in held)
        )


def bearer(name: str, role: str = "operator") -> dict[str, str]:
    return {"Authorization": f"Bearer {role}-{name}"}
