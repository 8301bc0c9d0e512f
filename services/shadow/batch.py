"""Many shadows in one request: the items of one device in their order, devices beside each other, each item with its own status."""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from services.problems import ApiError, of_error

# Devices at once: AWS IoT takes 20 requests a second for each, and the API's other callers wait meanwhile.
_ABREAST = 8


@dataclass(frozen=True)
class Item:
    """`document` is the body of an update."""

    device_id: str
    action: str
    name: str = ""
    document: dict[str, Any] | None = None

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


def run(items: Sequence[Item], do: Callable[[Item], bytes]) -> list[Outcome]:
    """An outcome for each item, in the items' order. One that fails stops none of the others, nor those of its device."""
    of_device: dict[str, list[int]] = defaultdict(list)
    for number, item in enumerate(items):
        of_device[item.device_id].append(number)
    outcomes: dict[int, Outcome] = {}

    def one_device(numbers: list[int]) -> None:
        for number in numbers:
            outcomes[number] = _outcome(items[number], do)

    with ThreadPoolExecutor(_ABREAST) as pool:
        list(pool.map(one_device, of_device.values()))
    return [outcomes[number] for number in range(len(items))]


def _outcome(item: Item, do: Callable[[Item], bytes]) -> Outcome:
    try:
        return Outcome(200, json.loads(do(item)))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this item's answer, in the words of a single call's
        told: ApiError = of_error(error)
        return Outcome(told.status, None, told.code, told.detail)
