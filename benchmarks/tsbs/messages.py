"""The trucks' entries as devices would send them: packs of the queue's messages, in the order of arrival."""

import base64
import json
from collections.abc import Iterator

import numpy as np
import orjson

from benchmarks.tsbs.trucks import CADENCE, CAPACITIES, CHOICES, DIAGNOSTICS, READINGS, START, TAGS, Arrived, Trucks

# Entries that are on their way together; each truck's among them are a pack of each contract, or more where they are many.
_TOGETHER_PER_TRUCK = 200
_LONGEST_PACK = 250
_START_MS = int(START.timestamp() * 1000)


def bodies(trucks: Trucks) -> Iterator[str]:
    """The queue's messages. A pack arrives a second after the last of what arrived with it was measured."""
    contracts = (READINGS, DIAGNOSTICS)
    size = _TOGETHER_PER_TRUCK * trucks.trucks
    for begin in range(0, len(trucks.order), size):
        part = trucks.order[begin : begin + size]
        arrived = max(int(trucks.arrived[name].tick[part[part[:, 0] == n, 1]].max(initial=0)) for n, name in enumerate(contracts))
        for number, name in enumerate(contracts):
            yield from _packs(trucks.arrived[name], part[part[:, 0] == number, 1], _START_MS + arrived * CADENCE * 1000 + 1000)


def _packs(entries: Arrived, places: "np.ndarray", received_ms: int) -> Iterator[str]:
    order = places[np.argsort(entries.truck[places], kind="stable")]
    texts = _texts(entries, order)
    ends = [*np.flatnonzero(np.diff(entries.truck[order])) + 1, len(order)]
    begin = 0
    for end in ends:
        for first in range(begin, end, _LONGEST_PACK):
            yield _body(entries.contract, int(entries.truck[order[begin]]), texts[first : min(end, first + _LONGEST_PACK)], received_ms)
        begin = end


def _texts(entries: Arrived, places: "np.ndarray") -> list[bytes]:
    """Each reading's JSON; what was lost is not in it."""
    columns: dict[str, list[object]] = {"ts": (_START_MS + entries.tick[places] * CADENCE * 1000).tolist()}
    columns["seq"] = entries.tick[places].tolist()
    for name, values in entries.values.items():
        kept = values[places]
        columns[name] = [None if v != v else int(v) if name == "status" else v for v in kept.tolist()]
    for tag in TAGS:
        words = CHOICES.get(tag, CAPACITIES.get(tag, ()))
        columns[tag] = [None if code < 0 else words[code] for code in entries.tags[tag][places].tolist()]
    rows = zip(*columns.values(), strict=True)
    return [orjson.dumps({key: value for key, value in zip(columns, row, strict=True) if value is not None}) for row in rows]


def _body(contract: str, truck: int, readings: list[bytes], received_ms: int) -> str:
    device = device_id(truck)
    payload = b'{"boot":"b1","readings":[' + b",".join(readings) + b"]}"
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "topic": f"dt/fleetlake/{device}/{contract}",
        "device_id": device,
        "contract": contract,
        "received_at": received_ms,
        "principal": "f" * 64,
        "client_id": device,
        "trace_id": "00000000-0000-4000-8000-000000000000",
    }
    return json.dumps(envelope, separators=(",", ":"))


def device_id(truck: int) -> str:
    return f"truck_{truck}"
