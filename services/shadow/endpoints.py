"""Shadows over HTTP: who may read, desire, report, delete and restore them."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from pydantic import BaseModel, Field, model_validator
from starlette.concurrency import run_in_threadpool

from services import identity
from services.composition import Services
from services.identity import Caller, CurrentDevice, ReadableDevice, Right, SignedIn
from services.openapi import problems_of
from services.problems import Forbidden, NotFound
from services.shadow import batch, long_poll
from services.shadow.cache import Version
from services.shadow.shadows import CLASSIC, Shadows, rights_of

router = APIRouter(tags=["shadows"])

# https://docs.aws.amazon.com/iot/latest/apireference/API_iotdata_GetThingShadow.html
_NAME = r"^[$a-zA-Z0-9:_-]{1,64}$"
ShadowName = Annotated[str, Path(pattern=_NAME, description="Name of a named shadow", examples=["config"])]
NamedOrClassic = Annotated[str, Query(pattern=rf"^$|{_NAME}", description="Name of a named shadow; empty: the classic one")]
_MOST_ITEMS = 1000
_LONGEST_WAIT = 20


class State(BaseModel):
    desired: dict[str, Any] | None = None
    reported: dict[str, Any] | None = None
    delta: dict[str, Any] | None = None


class ShadowDocument(BaseModel):
    """As AWS IoT has it: the sections that there are, when each leaf was set, the version."""

    state: State | None = None
    metadata: dict[str, Any] | None = None
    version: int = Field(ge=0)
    timestamp: int = Field(description="Epoch seconds")
    clientToken: str | None = None


class ShadowNames(BaseModel):
    results: list[str] = Field(description="Names of the named shadows, sorted", examples=[["config", "fleet"]])
    next_token: str | None = None


class ShadowVersion(BaseModel):
    version: int
    at: datetime | None = Field(description="When it was accepted; null where AWS IoT has not told yet")
    by: str = Field(description='The user, or the certificate of the device, that made it; "" where nobody said')
    document: dict[str, Any] | None = Field(description="state and metadata of that version")
    deleted_at: datetime | None = Field(description="When this version was deleted")
    deleted_by: str


class ShadowHistory(BaseModel):
    versions: list[ShadowVersion] = Field(description="The newest first")
    next_token: str | None = None


class Restore(BaseModel):
    version: int = Field(ge=1, description="The version whose state is wanted again", examples=[3])
    sections: list[Literal["desired", "reported"]] = Field(default=["desired"], min_length=1, description="What to restore of it")


class BatchItem(BaseModel):
    device_id: str = Field(pattern=identity.DEVICE_ID, examples=["engine-7"])
    action: Literal["get", "update", "delete"] = "get"
    name: str = Field(default="", pattern=rf"^$|{_NAME}", description="Name of a named shadow; empty: the classic one")
    document: dict[str, Any] | None = Field(
        default=None, description="The body of an update", examples=[{"state": {"desired": {"rpm": 900}}}]
    )

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> "BatchItem":
        if (self.document is not None) != (self.action == "update"):
            raise ValueError("an update has a document, a get and a delete have none")
        return self


class Batch(BaseModel):
    """Either `items`, or one `document` for every device that a search finds."""

    items: list[BatchItem] | None = Field(default=None, min_length=1, max_length=_MOST_ITEMS)
    query: str | None = Field(default=None, min_length=1, max_length=1000, description="A search, as GET /api/v1/devices takes it")
    name: str = Field(default="", pattern=rf"^$|{_NAME}", description="Of a query: the shadow's name; empty: the classic one")
    document: dict[str, Any] | None = Field(default=None, description="Of a query: the update that each found device gets")

    @model_validator(mode="after")
    def _is_one_of_two(self) -> "Batch":
        if (self.items is None) == (self.query is None) or (self.query is None) != (self.document is None):
            raise ValueError("give items, or query and document")
        return self


class ItemResult(BaseModel):
    device_id: str
    name: str
    status: int = Field(description="What a single call would have answered", examples=[200])
    answer: ShadowDocument | None = None
    code: str = Field(default="", description="AWS's error code; empty where it went well")
    detail: str = ""


class BatchResult(BaseModel):
    succeeded: int
    failed: int
    results: list[ItemResult] = Field(description="In the items' order")


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
                        "version": {"type": "integer"},
                        "clientToken": {"type": "string"},
                    },
                },
                "example": {"state": {"desired": {"rpm": 900}}, "clientToken": "app-1"},
            }
        },
    }
}
_DOCUMENT: dict[str, Any] = {"response_class": Response}


def _answers(*problems: int) -> dict[int | str, dict[str, Any]]:
    return {200: {"model": ShadowDocument, "description": "AWS IoT's document"}, **problems_of(*problems)}


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def _shadows(request: Request) -> Shadows:
    return _services(request).shadows


def _json(document: bytes) -> Response:
    return Response(document, media_type="application/json")


def _demand(services: Services, device: CurrentDevice, rights: Iterable[Right]) -> None:
    """Raises Forbidden for the first right that the caller lacks on a device that they may read."""
    for right in sorted(rights):
        decision = services.permissions.decide(device.caller, right, device.facts)
        if not decision.is_allowed:
            raise Forbidden(f"{right} device {device.device_id}: {decision.reason}")


@router.get("/devices/{device_id}/shadow", responses=_answers(401, 403, 404, 429), **_DOCUMENT)
def get_shadow(request: Request, device: ReadableDevice) -> Response:
    """The classic shadow: desired, reported and their difference."""
    return _json(_shadows(request).get(device.device_id, CLASSIC))


@router.get("/devices/{device_id}/shadow/{name}", responses=_answers(401, 403, 404, 422, 429), **_DOCUMENT)
def get_named_shadow(request: Request, device: ReadableDevice, name: ShadowName) -> Response:
    """A named shadow: desired, reported and their difference."""
    return _json(_shadows(request).get(device.device_id, name))


@router.put("/devices/{device_id}/shadow", responses=_answers(400, 401, 403, 404, 409, 413, 415, 429), openapi_extra=_UPDATE, **_DOCUMENT)
def update_shadow(request: Request, device: ReadableDevice, body: RawBody) -> Response:
    """Update the classic shadow. `desired` needs the right to command, `reported` the right to write."""
    return _update(request, device, CLASSIC, body)


@router.put(
    "/devices/{device_id}/shadow/{name}", responses=_answers(400, 401, 403, 404, 409, 413, 415, 429), openapi_extra=_UPDATE, **_DOCUMENT
)
def update_named_shadow(request: Request, device: ReadableDevice, name: ShadowName, body: RawBody) -> Response:
    """Update a named shadow, which is made where there is none. `desired` needs the right to command, `reported` the right to write."""
    return _update(request, device, name, body)


def _update(request: Request, device: CurrentDevice, name: str, body: bytes) -> Response:
    services = _services(request)
    _demand(services, device, rights_of(_parsed(body)))
    return _json(services.shadows.update(device.device_id, name, body, device.caller.user_id))


def _parsed(body: bytes) -> Any:
    import orjson

    # What is no JSON has been refused; an empty body is for AWS IoT to refuse.
    return orjson.loads(body) if body else None


@router.delete("/devices/{device_id}/shadow", responses=_answers(401, 403, 404, 429), **_DOCUMENT)
def delete_shadow(request: Request, device: ReadableDevice) -> Response:
    """Delete the classic shadow. Its version number goes on when it is made again."""
    return _delete(request, device, CLASSIC)


@router.delete("/devices/{device_id}/shadow/{name}", responses=_answers(401, 403, 404, 429), **_DOCUMENT)
def delete_named_shadow(request: Request, device: ReadableDevice, name: ShadowName) -> Response:
    """Delete a named shadow. Its version number goes on when it is made again."""
    return _delete(request, device, name)


def _delete(request: Request, device: CurrentDevice, name: str) -> Response:
    services = _services(request)
    _demand(services, device, {Right.COMMAND, Right.WRITE})
    return _json(services.shadows.delete(device.device_id, name, device.caller.user_id))


@router.get("/devices/{device_id}/shadows", responses=problems_of(400, 401, 403, 404, 429))
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


@router.get("/devices/{device_id}/shadows/history", responses=problems_of(400, 401, 403, 404, 429))
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


@router.post("/devices/{device_id}/shadows/restore", responses=_answers(400, 401, 403, 404, 409, 413, 429), **_DOCUMENT)
def restore_shadow(request: Request, device: ReadableDevice, wanted: Restore, name: NamedOrClassic = CLASSIC) -> Response:
    """Make the shadow's sections what they were at a version: a new version, refused where somebody changes it meanwhile."""
    services = _services(request)
    rights = {Right.COMMAND if section == "desired" else Right.WRITE for section in wanted.sections}
    _demand(services, device, rights)
    sections = tuple(dict.fromkeys(wanted.sections))
    return _json(services.shadows.restore(device.device_id, name, wanted.version, device.caller.user_id, sections))


class Delta(BaseModel):
    """As ``update/delta`` has it."""

    version: int
    timestamp: int
    state: dict[str, Any]
    metadata: dict[str, Any]


@router.get(
    "/devices/{device_id}/shadows/delta",
    responses={
        200: {"model": Delta},
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


@router.post("/batch", responses=problems_of(400, 401, 403, 409, 413, 415, 429), tags=["shadows"])
def batch_shadows(
    request: Request,
    caller: SignedIn,
    wanted: Batch,
    idempotency_key: Annotated[str | None, Header(pattern=r"^[\x21-\x7e]{1,128}$")] = None,
) -> BatchResult:
    """Get, update or delete up to 1,000 shadows: the items of one device in their order, each with its own status and version.

    With an Idempotency-Key a repeat is answered as the first was, and nothing is done again.
    """
    services = _services(request)
    if idempotency_key is None:
        return _batch(services, caller, wanted)
    digest = hashlib.sha256(wanted.model_dump_json().encode()).hexdigest()
    done = services.requests.once(
        caller.user_id, f"batch {idempotency_key}", digest, lambda: _batch(services, caller, wanted).model_dump(mode="json")
    )
    return BatchResult.model_validate(done)


def _batch(services: Services, caller: Caller, wanted: Batch) -> BatchResult:
    items = [batch.Item(each.device_id, each.action, each.name, each.document) for each in wanted.items or []]
    if wanted.query is not None:
        found = services.devices.find(caller, wanted.query, services.permissions, _MOST_ITEMS)
        items = [batch.Item(device_id, "update", wanted.name, wanted.document) for device_id in found]
    outcomes = batch.run(items, lambda item: _do(services, caller, item))
    results = [
        ItemResult(
            device_id=item.device_id,
            name=item.name,
            status=outcome.status,
            answer=None if outcome.answer is None else ShadowDocument.model_validate(outcome.answer),
            code=outcome.code,
            detail=outcome.detail,
        )
        for item, outcome in zip(items, outcomes, strict=True)
    ]
    failed = sum(result.status != 200 for result in results)
    return BatchResult(succeeded=len(results) - failed, failed=failed, results=results)


def _do(services: Services, caller: Caller, item: batch.Item) -> bytes:
    device = identity.device_for(services, caller, item.device_id, Right.READ)
    shadows = services.shadows
    if item.action == "get":
        return shadows.get(item.device_id, item.name)
    if item.action == "delete":
        _demand(services, device, {Right.COMMAND, Right.WRITE})
        return shadows.delete(item.device_id, item.name, caller.user_id)
    _demand(services, device, rights_of(item.document))
    return shadows.update(item.device_id, item.name, item.body, caller.user_id)
