"""Bulk import: many devices in one call, each by itself, with a report of each.

It is idempotent by id and content: what is there already as the item has it is ``exists`` and stays as it is, and so the whole call can be
repeated after a break. What is there with other content is a failure, and is changed by PUT alone. Certificates are made of requests
(CSR) only: no answer carries a thousand private keys; a device without a request is registered without a certificate and gets one later.
Creations that broke off half way are mended by the same item again.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum

from runtime.log import logger
from services.devices.certificates import Issued
from services.devices.creation import Order
from services.devices.device import State
from services.devices.history import Author
from services.devices.registry import Registry
from services.identity import Caller
from services.problems import Conflict, Invalid, of_error

_log = logger("api")
MOST_ITEMS = 1_000
# AWS IoT creates some tens of things a second for an account; more at once only waits there.
_AT_ONCE = 8


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


def import_devices(registry: Registry, orders: Sequence[Order], caller: Caller, author: Author) -> list[Entry]:
    """An entry for each order, in their order. Raises Invalid where an id stands twice; then nothing was made."""
    ids = [order.device_id for order in orders]
    if twice := sorted({each for each in ids if ids.count(each) > 1}) if len(set(ids)) < len(ids) else []:
        raise Invalid(
            f"import: {', '.join(twice[:5])} stands in it more than once; nothing was made", more={"errors": _places(ids, set(twice))}
        )
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda order: _one(registry, order, caller, author), orders))


def _places(ids: Sequence[str], twice: set[str]) -> list[dict[str, str]]:
    return [{"at": f"body.devices.{place}.device_id", "message": "twice"} for place, each in enumerate(ids) if each in twice][:20]


def _one(registry: Registry, order: Order, caller: Caller, author: Author) -> Entry:
    try:
        # The content is the key, until the device is there: the same item of the same user goes on where it broke off.
        key = f"import:{registry.last_version(order.device_id)}:{order.digest()}"
        made = registry.create(order, caller, author, key)
        return Entry(order.device_id, Fate.CREATED, made.issued)
    except Conflict as conflict:
        if _is_there(registry, order, caller):
            return Entry(order.device_id, Fate.EXISTS)
        return Entry(order.device_id, Fate.FAILED, code=conflict.code, detail=conflict.detail)
    except Exception as error:  # noqa: BLE001 - whatever it is costs this item alone
        told = of_error(error)
        if told.status >= 500:
            _log.error("import of a device failed", exc_info=error, extra={"device_id": order.device_id, "request_id": author.request_id})
        return Entry(order.device_id, Fate.FAILED, code=told.code, detail=told.detail)


def _is_there(registry: Registry, order: Order, caller: Caller) -> bool:
    found = registry.store.get(order.device_id)
    # Of somebody else's device not even that is told.
    return bool(found and found.state is not State.CREATING and found.owner == caller.user_id and found.draft == order.draft)
