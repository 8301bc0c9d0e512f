"""Users: the list, one user, roles, confirmation, deletion, and the trail of changes."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, status

from services.auth import bodies
from services.auth.audit import Change
from services.auth.login_endpoints import Api, actor_of
from services.auth.tokens import role_of
from services.auth.users import User
from services.identity import Admin, Caller, Role, SignedIn
from services.openapi import problems_of
from services.problems import Forbidden

router = APIRouter(prefix="/users", tags=["users"])
UserId = Annotated[
    str, Path(pattern=bodies.USER_ID, description="Cognito's sub; no user name", examples=["0f8fad5b-d9cb-469f-a165-70867728950e"])
]
Limit = Annotated[int, Query(ge=1, le=60, description="As ListUsers takes at most")]
NextToken = Annotated[str | None, Query(max_length=4096, description="As the page before gave it, with the same filter")]
Filter = Annotated[
    str,
    Query(
        max_length=300,
        description='attribute = "value" or attribute ^= "beginning"; of username, email, sub, status',
        examples=['email ^= "anna"'],
    ),
]


def admin_or_self(caller: Caller, user_id: str) -> None:
    """Raises Forbidden for anybody else, whether there is such a user or not."""
    if caller.role is not Role.ADMIN and caller.user_id != user_id:
        raise Forbidden(f"this operation is for admins and for the user itself; {caller.user_name} is {caller.role}")


@router.get("", responses=problems_of(403), response_description="A page of users")
def list_users(api: Api, caller: Admin, filter: Filter = "", limit: Limit = 60, next_token: NextToken = None) -> bodies.UserPage:
    """The users of the pool, in pages."""
    bound = {"caller": caller.user_id, "listing": f"users {filter}"}
    after = api.paging.where(next_token, **bound) if next_token else None
    found, further = api.users.page(filter, limit, after)
    token = api.paging.token(further, **bound) if further else None
    return bodies.UserPage(users=[bodies.User(**vars(user)) for user in found], next_token=token)


@router.get("/{user_id}", responses=problems_of(403, 404), response_description="The user with its groups")
def get_user(api: Api, caller: SignedIn, user_id: UserId) -> bodies.UserWithRoles:
    """A user with its groups. For administrators, and for the user itself."""
    admin_or_self(caller, user_id)
    user = api.users.get(user_id)
    return _with_roles(user, api.users.roles.of(user_id, user.user_name))


@router.post(
    "/{user_id}/confirm",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems_of(403, 404),
    response_description="The user and its e-mail address are confirmed",
)
def confirm_user(request: Request, api: Api, caller: Admin, user_id: UserId) -> None:
    """Confirm a sign-up without its code, and the e-mail address with it: the administrator vouches for both."""
    user = api.users.get(user_id)
    api.users.confirm(user)
    if user.status == "UNCONFIRMED" or not user.is_email_verified:
        before = {"status": user.status, "is_email_verified": user.is_email_verified}
        actor = actor_of(request, caller.user_id, caller.user_name)
        api.users.rules.audit.write(Change(user_id, "confirm", before, {"status": "CONFIRMED"}, actor, api.clock.now()))


@router.put("/{user_id}/roles", responses=problems_of(403, 404, 409), response_description="The user with its new groups")
def set_roles(request: Request, api: Api, caller: Admin, user_id: UserId, body: bodies.RolesGiven) -> bodies.UserWithRoles:
    """Set the roles of a user. They count from its next call on, whatever its token says. The last administrator stays one."""
    user = api.users.get(user_id)
    actor = actor_of(request, caller.user_id, caller.user_name)
    return _with_roles(user, api.users.roles.set(user_id, user.user_name, frozenset(body.roles), actor))


@router.delete(
    "/{user_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems_of(403, 404, 409), response_description="The user is gone"
)
def delete_user(request: Request, api: Api, caller: Admin, user_id: UserId) -> None:
    """Delete a user: its tokens end at once, its grants and denials go, its audit trail and its devices stay. The last administrator stays."""
    user = api.users.get(user_id)
    api.users.roles.mark_deleted(user_id, user.user_name, actor_of(request, caller.user_id, caller.user_name))
    api.users.delete(user)


@router.get("/{user_id}/audit", responses=problems_of(403), response_description="A page of changes, the newest first")
def audit(api: Api, caller: Admin, user_id: UserId, limit: Limit = 60, next_token: NextToken = None) -> bodies.AuditPage:
    """What was changed of a user, the newest first; of one that was deleted too."""
    bound = {"caller": caller.user_id, "listing": f"audit {user_id}"}
    after = api.paging.where(next_token, **bound) if next_token else None
    changes, further = api.users.rules.audit.page(user_id, limit, after)
    token = api.paging.token(further, **bound) if further else None
    return bodies.AuditPage(lines=[_line(change) for change in changes], next_token=token)


def _line(change: Change) -> bodies.AuditLine:
    return bodies.AuditLine(
        at=change.at,
        who=change.actor.user_id,
        who_name=change.actor.user_name,
        what=change.what,
        before=change.before,
        after=change.after,
        request_id=change.actor.request_id,
    )


def _with_roles(user: User, groups: frozenset[str]) -> bodies.UserWithRoles:
    return bodies.UserWithRoles(**vars(user), role=role_of(groups), groups=sorted(groups))
