"""The devices' operations: who may call them, and what they answer."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Header, Path, Query, Request, Response

from services.composition import Services
from services.devices import history, preconditions, query_fields
from services.devices.bodies import (
    DRAFT_EXAMPLES,
    IMPORT_EXAMPLES,
    NEW_EXAMPLES,
    CertificateView,
    CreatedDevice,
    DeviceDeleted,
    DevicePage,
    DeviceView,
    DraftBody,
    HistoryLine,
    HistoryPage,
    ImportBody,
    ImportReport,
    ListedDevice,
    NewCertificate,
    NewDevice,
)
from services.devices.bulk_import import import_devices
from services.devices.certificates import CERTIFICATE_ID
from services.devices.listing import Listing, Sort
from services.devices.query_parser import LONGEST
from services.devices.registry import check_owner
from services.identity import (
    Caller,
    CurrentDevice,
    DeviceId,
    Operator,
    ReadableDevice,
    Right,
    Role,
    SignedIn,
    WritableDevice,
    device_for,
    services_of,
)
from services.openapi import problems_of

router = APIRouter(tags=["devices"], prefix="/api/v1/devices")

_TAG: dict[str, Any] = {"headers": {"ETag": {"description": "The device's version", "schema": {"type": "string"}, "required": True}}}


def _tagged(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that an operation can give, whose answer has an ETag."""
    return {**problems_of(*statuses), 200: _TAG}


IfMatch = Annotated[
    str | None, Header(description='ETag of the version that was seen, such as "3"; * for any', max_length=1024, examples=["*", '"1"'])
]
Key = Annotated[
    str, Header(alias="Idempotency-Key", pattern=r"^[!-~]{0,128}$", description="Sent again with the same body it makes nothing twice")
]
_SYNTAX = (
    "In a subset of AWS IoT's fleet-index query syntax: field:value, quotes, * and ?, AND, OR, NOT, -, ( ), [a TO b}, > >= < <=; "
    + query_fields.WORDS
)
CertificateId = Annotated[str, Path(pattern=CERTIFICATE_ID)]


async def author(request: Request, caller: SignedIn) -> history.Author:
    return history.Author.of(caller, request.state.request_id)


def owned(why: str) -> Callable[..., CurrentDevice]:
    """The device, for its owner and administrators alone, `why` saying what would outlive a grant of it."""

    def check(device: WritableDevice, caller: Operator) -> CurrentDevice:
        check_owner(caller, device.facts, why)
        return device

    return check


# Who was only granted the device makes no certificate that would let them pass for it later.
CertifiableDevice = Annotated[CurrentDevice, Depends(owned("a certificate outlives a grant"))]
DeletableDevice = Annotated[CurrentDevice, Depends(owned("its certificates, shadows and grants would go for everybody"))]
Author = Annotated[history.Author, Depends(author)]
All = Annotated[Services, Depends(services_of)]


_MADE: dict[int | str, dict[str, Any]] = {
    **problems_of(400, 401, 403, 409, 413, 415, 422, 429, 503),
    200: {"model": CreatedDevice, "description": "This very request has made it before", **_TAG},
    201: {"headers": _TAG["headers"] | {"Location": {"description": "The device's path", "schema": {"type": "string"}}}},
}


@router.post("", status_code=201, responses=_MADE, response_description="The new device with its certificate")
def create_device(
    services: All,
    response: Response,
    caller: Operator,
    by: Author,
    body: Annotated[NewDevice, Body(openapi_examples=NEW_EXAMPLES)],
    key: Key = "",
) -> CreatedDevice:
    """Make a device: its thing, its certificate and the policy that binds them. The private key is in this answer alone; with `csr` there
    is none. An id that is taken answers 409, also where you may not see the device."""
    made = services.devices.create(body.order(), caller, by, key)
    response.status_code = 200 if made.is_repetition else 201
    response.headers["ETag"] = preconditions.etag(made.device.version)
    response.headers["Location"] = f"{router.prefix}/{made.device.device_id}"
    return CreatedDevice.of_creation(made)


@router.get("", responses=problems_of(400, 401, 429, 503), response_description="A page of devices")
def list_devices(
    services: All,
    caller: SignedIn,
    query: Annotated[
        str, Query(description=_SYNTAX, max_length=LONGEST, examples=['attributes.site:hall-3 AND lastSeen > "2026-11-28"'])
    ] = "",
    sort: Sort = Sort.DEVICE_ID,
    limit: Annotated[int, Query(ge=1, le=250)] = 100,
    next_token: Annotated[str | None, Query(max_length=2048)] = None,
) -> DevicePage:
    """The devices that you may read, all or those that a query finds. Other devices than those are in no page, count or order."""
    found = _listing(services).page(caller, query, sort, limit, next_token)
    devices = [ListedDevice(**DeviceView.fields_of(each.device), last_seen=each.last_seen or None) for each in found.devices]
    return DevicePage(devices=devices, next_token=found.next_token)


def _listing(services: Services) -> Listing:
    return Listing(services.devices, services.devices.surroundings, services.permissions, services.paging)


@router.post("/import", responses=problems_of(400, 401, 403, 413, 415, 429, 503), response_description="What became of each item")
def import_many(
    services: All,
    caller: Operator,
    by: Author,
    body: Annotated[ImportBody, Body(openapi_examples=IMPORT_EXAMPLES)],
) -> ImportReport:
    """Make up to 1,000 devices, each by itself; the answer says of each whether it was created, was there already with the same content, or
    failed, as one that is malformed. What is not begun within 20 s is left. Sent again it makes nothing twice and goes on. Certificates are made of the items' requests alone."""
    return ImportReport.of(import_devices(services.devices, body.orders(), caller, by))


@router.get("/{device_id}", responses=_tagged(400, 401, 404, 429, 503), response_description="The device")
def get_device(services: All, response: Response, device: ReadableDevice) -> DeviceView:
    """A device as the registry has it."""
    found = services.devices.device(device.device_id)
    response.headers["ETag"] = preconditions.etag(found.version)
    return DeviceView.of(found)


@router.put(
    "/{device_id}", responses=_tagged(400, 401, 403, 404, 409, 412, 413, 415, 428, 429, 503), response_description="The device as it is now"
)
def change_device(
    services: All,
    response: Response,
    device: WritableDevice,
    caller: Operator,
    by: Author,
    body: Annotated[DraftBody, Body(openapi_examples=DRAFT_EXAMPLES)],
    if_match: IfMatch = None,
) -> DeviceView:
    """Replace what is said of the device. Needs the right to write, the role operator, and If-Match; a body that changes nothing makes no new
    version. Groups and tags, by which others may be granted the device, are changed by its owner and administrators alone."""
    changed = services.devices.change(device.device_id, body.draft(), if_match, caller, by)
    response.headers["ETag"] = preconditions.etag(changed.version)
    return DeviceView.of(changed)


@router.delete(
    "/{device_id}", responses=problems_of(400, 401, 403, 404, 409, 412, 428, 429, 503), response_description="What went with the device"
)
def delete_device(services: All, device: DeletableDevice, by: Author, if_match: IfMatch = None) -> DeviceDeleted:
    """Take the device away: its certificates are deactivated and deleted, its shadows deleted, its open job executions cancelled, the grants
    on it removed. Its history and its rows in the lake stay. Needs If-Match; what broke off is ended by the same call. For its owner and
    administrators: whoever was only granted the device, with whatever rights, may not."""
    gone, farewell = services.devices.delete(device.device_id, if_match, by, services.grants_of_device_gone)
    return DeviceDeleted.of(gone, farewell)


@router.post(
    "/{device_id}/certificates",
    status_code=201,
    responses=problems_of(400, 401, 403, 404, 409, 413, 415, 429, 503),
    response_description="The new certificate, with its private key where it was made here",
)
def add_certificate(services: All, device: CertifiableDevice, by: Author, body: NewCertificate) -> CertificateView:
    """Another certificate for the device; those that it has stay until they are removed, so that it can change over. Ten at most. For its owner
    and administrators."""
    _, issued = services.devices.add_certificate(device.device_id, body.csr or "", by)
    return CertificateView.of(issued)


@router.delete(
    "/{device_id}/certificates/{certificate_id}",
    responses=_tagged(400, 401, 403, 404, 409, 429, 503),
    response_description="The device without the certificate",
)
def remove_certificate(
    services: All, response: Response, device: CertifiableDevice, by: Author, certificate_id: CertificateId
) -> DeviceView:
    """Deactivate, detach and delete a certificate: it opens no connection any more. Again after a break it ends what is left."""
    left = services.devices.remove_certificate(device.device_id, certificate_id, by)
    response.headers["ETag"] = preconditions.etag(left.version)
    return DeviceView.of(left)


@router.get(
    "/{device_id}/history", responses=problems_of(400, 401, 404, 429, 503), response_description="A page of its versions, the newest first"
)
def get_history(
    services: All,
    caller: SignedIn,
    device_id: DeviceId,
    limit: Annotated[int, Query(ge=1, le=250)] = 50,
    next_token: Annotated[str | None, Query(max_length=2048)] = None,
) -> HistoryPage:
    """Each version of the device: who made it, when, what changed. Administrators read on beyond its deletion, and what was there before it
    under the same id."""
    first = _first_version(services, caller, device_id)
    listing = f"history:{device_id}:{first}"
    below = services.paging.where(next_token, caller=caller.user_id, listing=listing) if next_token else None
    found = services.devices.lines(device_id, first, below, limit + 1)
    if not found and caller.role is Role.ADMIN and below is None:
        services.devices.device(device_id)
    more = len(found) > limit
    token = services.paging.token(int(found[limit - 1]["version"]), caller=caller.user_id, listing=listing) if more else None
    return HistoryPage(lines=[HistoryLine(**line) for line in found[:limit]], next_token=token)


def _first_version(services: Services, caller: Caller, device_id: str) -> int:
    if caller.role is Role.ADMIN:
        return 1
    device_for(services, caller, device_id, Right.READ)
    return services.devices.device(device_id).first_version
