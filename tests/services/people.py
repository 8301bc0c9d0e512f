"""Callers and their rights without Cognito: a token is ``name:role``, and who may what stands in a table of the test's."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from services.identity import Caller, Decision, DeviceFacts, Right, Role, Visible
from services.problems import Unauthenticated

EVERYTHING = frozenset(Right)


class Named:
    """Of Tokens: ``anna:operator`` is user anna in the group operator."""

    def verify(self, token: str) -> Caller:
        name, _, role = token.partition(":")
        if role not in set(Role):
            raise Unauthenticated("the access token is not valid")
        return Caller(name, name, Role(role), f"token of {name}", datetime(2026, 11, 29, tzinfo=UTC))


@dataclass
class Table:
    """Of Permissions: `rights` by user and device."""

    rights: dict[tuple[str, str], frozenset[Right]] = field(default_factory=dict)

    def decide(self, caller: Caller, right: Right, device: DeviceFacts) -> Decision:
        held = EVERYTHING if caller.role is Role.ADMIN else self.rights.get((caller.user_id, device.device_id), frozenset())
        return Decision(right in held, f"{caller.user_name} has {', '.join(sorted(held)) or 'no rights'} there")

    def visible(self, caller: Caller) -> Visible:
        if caller.role is Role.ADMIN:
            return Visible(everything=True)
        return Visible(
            device_ids=frozenset(device for (user, device), held in self.rights.items() if user == caller.user_id and Right.READ in held)
        )


@dataclass
class Known:
    """Of Directory: devices without owner, groups or tags."""

    device_ids: frozenset[str]

    def facts(self, device_id: str) -> DeviceFacts | None:
        return DeviceFacts(device_id, owner="") if device_id in self.device_ids else None

    def owned_by(self, user_id: str) -> frozenset[str]:
        return frozenset()

    def in_group(self, group: str) -> frozenset[str]:
        return frozenset()

    def with_tag(self, tag: str) -> frozenset[str]:
        return frozenset()


def bearer(name: str, role: str = "operator") -> dict[str, str]:
    return {"Authorization": f"Bearer {name}:{role}"}
