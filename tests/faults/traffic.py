"""What devices send in a case or a proof, with its truth: a line for each reading, written by hand of nothing that ingests."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.ingestion.builders import BOILER, NOON_MS, body

CONTRACTS = ("boiler", "kettle")
_MINUTE = 60_000


@dataclass(frozen=True)
class Traffic:
    """`messages` packs of `pack` readings, numbered from `first`; of a thousand readings `poison` are to be refused, of a thousand
    messages `resent` come twice."""

    messages: int
    pack: int
    poison: int = 80
    resent: int = 100
    devices: int = 7
    first: int = 0

    def bodies(self) -> Iterator[str]:
        """As the rule writes them, resends right behind their first."""
        for number in range(self.first, self.first + self.messages):
            device, contract = self._from(number)
            text = body(self._payload(number), device, contract, NOON_MS + 3_600_000 * 24 * 365)
            yield text
            if self._falls(number, self.resent, 7):
                yield text

    def write_truth(self, file: Path) -> int:
        """A line a reading; how many different readings."""
        with file.open("w") as stream:
            for number in range(self.first, self.first + self.messages):
                for line in self._truth(number):
                    stream.write(json.dumps(line) + "\n")
        return self.messages * self.pack

    def _from(self, number: int) -> tuple[str, str]:
        return f"b-{number % self.devices}", CONTRACTS[number % len(CONTRACTS)]

    @staticmethod
    def _falls(number: int, of_thousand: int, offset: int) -> bool:
        # Spread evenly by a multiplier that shares no factor with 1000.
        return (number * 617 + offset) % 1000 < of_thousand

    def _readings(self, number: int) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = []
        for place in range(self.pack):
            seq = number * self.pack + place
            water = 500 if self._falls(seq, self.poison, 0) else 20 + (seq % 700) / 8
            made.append({"ts": NOON_MS + seq * _MINUTE // self.pack, "seq": seq, "water": water})
        return made

    def _payload(self, number: int) -> bytes:
        return json.dumps({"boot": "b7", "readings": self._readings(number)}).encode()

    def _truth(self, number: int) -> Iterator[dict[str, Any]]:
        device, contract = self._from(number)
        payload = base64.b64encode(self._payload(number)).decode()
        for index, reading in enumerate(self._readings(number)):
            yield {
                "contract": contract,
                "device_id": device,
                "topic": f"dt/fleetlake/{device}/{contract}",
                "boot": "b7",
                "index": index,
                # Only of what must be found by its bytes.
                "content": base64.b64encode(json.dumps(reading).encode()).decode() if reading["water"] > 120 else "",
                "fate": "out_of_range" if reading["water"] > 120 else "bronze",
                # Only where a message may be given up; a proof's file would be a hundred times as large.
                "payload": payload if self.messages < 1000 else "",
                **reading,
            }


def contracts_in(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in CONTRACTS:
        (folder / f"{name}.yaml").write_text(BOILER.replace("boiler", name).replace("Boilers", name))
    return folder
