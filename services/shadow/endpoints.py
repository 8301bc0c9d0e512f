"""Shadows over HTTP: who may read, desire, report, delete and restore them."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from services.composition import Services
from services.identity import CurrentDevice, ReadableDevice, Right
from services.openapi import problems_of
from services.problems import NotFound
from services.shadow import batch_endpoints, long_poll
from services.shadow.access import demand
from services.shadow.bodies import Delta, NamedOrClassic, Restore, ShadowDocument, ShadowHistory, ShadowName, ShadowNames, ShadowVersion
from services.shadow.cache import Version
from services.shadow.shadows import CLASSIC, Shadows, rights_of

router = APIRouter(tags=["shadows"])
_LONGEST_WAIT = 20


async def _raw(request: Request) -> bytes:
    return await request.body()


RawBody = Annotated[bytes, Depends(_raw)]
_UPDATE = {
    "requestBody": {
        "required": True,
        "description": "An update as AWS IoT takes it: what it does not name stays, null removes.",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["state"],
                    "properties": {
                        "state": {"type": ["object", "null"]},
                        # As AWS IoT has it, null says nothing.
                        "version": {"type": ["integer", "null"]},
                        "clientToken": {"type": ["string", "null"]},
                    },
                },
                "example": {"state": {"desired": {"rpm": 900}}, "clientToken": "app-1"},
            }
        },
    }
}
_DOCUMENT: dict[str, Any] = {"response_class": Response}


_WHOLE = "AWS IoT's document: desired, reported, their difference, when each leaf was set"
_ACCEPTED = "What AWS IoT accepted: the sections that were sent, and the new version"
_GONE = "The version that was deleted"
_LEAF = {"rpm": {"timestamp": 1_795_867_200}}
_EXAMPLES: dict[str, dict[str, Any]] = {
    _WHOLE: {
        "state": {"desired": {"rpm": 900}, "reported": {"rpm": 850}, "delta": {"rpm": 900}},
        "metadata": {"desired": _LEAF, "reported": _LEAF, "delta": _LEAF},
        "version": 4,
        "timestamp": 1_795_867_205,
    },
    _ACCEPTED: {
        "state": {"desired": {"rpm": 900}},
        "metadata": {"desired": _LEAF},
        "version": 3,
        "timestamp": 1_795_867_200,
        "clientToken": "app-1",
    },
    _GONE: {"version": 4, "timestamp": 1_795_867_260},
}


def _answers(what: str, *problems: int) -> dict[int | str, dict[str, Any]]:
    content = {"application/json": {"example": _EXAMPLES[what]}}
    return {200: {"model": ShadowDocument, "description": what, "content": content}, **problems_of(*problems)}


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def _shadows(request: Request) -> Shadows:
    return _services(request).shadows


def _json(document: bytes) -> Response:
    return Response(document, media_type="application/json")


@router.get("/devices/{device_id}/shadow", responses=_answers(_WHOLE, 401, 403, 404, 429), **_DOCUMENT)
def get_shadow(request: Request, device: ReadableDevice) -> Response:
    """The classic shadow: desired, reported and their difference."""
    return _json(_shadows(request).get(device.device_id, CLASSIC))


@router.get("/devices/{device_id}/shadow/{name}", responses=_answers(_WHOLE, 401, 403, 404, 429), **_DOCUMENT)
def get_named_shadow(request: Request, device: ReadableDevice, name: ShadowName) -> Response:
    """A named shadow: desired, reported and their difference."""
    return _json(_shadows(request).get(device.device_id, name))


@router.put(
    "/devices/{device_id}/shadow", responses=_answers(_ACCEPTED, 400, 401, 403, 404, 409, 413, 415, 429), openapi_extra=_UPDATE, **_DOCUMENT
)
def update_shadow(request: Request, device: ReadableDevice, body: RawBody) -> Response:
    """Update the classic shadow. `desired` needs the right to command, `reported` the right to write."""
    return _update(request, device, CLASSIC, body)


@router.put(
    "/devices/{device_id}/shadow/{name}",
    responses=_answers(_ACCEPTED, 400, 401, 403, 404, 409, 413, 415, 429),
    openapi_extra=_UPDATE,
    **_DOCUMENT,
)
def update_named_shadow(request: Request, device: ReadableDevice, name: ShadowName, body: RawBody) -> Response:
    """Update a named shadow, which is made where there is none. `desired` needs the right to command, `reported` the right to write."""
    return _update(request, device, name, body)


def _update(request: Request, device: CurrentDevice, name: str, body: bytes) -> Response:
    services = _services(request)
    demand(services, device, rights_of(_parsed(body)))
    return _json(services.shadows.update(device.device_id, name, body, device.caller.user_id))


def _parsed(body: bytes) -> Any:
    # What is no JSON has been refused; an empty body is for AWS IoT to refuse.
    return orjson.loads(body) if body else None


@router.delete("/devices/{device_id}/shadow", responses=_answers(_GONE, 401, 403, 404, 429), **_DOCUMENT)
def delete_shadow(request: Request, device: ReadableDevice) -> Response:
    """Delete the classic shadow. Its version number goes on when it is made again."""
    return _delete(request, device, CLASSIC)


@router.delete("/devices/{device_id}/shadow/{name}", responses=_answers(_GONE, 401, 403, 404, 429), **_DOCUMENT)
def delete_named_shadow(request: Request, device: ReadableDevice, name: ShadowName) -> Response:
    """Delete a named shadow. Its version number goes on when it is made again."""
    return _delete(request, device, name)


def _delete(request: Request, device: CurrentDevice, name: str) -> Response:
    services = _services(request)
    demand(services, device, {Right.COMMAND, Right.WRITE})
    return _json(services.shadows.delete(device.device_id, name, device.caller.user_id))


@router.get("/devices/{device_id}/shadows", responses=problems_of(400, 401, 403, 404, 429), response_description="A page of names")
def list_shadows(
    request: Request, device: ReadableDevice, limit: Annotated[int, Query(ge=1, le=100)] = 25, next_token: str = ""
) -> ShadowNames:
    """Names of the device's named shadows, a page at a time; the classic one is not listed."""
    services = _services(request)
    bound = {"caller": device.caller.user_id, "listing": f"shadows {device.device_id}"}
    after = services.paging.where(next_token, **bound) if next_token else ""
    names = [name for name in sorted(services.shadows.names(device.device_id)) if name > after]
    more = services.paging.token(names[limit - 1], **bound) if len(names) > limit else None
    return ShadowNames(results=names[:limit], next_token=more)


@router.get(
    "/devices/{device_id}/shadows/history",
    responses=problems_of(400, 401, 403, 404, 429),
    response_description="A page of versions, the newest first",
)
def shadow_history(
    request: Request,
    device: ReadableDevice,
    name: NamedOrClassic = CLASSIC,
    limit: Annotated[int, Query(ge=1, le=100)] = 25,
    next_token: str = "",
) -> ShadowHistory:
    """What the shadow was, version by version: who made it, when, and who deleted it. It is told within seconds of the change."""
    services = _services(request)
    bound = {"caller": device.caller.user_id, "listing": f"history {device.device_id}~{name}"}
    before = services.paging.where(next_token, **bound) if next_token else None
    found = services.shadows.history(device.device_id, name, before=before, limit=limit)
    more = services.paging.token(found[-1].version, **bound) if len(found) == limit else None
    return ShadowHistory(versions=[_shown(version) for version in found], next_token=more)


def _shown(version: Version) -> ShadowVersion:
    return ShadowVersion(
        version=version.version,
        at=version.at,
        by=version.by,
        document=version.document,
        deleted_at=version.deleted_at,
        deleted_by=version.deleted_by,
    )


@router.post("/devices/{device_id}/shadows/restore", responses=_answers(_ACCEPTED, 400, 401, 403, 404, 409, 413, 429), **_DOCUMENT)
def restore_shadow(request: Request, device: ReadableDevice, wanted: Restore, name: NamedOrClassic = CLASSIC) -> Response:
    """Make the shadow's sections what they were at a version: a new version, refused where somebody changes it meanwhile."""
    services = _services(request)
    rights = {Right.COMMAND if section == "desired" else Right.WRITE for section in wanted.sections}
    demand(services, device, rights)
    sections = tuple(dict.fromkeys(wanted.sections))
    return _json(services.shadows.restore(device.device_id, name, wanted.version, device.caller.user_id, sections))


@router.get(
    "/devices/{device_id}/shadows/delta",
    responses={
        200: {"model": Delta, "description": "The difference"},
        204: {"description": "No difference came in time; ask again"},
        **problems_of(400, 401, 403, 404, 429),
    },
    response_model=None,
)
async def wait_for_delta(
    request: Request,
    device: ReadableDevice,
    name: NamedOrClassic = CLASSIC,
    after_version: Annotated[int, Query(ge=0, description="The newest version that you know")] = 0,
    wait_seconds: Annotated[int, Query(ge=0, le=_LONGEST_WAIT)] = _LONGEST_WAIT,
) -> Delta | Response:
    """Wait until desired and reported differ in a version above `after_version` (long poll)."""
    shadows = _shadows(request)

    async def read() -> bytes | None:
        try:
            return await run_in_threadpool(shadows.get, device.device_id, name)
        except NotFound:
            return None

    found = await long_poll.delta_after(after_version, wait_seconds, read)
    return Response(status_code=204) if found is None else Delta(**found)


router.include_router(batch_endpoints.router)
