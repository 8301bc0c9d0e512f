"""What a user may do to which devices: grants, denials, and why a call is allowed or refused."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, status
from starlette.convertors import StringConvertor, register_url_convertor

from services.auth import bodies
from services.auth.access import Access, KnownCaller
from services.auth.grants import Scope, ScopeKind
from services.auth.login_endpoints import Api, actor_of
from services.auth.tokens import role_of
from services.auth.user_endpoints import UserId, admin_or_self
from services.auth.views import denial_view, explanation, grant_view, permissions_view
from services.composition import Services
from services.identity import DEVICE_ID, Admin, Caller, DeviceFacts, Operator, Right, Role, SignedIn
from services.openapi import problems_of
from services.problems import Forbidden, NotFound


class _RuleIds(StringConvertor):
    # So that DELETE …/permissions/devices is a method that there is not (405), and no grant of that id.
    regex = "[0-9a-f]{16}"


_MOST_DEVICES = 50

register_url_convertor("rule", _RuleIds())
router = APIRouter(prefix="/users/{user_id}", tags=["permissions"])
RuleId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$", examples=["5f0a1c2d3e4f5a6b"])]
AskedDevice = Annotated[str | None, Query(pattern=DEVICE_ID, description="Explain this device's rights", examples=["engine-7"])]
AskedRight = Annotated[Right | None, Query(description="Explain this right alone", examples=["write"])]


@router.get("/permissions", responses=problems_of(403, 404), response_description="What the user may do, and why")
def permissions(api: Api, caller: SignedIn, user_id: UserId, device_id: AskedDevice = None, right: AskedRight = None) -> bodies.Permissions:
    """The rights of a user on its devices with their reasons, its grants and denials, and, with `device_id`, why each right on it is
    allowed or refused.

    For administrators, and for the user itself, to whom a device that it may not see is as one that is not there.
    """
    admin_or_self(caller, user_id)
    user = _as_caller(api, user_id)
    view = permissions_view(user, user.access, api.clock.now())
    seen = sorted(api.permissions.visible(user).device_ids)
    view.devices = [_rights(api, user, facts) for facts in map(api.directory.facts, seen[:_MOST_DEVICES]) if facts]
    view.more_devices = len(seen) > _MOST_DEVICES
    if device_id:
        facts = _facts_for(api, caller, device_id, user.access)
        view.explained = [explanation(facts, asked, api.permissions.decide(user, asked, facts)) for asked in ([right] if right else Right)]
    return view


@router.post("/permissions/devices", responses=problems_of(403, 404, 409), response_description="The grants, one for each device")
def grant_devices(request: Request, api: Api, caller: Operator, user_id: UserId, body: bodies.DeviceGrants) -> bodies.GrantList:
    """Grant rights on devices: an administrator on any, an operator on those it owns. All of them or none; the same again changes nothing."""
    user = _as_caller(api, user_id)
    for device_id in body.devices:
        _check_may_give(api, caller, device_id)
    return _grant(request, api, caller, user, _scopes(ScopeKind.DEVICE, body.devices), body)


@router.post("/permissions/groups", responses=problems_of(403, 404, 409), response_description="The grants, one for each group")
def grant_groups(request: Request, api: Api, caller: Admin, user_id: UserId, body: bodies.GroupGrants) -> bodies.GrantList:
    """Grant rights on all devices of thing groups, those included that join them later."""
    return _grant(request, api, caller, _as_caller(api, user_id), _scopes(ScopeKind.GROUP, body.groups), body)


@router.post("/permissions/tags", responses=problems_of(403, 404, 409), response_description="The grants, one for each tag")
def grant_tags(request: Request, api: Api, caller: Admin, user_id: UserId, body: bodies.TagGrants) -> bodies.GrantList:
    """Grant rights on all devices with tags, those included that get them later."""
    return _grant(request, api, caller, _as_caller(api, user_id), _scopes(ScopeKind.TAG, body.tags), body)


@router.delete(
    "/permissions/{grant_id:rule}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems_of(403, 404, 409),
    response_description="The grant is gone",
)
def take_grant(request: Request, api: Api, caller: Operator, user_id: UserId, grant_id: RuleId) -> None:
    """Take one grant away: an administrator any, an operator one on a device it owns. Other grants go on counting; a denial ends them all."""
    _as_caller(api, user_id)
    if caller.role is not Role.ADMIN:
        _check_may_take(api, caller, user_id, grant_id)
    api.users.rules.take_grant(user_id, grant_id, actor_of(request, caller.user_id, caller.user_name))


@router.post("/denials", responses=problems_of(403, 404, 409), response_description="The denials, one for each device, group and tag")
def deny(request: Request, api: Api, caller: Admin, user_id: UserId, body: bodies.Denials) -> bodies.DenialList:
    """Revoke: the user has these rights no more from its next call on, whatever was granted or will be, until the denial is lifted."""
    _as_caller(api, user_id)
    scopes = [
        *_scopes(ScopeKind.DEVICE, body.devices),
        *_scopes(ScopeKind.GROUP, body.groups),
        *_scopes(ScopeKind.TAG, body.tags),
    ]
    actor = actor_of(request, caller.user_id, caller.user_name)
    denied = api.users.rules.deny(user_id, scopes, frozenset(body.rights), actor)
    return bodies.DenialList(denials=[denial_view(denial) for denial in denied])


@router.delete(
    "/denials/{denial_id:rule}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems_of(403, 404, 409),
    response_description="The denial is gone",
)
def lift(request: Request, api: Api, caller: Admin, user_id: UserId, denial_id: RuleId) -> None:
    """Lift a denial: what is granted counts again."""
    _as_caller(api, user_id)
    api.users.rules.lift(user_id, denial_id, actor_of(request, caller.user_id, caller.user_name))


def _grant(
    request: Request,
    api: Services,
    caller: Caller,
    user: Caller,
    scopes: Sequence[Scope],
    body: bodies.DeviceGrants | bodies.GroupGrants | bodies.TagGrants,
) -> bodies.GrantList:
    actor = actor_of(request, caller.user_id, caller.user_name)
    given = api.users.rules.grant(user.user_id, scopes, frozenset(body.rights), body.expires_at, actor)
    access, now = api.users.rules.table.read(user.user_id), api.clock.now()
    return bodies.GrantList(grants=[grant_view(grant, user.role, access, now) for grant in given])


def _rights(api: Services, user: Caller, facts: DeviceFacts) -> bodies.DeviceRights:
    decided = {right: api.permissions.decide(user, right, facts) for right in Right}
    had = [
        bodies.DeviceRight(right=right, reason=decision.reason, by=decision.by)
        for right, decision in decided.items()
        if decision.is_allowed
    ]
    return bodies.DeviceRights(device_id=facts.device_id, rights=had)


def _as_caller(api: Services, user_id: str) -> KnownCaller:
    """The user as it would call now. Raises NotFound."""
    user = api.users.get(user_id)
    groups = api.users.roles.of(user_id, user.user_name)
    access = api.users.rules.table.read(user_id)
    return KnownCaller(user_id, user.user_name, role_of(groups), "", api.clock.now(), groups, access)


def _scopes(kind: ScopeKind, values: Sequence[str]) -> list[Scope]:
    return [Scope(kind, value) for value in dict.fromkeys(values)]


def _unseen(device_id: str) -> NotFound:
    return NotFound(f"device {device_id}: there is none that you may see")


def _facts_for(api: Services, caller: Caller, device_id: str, access: Access) -> DeviceFacts:
    """Raises NotFound where `caller` may not see the device, or there is none; denied is not unseen to the user whose denial it is."""
    facts = api.directory.facts(device_id)
    if facts is None or (not api.permissions.decide(caller, Right.READ, facts).is_allowed and not _is_named(access, facts)):
        raise _unseen(device_id)
    return facts


def _is_named(access: Access, facts: DeviceFacts) -> bool:
    """Whether a grant or a denial names this very device: the user is shown it anyway."""
    named = [grant.scope for grant in access.grants] + [denial.scope for denial in access.denials]
    return Scope.of_device(facts.device_id) in named


def _check_may_give(api: Services, caller: Caller, device_id: str) -> None:
    """Raises NotFound for a device that the caller may not see, Forbidden for one that it sees and does not own."""
    facts = api.directory.facts(device_id)
    if facts is None or not api.permissions.decide(caller, Right.READ, facts).is_allowed:
        raise _unseen(device_id)
    if caller.role is not Role.ADMIN and facts.owner != caller.user_id:
        raise Forbidden(f"grant rights on device {device_id}: it is not yours; its owner or an administrator may")


def _check_may_take(api: Services, caller: Caller, user_id: str, grant_id: str) -> None:
    """Raises NotFound where the grant is not for a device that the caller owns."""
    for grant in api.users.rules.table.read(user_id).grants:
        if grant.id == grant_id and grant.scope.kind is ScopeKind.DEVICE:
            facts = api.directory.facts(grant.scope.value)
            if facts is not None and facts.owner == caller.user_id:
                return
    raise NotFound(f"grant {grant_id}: the user has none of that id")
