"""A reading on its way to the wire: what will be sent, when, in which kind of message, and what must become of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from lake.contracts import Contract
from lake.identity import event_id
from local.message import SILVER
from local.simulator.samples import Sample


class Form(StrEnum):
    PACKED = "packed"  # with its neighbours, in a pack
    CUT_OFF = "cut_off"  # alone, in a message that ends in the middle
    FOREIGN = "foreign"  # alone, on another device's topic


@dataclass(frozen=True, slots=True)
class Planned:
    """`send_at` is the simulated time (ms) that orders what a device sends; `ts_ms` is None where the bytes hold no time.

    `content` is the reading's bytes; `values` its members without ts, boot, seq and device_id.
    `other` is the device that it names, or that its topic names, where that is not its own.
    """

    device_id: str
    contract: Contract
    boot: str
    send_at: int
    ts_ms: int | None
    seq: int
    values: dict[str, Any]
    content: bytes
    fault: str | None = None
    fate: str = SILVER
    form: Form = Form.PACKED
    other: str = ""

    @property
    def topic_device(self) -> str:
        return self.other if self.form is Form.FOREIGN else self.device_id

    @property
    def event_id(self) -> str | None:
        if self.ts_ms is None or self.form is Form.CUT_OFF:
            return None
        return event_id(self.topic_device, self.contract.name, self.ts_ms, self.boot, self.seq)


def document(ts_ms: int, seq: int, values: dict[str, Any]) -> dict[str, Any]:
    return {"ts": ts_ms, "seq": seq, **values}


def number(samples: Iterable[Sample], boot: str) -> list[Planned]:
    """Each sample with its seq: one count from 0 for each device and contract, in the order of `samples`."""
    counts: dict[tuple[str, str], int] = {}
    planned = []
    for sample in samples:
        key = sample.device_id, sample.contract.name
        seq = counts.get(key, 0)
        counts[key] = seq + 1
        content = orjson.dumps(document(sample.ts_ms, seq, sample.values))
        planned.append(
            Planned(sample.device_id, sample.contract, boot, sample.ts_ms, sample.ts_ms, seq, sample.values, content, fault=sample.fault)
        )
    return planned
