"""The queue's messages that every path decodes, and the truth about them, written down as they are made."""

import base64
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lake.contracts import Contract, Contracts, load_contracts
from runtime.settings import REPOSITORY

CONTRACT = "pump"
_ARRIVAL_MS = 1_890_000_000_000
_START_MS = 1_790_000_000_000
# A sensor's usual faults: each makes its reading invalid, and the first two make the whole pack no JSON.
_DIRT = {
    '"flow_m3_h":NaN': "not_finite",
    '"flow_m3_h":': "not_json",
    '"flow_m3_h":"12.1"': "wrong_type",
    '"flow_m3_h":-1.0': "out_of_range",
    '"flow_m3_h":1,"flow_m3_h":2': "duplicate_key",
}


@dataclass(frozen=True)
class Work:
    """`truth` has, for each valid reading, device, seq and the values of its fields, in the order of the contract; `refused`, for
    each other one, device, content and reason."""

    bodies: list[str]
    lines: list[bytes]
    truth: list[tuple[Any, ...]]
    refused: list[tuple[str, bytes, str]]
    readings: int
    contracts: Contracts

    @property
    def contract(self) -> Contract:
        return self.contracts[CONTRACT]


def work(readings: int, pack: int, dirt: float) -> Work:
    """Pumps as they are: a level of each's own, noise, sensors that round to two or three digits."""
    rng = random.Random(7)
    contracts = load_contracts(REPOSITORY / "contracts")
    bodies, lines, truth, refused = [], [], [], []
    for number in range(readings // pack):
        device = f"pump-{number % 100}"
        texts = []
        for seq in range(number // 100 * pack, (number // 100 + 1) * pack):
            document = _reading(rng, number % 100, seq)
            text = json.dumps(document, separators=(",", ":"))
            lines.append(text.encode())
            if rng.random() < dirt:
                spoilt, reason = rng.choice(list(_DIRT.items()))
                text = text.replace(f'"flow_m3_h":{document["flow_m3_h"]}', spoilt)
                refused.append((device, text.encode(), reason))
            else:
                truth.append((device, seq, *(document[field.name] for field in contracts[CONTRACT].fields)))
            texts.append(text)
        bodies.append(_body('{"boot":"b7","readings":[' + ",".join(texts) + "]}", device))
    return Work(bodies, lines, truth, refused, readings // pack * pack, contracts)


def _reading(rng: random.Random, device: int, seq: int) -> dict[str, Any]:
    level = 1 + device / 50

    def around(value: float, digits: int) -> float:
        return round(max(0.01, rng.gauss(value * level, value / 50)), digits)

    return {
        "ts": _START_MS + seq * 300_000 + rng.randrange(-500, 500),
        "seq": seq,
        "vibration_mm_s": around(2.8, 3),
        "current_l1_amperes": around(12, 2),
        "current_l2_amperes": around(12, 2),
        "current_l3_amperes": around(12, 2),
        "pressure_bar": around(4.1, 2),
        "temperature_celsius": around(35, 1),
        "flow_m3_h": around(60, 1),
        "is_running": True,
        "mode": "manual" if rng.random() < 0.01 else "auto",
    }


def _body(payload: str, device: str) -> str:
    envelope = {
        "payload": base64.b64encode(payload.encode()).decode(),
        "device_id": device,
        "contract": CONTRACT,
        "received_at": _ARRIVAL_MS,
    }
    return json.dumps(envelope | {"principal": "f" * 64, "client_id": device, "trace_id": f"{random.Random(device).getrandbits(128):032x}"})


def rows_of(columns: dict[str, list[Any]], contract: Contract) -> Iterator[tuple[Any, ...]]:
    """A path's table as the truth has it."""
    return zip(columns["device_id"], columns["seq"], *(columns[field.name] for field in contract.fields), strict=True)
