"""Many shadows in one request: the items of one device in their order, devices beside each other, each item with its own status.

A shadow takes some 20 requests a second, of AWS IoT and of our own limit: an item that comes too early waits and is tried again, until the
batch has taken as long as a load balancer lets it, and is answered 429 then. What is not begun by then is left, and answered 408. Both may be sent
again.
"""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from services.problems import ApiError, Invalid, Throttled, of_error

# Devices at once: AWS IoT takes 20 requests a second for each, and the API's other callers wait meanwhile.
_ABREAST = 8
# Load balancers and API Gateway give up after 29 or 60 s.
_LONGEST_SECONDS = 20.0
_PAUSE_SECONDS = 0.2
_LEFT = "it was not begun, for the time of one call was over; send it again"


@dataclass(frozen=True)
class Item:
    """`document` is the body of an update; `malformed` says of an item that is none what is wrong with it."""

    device_id: str
    action: str
    name: str = ""
    document: dict[str, Any] | None = None
    malformed: Invalid | None = None

    @property
    def body(self) -> bytes:
        return json.dumps(self.document).encode()


@dataclass(frozen=True)
class Outcome:
    """`answer` is AWS IoT's document where the item went well, `code` and `detail` what it said where not."""

    status: int
    answer: dict[str, Any] | None = None
    code: str = ""
    detail: str = ""


def run(
    items: Sequence[Item],
    do: Callable[[Item], bytes],
    pause: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> list[Outcome]:
    """An outcome for each item, in the items' order. One that fails stops none of the others, nor those of its device."""
    deadline = monotonic() + _LONGEST_SECONDS
    of_device: dict[str, list[int]] = defaultdict(list)
    for number, item in enumerate(items):
        of_device[item.device_id].append(number)
    outcomes: dict[int, Outcome] = {}

    def one_device(numbers: list[int]) -> None:
        for number in numbers:
            if monotonic() >= deadline:
                outcomes[number] = Outcome(408, None, "RequestTimeoutException", _LEFT)
                continue
            while (outcome := _outcome(items[number], do)).status == Throttled.status and monotonic() < deadline:
                pause(_PAUSE_SECONDS)
            outcomes[number] = outcome

    with ThreadPoolExecutor(_ABREAST) as pool:
        list(pool.map(one_device, of_device.values()))
    return [outcomes[number] for number in range(len(items))]


def _outcome(item: Item, do: Callable[[Item], bytes]) -> Outcome:
    try:
        if item.malformed:
            raise item.malformed
        return Outcome(200, json.loads(do(item)))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this item's answer, in the words of a single call's
        told: ApiError = of_error(error)
        return Outcome(told.status, None, told.code, told.detail)
