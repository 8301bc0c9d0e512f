"""POST /batch: many shadows in one request."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Header, Request

from services import identity
from services.composition import Services
from services.devices.listing import Listing
from services.identity import Caller, Right, SignedIn
from services.malformed import Malformed
from services.openapi import problems_of
from services.problems import Invalid
from services.shadow import batch
from services.shadow.access import demand
from services.shadow.bodies import MOST_ITEMS, Batch, BatchItem, BatchResult, ItemResult, ShadowDocument
from services.shadow.shadows import rights_of

router = APIRouter(tags=["shadows"])


@router.post(
    "/batch",
    response_model_exclude_none=True,
    responses=problems_of(403, 409, 422),
    response_description="What became of each item, in their order",
)
def batch_shadows(
    request: Request,
    caller: SignedIn,
    wanted: Batch,
    idempotency_key: Annotated[str | None, Header(pattern=r"^[\x21-\x7e]{1,128}$")] = None,
) -> BatchResult:
    """Get, update or delete up to 1,000 shadows: the items of one device in their order, each with its own status and version. An item that is
    malformed is answered 400, and stops no other; what is not begun within 20 s is left and answered 408, to be sent again.

    With an Idempotency-Key a repeat is answered as the first was, and nothing is done again.
    """
    services: Services = request.app.state.services
    if idempotency_key is None:
        return _batch(services, caller, wanted)
    digest = hashlib.sha256(wanted.model_dump_json(warnings=False).encode()).hexdigest()
    done = services.requests.once(
        caller.user_id, f"batch {idempotency_key}", digest, lambda: _batch(services, caller, wanted).model_dump(mode="json")
    )
    return BatchResult.model_validate(done)


def _batch(services: Services, caller: Caller, wanted: Batch) -> BatchResult:
    items = [item_of(each) for each in wanted.items or []]
    if wanted.query is not None:
        items = [batch.Item(device_id, "update", wanted.name, wanted.document) for device_id in _found(services, caller, wanted.query)]
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


def item_of(wanted: BatchItem | Malformed) -> batch.Item:
    if isinstance(wanted, Malformed):
        return batch.Item(wanted.device_id, "", malformed=wanted.problem())
    return batch.Item(wanted.device_id, wanted.action, wanted.name, wanted.document)


def _found(services: Services, caller: Caller, query: str) -> list[str]:
    """Ids of the devices that the query finds among those that the caller may read. Raises Invalid for more than a batch takes."""
    listing = Listing(services.devices, services.devices.surroundings, services.permissions, services.paging)
    found = sorted(listed.device.device_id for listed in listing.matching(caller, query))
    if len(found) > MOST_ITEMS:
        raise Invalid(f"the query finds {len(found):,} devices, a batch takes {MOST_ITEMS:,}; narrow it")
    return found


def _do(services: Services, caller: Caller, item: batch.Item) -> bytes:
    device = identity.device_for(services, caller, item.device_id, Right.READ)
    shadows = services.shadows
    if item.action == "get":
        return shadows.get(item.device_id, item.name)
    if item.action == "delete":
        demand(services, device, {Right.COMMAND, Right.WRITE})
        return shadows.delete(item.device_id, item.name, caller.user_id)
    demand(services, device, rights_of(item.document))
    return shadows.update(item.device_id, item.name, item.body, caller.user_id)
