"""Grants, denials and decisions as answers show them."""

from datetime import datetime

from fleet.user_pool import GROUPS
from services.auth import bodies
from services.auth.access import Access
from services.auth.grants import CEILING, Denial, Grant
from services.identity import Caller, Decision, DeviceFacts, Right, Role


def permissions_view(caller: Caller, access: Access, now: datetime) -> bodies.Permissions:
    return bodies.Permissions(
        user_id=caller.user_id,
        role=caller.role,
        by_role=GROUPS[caller.role],
        grants=[grant_view(grant, caller.role, access, now) for grant in access.grants],
        denials=[denial_view(denial) for denial in access.denials],
    )


def grant_view(grant: Grant, role: Role, access: Access, now: datetime) -> bodies.Grant:
    effective, reason = _effective(grant, role, access, now)
    return bodies.Grant(
        grant_id=grant.id,
        scope=grant.scope.kind,
        value=grant.scope.value,
        rights=_listed(grant.rights),
        effective_rights=_listed(effective),
        reason=reason,
        expires_at=grant.expires_at,
        granted_by=grant.granted_by,
        granted_at=grant.granted_at,
    )


def _effective(grant: Grant, role: Role, access: Access, now: datetime) -> tuple[frozenset[Right], str]:
    if not grant.is_live(now):
        return frozenset(), "it has expired"
    if role is Role.DEVICE:
        return frozenset(), "a device may reach itself alone, whatever is granted"
    denied = {right for denial in access.denials if denial.scope == grant.scope for right in denial.rights}
    if Right.READ in denied:
        return frozenset(), f"reading is denied for {grant.scope}"
    left = (grant.rights & CEILING[role]) - denied
    if left == grant.rights:
        return left, "granted"
    return left, f"denied: {', '.join(sorted(denied))}" if denied & grant.rights else f"a {role} may only read"


def denial_view(denial: Denial) -> bodies.Denial:
    return bodies.Denial(
        denial_id=denial.id,
        scope=denial.scope.kind,
        value=denial.scope.value,
        rights=_listed(denial.rights),
        denied_by=denial.denied_by,
        denied_at=denial.denied_at,
    )


def explanation(device: DeviceFacts, right: Right, decision: Decision) -> bodies.Explanation:
    return bodies.Explanation(
        device_id=device.device_id, right=right, is_allowed=decision.is_allowed, reason=decision.reason, by=decision.by
    )


def _listed(rights: frozenset[Right]) -> list[Right]:
    return [right for right in Right if right in rights]
