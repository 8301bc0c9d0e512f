"""Who calls, what they may do to which device, and how an endpoint says so in its signature.

def rename(device: WritableDevice, …)        a device that the caller may write
def list_users(caller: Admin, …)             an administrator
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Protocol

from fastapi import Depends, Path, Request
from fastapi.security import HTTPBearer

from services.problems import Forbidden, NotFound, Unauthenticated

if TYPE_CHECKING:
    from services.composition import Services

# As AWS IoT names a thing.
DEVICE_ID = r"^[a-zA-Z0-9:_-]{1,128}$"
DeviceId = Annotated[str, Path(pattern=DEVICE_ID, description="The device's id, which is its thing's name", examples=["engine-7"])]


class Role(StrEnum):
    """A Cognito group. Of several the highest counts; a user of none is a viewer."""

    ADMIN = "admin"
    OPERATOR = "operator"
    VIEWER = "viewer"
    DEVICE = "device"


class Right(StrEnum):
    READ = "read"
    WRITE = "write"
    COMMAND = "command"
    UPDATE = "update"


@dataclass(frozen=True)
class Caller:
    """Whom a verified access token names."""

    user_id: str
    user_name: str
    role: Role
    token_id: str
    issued_at: datetime
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True)
class DeviceFacts:
    """What decides over access to a device. A tag is ``key=value``."""

    device_id: str
    owner: str
    groups: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Decision:
    """Whether a call is allowed, and why in a sentence; `by` names the grant, denial, ownership or role that decided."""

    is_allowed: bool
    reason: str
    by: str = ""


@dataclass(frozen=True)
class Visible:
    """The devices whose readings a caller may see. `everything` for administrators."""

    everything: bool = False
    device_ids: frozenset[str] = field(default_factory=frozenset)


class Tokens(Protocol):
    def verify(self, token: str) -> Caller:
        """Raises Unauthenticated for whatever is no valid access token of our pool and client."""
        ...


class Permissions(Protocol):
    def decide(self, caller: Caller, right: Right, device: DeviceFacts) -> Decision: ...

    def visible(self, caller: Caller) -> Visible:
        """The devices that `caller` may read at this moment."""
        ...


class Directory(Protocol):
    """The registry of devices, as far as access asks for it."""

    def facts(self, device_id: str) -> DeviceFacts | None: ...

    def owned_by(self, user_id: str) -> frozenset[str]: ...

    def in_group(self, group: str) -> frozenset[str]: ...

    def with_tag(self, tag: str) -> frozenset[str]: ...


@dataclass(frozen=True)
class CurrentDevice:
    """A device that the caller may do to what the operation does."""

    device_id: str
    facts: DeviceFacts
    caller: Caller


# Without its own answer, which would be no problem of ours.
_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="A Cognito access token")


async def services_of(request: Request) -> "Services":
    services: Services = request.app.state.services
    return services


def bearer_token(request: Request) -> str:
    """Raises Unauthenticated where the request carries none, or more than one: another on the way here may have looked at the other."""
    given = request.headers.getlist("authorization")
    if len(given) > 1:
        raise Unauthenticated("more than one Authorization header; send one")
    scheme, _, token = "".join(given).partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("no access token: send Authorization: Bearer followed by a Cognito access token")
    return token.strip()


def _verify(request: Request) -> Caller:
    caller: Caller = request.app.state.services.tokens.verify(bearer_token(request))
    # For the access log, and for the limits of a user.
    request.state.caller = caller
    request.app.state.services.rates.take_user(caller)
    return caller


def signed_in(request: Request, _: Annotated[object, Depends(_bearer)] = None) -> Caller:
    return _verify(request)


SignedIn = Annotated[Caller, Depends(signed_in)]


def _with_role(*roles: Role) -> Callable[[Caller], Caller]:
    def check(caller: SignedIn) -> Caller:
        if caller.role not in roles:
            raise Forbidden(f"this operation is for {' and '.join(f'{role}s' for role in roles)}; {caller.user_name} is {caller.role}")
        return caller

    return check


Admin = Annotated[Caller, Depends(_with_role(Role.ADMIN))]
Operator = Annotated[Caller, Depends(_with_role(Role.ADMIN, Role.OPERATOR))]


def device_for(services: "Services", caller: Caller, device_id: str, right: Right) -> CurrentDevice:
    """The device. Raises NotFound where the caller may not read it or there is none, which answers do not tell apart; Forbidden for a
    right that somebody who may read it lacks."""
    facts = services.directory.facts(device_id)
    # A missing one is decided over as well: the answer takes as long.
    asked = facts or DeviceFacts(device_id, owner="")
    readable = services.permissions.decide(caller, Right.READ, asked)
    if facts is None or not readable.is_allowed:
        raise NotFound(f"device {device_id}: there is none that you may see")
    decision = readable if right is Right.READ else services.permissions.decide(caller, right, facts)
    if not decision.is_allowed:
        raise Forbidden(f"{right} device {device_id}: {decision.reason}")
    services.rates.take_device(device_id)
    return CurrentDevice(device_id, facts, caller)


def _device(right: Right) -> Callable[..., CurrentDevice]:
    def find(request: Request, device_id: DeviceId, caller: SignedIn) -> CurrentDevice:
        return device_for(request.app.state.services, caller, device_id, right)

    return find


ReadableDevice = Annotated[CurrentDevice, Depends(_device(Right.READ))]
WritableDevice = Annotated[CurrentDevice, Depends(_device(Right.WRITE))]
CommandableDevice = Annotated[CurrentDevice, Depends(_device(Right.COMMAND))]
UpdatableDevice = Annotated[CurrentDevice, Depends(_device(Right.UPDATE))]
