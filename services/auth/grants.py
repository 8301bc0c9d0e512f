"""Who may do what to which device: pure rules over grants, denials, ownership and roles.

In this order, the first that fits decides:
1. an administrator may everything; denials do not bind administrators (take the role away first);
2. a denial that covers the device refuses, whatever was granted, and whenever: as an explicit deny of IAM;
3. without the right to read there is none of the others;
4. a device reads and writes itself, and nothing else;
5. an operator has all rights on the devices it owns, a viewer reads them;
6. a grant that covers the device and has not expired; for a viewer only as far as reading, whatever it says;
7. nobody may anything else.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.identity import Caller, Decision, DeviceFacts, Right, Role

ALL_RIGHTS = frozenset(Right)
# What a role may at most, whatever is granted.
CEILING = {
    Role.ADMIN: ALL_RIGHTS,
    Role.OPERATOR: ALL_RIGHTS,
    Role.VIEWER: frozenset({Right.READ}),
    Role.DEVICE: frozenset({Right.READ, Right.WRITE}),
}


class ScopeKind(StrEnum):
    DEVICE = "device"
    GROUP = "group"
    TAG = "tag"


@dataclass(frozen=True, order=True)
class Scope:
    kind: ScopeKind
    value: str

    def covers(self, device: DeviceFacts) -> bool:
        if self.kind is ScopeKind.DEVICE:
            return self.value == device.device_id
        return self.value in (device.groups if self.kind is ScopeKind.GROUP else device.tags)

    @classmethod
    def of_device(cls, device_id: str) -> "Scope":
        return cls(ScopeKind.DEVICE, device_id)

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


@dataclass(frozen=True)
class Grant:
    id: str
    user_id: str
    scope: Scope
    rights: frozenset[Right]
    expires_at: datetime | None
    granted_by: str
    granted_at: datetime

    def is_live(self, now: datetime) -> bool:
        return self.expires_at is None or now < self.expires_at


@dataclass(frozen=True)
class Denial:
    """Until it is lifted; it has no end of its own."""

    id: str
    user_id: str
    scope: Scope
    rights: frozenset[Right]
    denied_by: str
    denied_at: datetime


def decide(
    caller: Caller, right: Right, device: DeviceFacts, grants: Iterable[Grant], denials: Iterable[Denial], now: datetime
) -> Decision:
    """Whether `caller` has `right` on `device` at `now`, and why."""
    grants, denials = tuple(grants), tuple(denials)
    decision = _decide(caller, right, device, grants, denials, now)
    if decision.is_allowed and right is not Right.READ:
        read = _decide(caller, Right.READ, device, grants, denials, now)
        if not read.is_allowed:
            return Decision(False, f"{right} needs read as well: {read.reason}", read.by)
    return decision


def _decide(
    caller: Caller, right: Right, device: DeviceFacts, grants: tuple[Grant, ...], denials: tuple[Denial, ...], now: datetime
) -> Decision:
    if caller.role is Role.ADMIN:
        return Decision(True, "administrators may do everything", "role:admin")
    for denial in denials:
        if right in denial.rights and denial.scope.covers(device):
            return Decision(False, f"{right} is denied for {denial.scope} since {_iso(denial.denied_at)}", f"denial:{denial.id}")
    if caller.role is Role.DEVICE:
        return _by_itself(caller, right, device)
    if device.owner and device.owner == caller.user_id and (caller.role is Role.OPERATOR or right is Right.READ):
        return Decision(True, "the device is the user's own", "own")
    return _by_grant(caller, right, device, grants, now)


def _by_itself(caller: Caller, right: Right, device: DeviceFacts) -> Decision:
    if device.device_id != caller.user_name:
        return Decision(False, "a device may reach itself alone", "role:device")
    if right not in CEILING[Role.DEVICE]:
        return Decision(False, f"a device has no right to {right}, not even to itself", "role:device")
    return Decision(True, "a device reads and writes itself", "role:device")


def _by_grant(caller: Caller, right: Right, device: DeviceFacts, grants: tuple[Grant, ...], now: datetime) -> Decision:
    covering = [grant for grant in grants if right in grant.rights and grant.scope.covers(device)]
    live = [grant for grant in covering if grant.is_live(now)]
    if not live:
        return _not_granted(right, covering)
    by = f"grant:{live[0].id}"
    if right not in CEILING[caller.role]:
        return Decision(
            False, f"{right} is granted, and the role {caller.role} may only read; give the role operator", f"role:{caller.role}"
        )
    until = f" until {_iso(live[0].expires_at)}" if live[0].expires_at else ""
    return Decision(True, f"{right} is granted for {live[0].scope}{until}", by)


def _not_granted(right: Right, covering: list[Grant]) -> Decision:
    if not covering:
        return Decision(False, f"nothing grants {right}")
    last = max(covering, key=lambda grant: grant.expires_at or grant.granted_at)
    ended = _iso(last.expires_at) if last.expires_at else ""
    return Decision(False, f"the grant of {right} for {last.scope} expired at {ended}", f"grant:{last.id}")


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
