"""Readings without end, for what is measured at length: made as they are taken, and known without keeping them.

Each reading's values come from a pool that was made once; its device, time and seq follow from its number. So the truth about
any stretch of the stream can be told again.
"""

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.decode_work import CONTRACT, work
from lake.contracts import Contract

# More than a batch of the worker holds, so that no batch has a reading's values twice.
POOL = 60_000
_ARRIVAL_MS = 1_890_000_000_000
_START_MS = 1_790_000_000_000
_CADENCE_MS = 300_000
_BETWEEN = ',"seq":'


@dataclass(frozen=True)
class Stream:
    """`pool` has the JSON of readings from behind their seq on; `values` the same, in the order of the contract's fields."""

    contract: Contract
    pool: Sequence[str]
    values: Sequence[tuple[Any, ...]]
    pack: int
    devices: int = 100

    @classmethod
    def of_lines(cls, contract: Contract, lines: Sequence[bytes], pack: int) -> "Stream":
        """`lines` begin with ts and seq, which are not used."""
        tails = [line.decode().partition(_BETWEEN)[2].partition(",")[2] for line in lines]
        documents = [json.loads(line) for line in lines]
        return cls(contract, tails, [tuple(document.get(field.name) for field in contract.fields) for document in documents], pack)

    def bodies(self, readings: int, first: int = 0) -> Iterator[str]:
        """The queue's messages of so many readings, from the reading numbered `first` on; both in whole packs."""
        for message in range(first // self.pack, (first + readings) // self.pack):
            texts = self.lines(self.pack, message * self.pack)
            yield self._body('{"boot":"b7","readings":[' + ",".join(texts) + "]}", message)

    def lines(self, readings: int, first: int = 0) -> Iterator[str]:
        """The JSON of each reading, as it stands in its pack."""
        for n in range(first, first + readings):
            yield f'{{"ts":{self._ts(n)}{_BETWEEN}{self._seq(n)},{self.pool[n % len(self.pool)]}'

    @staticmethod
    def payload_bytes(body: str) -> int:
        """Of the device's message in one of the queue's."""
        return len(base64.b64decode(json.loads(body)["payload"]))

    def truth(self, readings: int, first: int = 0) -> Iterator[tuple[Any, ...]]:
        """Device, seq, time in ms and values of the same readings."""
        for n in range(first, first + readings):
            yield (self._device(n // self.pack), self._seq(n), self._ts(n), *self.values[n % len(self.pool)])

    def _body(self, payload: str, message: int) -> str:
        device = self._device(message)
        envelope = {
            "payload": base64.b64encode(payload.encode()).decode(),
            "topic": f"dt/fleetlake/{device}/{self.contract.name}",
            "device_id": device,
            "contract": self.contract.name,
            "received_at": _ARRIVAL_MS,
            "principal": "f" * 64,
            "client_id": device,
            "trace_id": f"{message:08x}-0000-4000-8000-000000000000",
        }
        return json.dumps(envelope, separators=(",", ":"))

    def _device(self, message: int) -> str:
        return f"{self.contract.name}-{message % self.devices}"

    def _seq(self, n: int) -> int:
        return n // self.pack // self.devices * self.pack + n % self.pack

    def _ts(self, n: int) -> int:
        # A device is now and then half a second early or late.
        return _START_MS + self._seq(n) * _CADENCE_MS + n * 617 % 1000 - 500


def pumps(pack: int) -> Stream:
    """The pumps of `decode_work`."""
    made = work(POOL, 1, 0.0)
    return Stream.of_lines(made.contracts[CONTRACT], made.lines, pack)
