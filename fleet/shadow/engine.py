"""The Device Shadow service: what it keeps and answers. Pure: the caller stores what it gives back, one call for a shadow at a time."""

from dataclasses import dataclass
from typing import Any

from fleet.shadow.address import Address
from fleet.shadow.document import Shadow
from fleet.shadow.errors import ShadowError, answer
from fleet.shadow.merge import merge, stamped
from fleet.shadow.request import DEFAULT_LIMITS, SECTIONS, Limits, UpdateRequest, parse_token, parse_update

__all__ = ["Address", "Deletion", "Limits", "Shadow", "ShadowError", "Update", "delete", "get", "update"]


@dataclass(frozen=True)
class Update:
    """The `shadow` to keep, and the bodies of ``update/accepted``, ``update/delta`` (None where nothing differs) and ``update/documents``."""

    shadow: Shadow
    accepted: dict[str, Any]
    delta: dict[str, Any] | None
    documents: dict[str, Any]


@dataclass(frozen=True)
class Deletion:
    """The deleted `shadow`, to be kept for its version, and the body of ``delete/accepted``."""

    shadow: Shadow
    accepted: dict[str, Any]


def update(address: Address, shadow: Shadow | None, payload: bytes, now: int, limits: Limits = DEFAULT_LIMITS) -> Update:
    """`payload` merged into `shadow` (None: there never was one) at `now`, in epoch seconds. Raises ShadowError.

    The version goes up by one; after a deletion at 5 the next is 6, since a deletion itself counts nothing.
    """
    address.check()
    request = parse_update(payload, limits)
    _check_version(shadow, request)
    updated = _updated(shadow, request, now)
    if updated.size() > limits.document_bytes:
        raise ShadowError(413, "The payload exceeds the maximum size allowed", request.client_token)
    return Update(updated, _accepted(request, updated), _delta(request, updated), _documents(request, shadow, updated))


def get(address: Address, shadow: Shadow | None, payload: bytes, now: int, limits: Limits = DEFAULT_LIMITS) -> dict[str, Any]:
    """The whole document with its delta. `payload` is empty or holds a client token. Raises ShadowError, 404 where there is none."""
    address.check()
    token = parse_token(payload, limits)
    if shadow is None or shadow.is_deleted:
        raise address.absent(token)
    document = shadow.document()
    delta, metadata = shadow.delta()
    if delta:
        document["state"]["delta"], document["metadata"]["delta"] = delta, metadata
    return answer(document | {"timestamp": now}, token)


def delete(address: Address, shadow: Shadow | None, payload: bytes, now: int, limits: Limits = DEFAULT_LIMITS) -> Deletion:
    """`payload` as for `get`. Raises ShadowError, 404 where there is none, also of one that is deleted already."""
    address.check()
    token = parse_token(payload, limits)
    if shadow is None or shadow.is_deleted:
        raise address.absent(token)
    deleted = Shadow(shadow.version, None, None, None, None, now, is_deleted=True)
    return Deletion(deleted, answer({"version": deleted.version, "timestamp": now}, token))


def _check_version(shadow: Shadow | None, request: UpdateRequest) -> None:
    """A version that is given must be the present one; AWS and its open edge component differ on a new shadow's, so 0 and 1 are both taken."""
    given = request.version
    is_new = shadow is None or shadow.is_deleted
    if given is None or (is_new and given in (0, 1)) or (shadow is not None and given == shadow.version):
        return
    if shadow is None:
        raise ShadowError(400, "Invalid version", request.client_token)
    raise ShadowError(409, "Version conflict", request.client_token)


def _updated(shadow: Shadow | None, request: UpdateRequest, now: int) -> Shadow:
    old = shadow or Shadow(0, None, None, None, None, now)
    patches: dict[str, Any] = dict.fromkeys(SECTIONS) if request.state is None else request.state
    desired, reported = (old.desired, old.desired_metadata), (old.reported, old.reported_metadata)
    stamp = {"timestamp": now}
    if "desired" in patches:
        desired = merge(*desired, patches["desired"], stamp)
    if "reported" in patches:
        reported = merge(*reported, patches["reported"], stamp)
    return Shadow(old.version + 1, desired[0], reported[0], desired[1], reported[1], now)


def _accepted(request: UpdateRequest, updated: Shadow) -> dict[str, Any]:
    """The request's own state, nulls too, each leaf of it with its moment: AWS answers ``{"state": null}`` with a null and one stamp."""
    metadata = stamped(request.state, {"timestamp": updated.timestamp})
    return _message(request, updated, {"state": request.state, "metadata": metadata})


def _delta(request: UpdateRequest, updated: Shadow) -> dict[str, Any] | None:
    """All that differs, whichever update made it differ."""
    state, metadata = updated.delta()
    return _message(request, updated, {"state": state, "metadata": metadata}) if state else None


def _message(request: UpdateRequest, updated: Shadow, body: dict[str, Any]) -> dict[str, Any]:
    return answer(body | {"version": updated.version, "timestamp": updated.timestamp}, request.client_token)


def _documents(request: UpdateRequest, shadow: Shadow | None, updated: Shadow) -> dict[str, Any]:
    """`previous` is null for the first version, and for the first after a deletion."""
    previous = None if shadow is None or shadow.is_deleted else shadow.document()
    return answer({"previous": previous, "current": updated.document(), "timestamp": updated.timestamp}, request.client_token)
