"""Bulk import: many devices in one call, each by itself, with a report of each.

It is idempotent by id and content: what is there already as the item has it is ``exists`` and stays as it is, and so the whole call can be
repeated after a break. What is there with other content is a failure, and is changed by PUT alone. Certificates are made of requests
(CSR) only: no answer carries a thousand private keys; a device without a request is registered without a certificate and gets one later.
Creations that broke off half way are mended by the same item again.

What is not begun within 20 s is left, and said to be: load balancers and API Gateway wait no longer than 30 to 60 s for an answer. The same call
again passes over what is there and goes on with the rest.
"""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from runtime.log import logger
from services.devices.certificates import Issued
from services.devices.creation import Order
from services.devices.device import Device, State
from services.devices.history import Author
from services.devices.registry import Registry
from services.identity import Caller
from services.malformed import Malformed
from services.problems import Conflict, Invalid, of_error

_log = logger("api")
MOST_ITEMS = 1_000
# AWS IoT creates some tens of things a second for an account; more at once only waits there.
_AT_ONCE = 8
_TIME = timedelta(seconds=20)
_LEFT = "it was not begun, for the time of one call was over; send the same import again to go on"


class Fate(StrEnum):
    CREATED = "created"
    EXISTS = "exists"
    FAILED = "failed"


@dataclass(frozen=True)
class Entry:
    """What became of an item. `issued` for one that was created of a request; `code` and `detail` for one that failed."""

    device_id: str
    fate: Fate
    issued: Issued | None = None
    code: str = ""
    detail: str = ""


def import_devices(
    registry: Registry, orders: Sequence[Order | Malformed], caller: Caller, author: Author, at_once: int = _AT_ONCE
) -> list[Entry]:
    """An entry for each order, in their order. Raises Invalid where an id stands twice; then nothing was made."""
    ids = [order.device_id if isinstance(order, Order) else "" for order in orders]
    counts = Counter(device_id for device_id in ids if device_id)
    if twice := sorted(device_id for device_id, count in counts.items() if count > 1):
        raise Invalid(
            f"import: {', '.join(twice[:5])} stands in it more than once; nothing was made", more={"errors": _places(ids, set(twice))}
        )
    there = {device.device_id: device for device in registry.devices(counts)}
    until = registry.clock.now() + _TIME

    def entry(order: Order | Malformed) -> Entry:
        if isinstance(order, Malformed):
            told = order.problem()
            return Entry(order.device_id, Fate.FAILED, code=told.code, detail=told.detail)
        if _is_there(there.get(order.device_id), order, caller):
            return Entry(order.device_id, Fate.EXISTS)
        if registry.clock.now() > until:
            return Entry(order.device_id, Fate.FAILED, code="RequestTimeoutException", detail=_LEFT)
        return _one(registry, order, caller, author)

    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(entry, orders))


def _places(ids: Sequence[str], twice: set[str]) -> list[dict[str, str]]:
    return [{"at": f"body.devices.{place}.device_id", "message": "twice"} for place, each in enumerate(ids) if each in twice][:20]


def _one(registry: Registry, order: Order, caller: Caller, author: Author) -> Entry:
    try:
        # The content is the key, until the device is there: the same item of the same user goes on where it broke off.
        key = f"import:{registry.last_version(order.device_id)}:{order.digest()}"
        made = registry.create(order, caller, author, key)
        return Entry(order.device_id, Fate.CREATED, made.issued)
    except Conflict as conflict:
        if _is_there(registry.store.get(order.device_id), order, caller):
            return Entry(order.device_id, Fate.EXISTS)
        return Entry(order.device_id, Fate.FAILED, code=conflict.code, detail=conflict.detail)
    except Exception as error:  # noqa: BLE001 - whatever it is costs this item alone
        told = of_error(error)
        if told.status >= 500:
            _log.error("import of a device failed", exc_info=error, extra={"device_id": order.device_id, "request_id": author.request_id})
        return Entry(order.device_id, Fate.FAILED, code=told.code, detail=told.detail)


def _is_there(found: Device | None, order: Order, caller: Caller) -> bool:
    # Of somebody else's device not even that is told.
    return bool(found and found.state is State.ACTIVE and found.owner == caller.user_id and found.draft == order.draft)
