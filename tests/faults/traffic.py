"""What devices send in a case or a proof, with its truth: a line for each reading, written by hand of nothing that ingests."""

import base64
import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.ingestion.builders import BOILER, NOON_MS, body

CONTRACTS = ("boiler", "kettle")
_MINUTE = 60_000
# What is wrong with a reading that is to be refused, by the reason that it must get; a member that is None is left out.
_POISON: tuple[tuple[str, dict[str, Any]], ...] = (
    ("out_of_range", {"water": 500}),
    ("wrong_type", {"water": "hot"}),
    ("missing", {"water": None}),
    ("bad_time", {"ts": 1}),
)
# So many messages later comes every second one of what is sent again; the others right behind their first.
_FAR = 300


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
        """As the rule writes them; what is sent again comes right behind its first or hundreds of messages later."""
        late: deque[tuple[int, str]] = deque()
        again = 0
        for number in range(self.first, self.first + self.messages):
            device, contract = self._from(number)
            text = body(self._payload(number), device, contract, NOON_MS + 3_600_000 * 24 * 365)
            yield text
            if self._falls(number, self.resent, 7):
                again += 1
                if again % 2:
                    yield text
                else:
                    late.append((number + _FAR, text))
            while late and late[0][0] <= number:
                yield late.popleft()[1]
        yield from (text for _, text in late)

    def sent_twice(self) -> int:
        """How many of the messages `bodies` has twice."""
        return sum(self._falls(number, self.resent, 7) for number in range(self.first, self.first + self.messages))

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

    def _readings(self, number: int) -> list[tuple[str, dict[str, Any]]]:
        """Each with its fate."""
        made: list[tuple[str, dict[str, Any]]] = []
        for place in range(self.pack):
            seq = number * self.pack + place
            sound: dict[str, Any] = {"ts": NOON_MS + seq * _MINUTE // self.pack, "seq": seq, "water": 20 + (seq % 700) / 8}
            fate, wrong = _POISON[seq % len(_POISON)] if self._falls(seq, self.poison, 0) else ("bronze", {})
            made.append((fate, {name: value for name, value in (sound | wrong).items() if value is not None}))
        return made

    def _payload(self, number: int) -> bytes:
        return json.dumps({"boot": "b7", "readings": [reading for _, reading in self._readings(number)]}).encode()

    def _truth(self, number: int) -> Iterator[dict[str, Any]]:
        device, contract = self._from(number)
        payload = base64.b64encode(self._payload(number)).decode()
        for index, (fate, reading) in enumerate(self._readings(number)):
            is_refused = fate != "bronze"
            water = reading.get("water")
            yield {
                "contract": contract,
                "device_id": device,
                "topic": f"dt/fleetlake/{device}/{contract}",
                "boot": "b7",
                "index": index,
                # Only of what must be found by its bytes.
                "content": base64.b64encode(json.dumps(reading).encode()).decode() if is_refused else "",
                "fate": fate,
                # Only where a message may be given up; a proof's file would be a hundred times as large.
                "payload": payload if self.messages < 1000 else "",
                **reading,
                # A text would not be a number to the checker, which finds what was refused by its bytes.
                "water": water if isinstance(water, int | float) else None,
            }


def contracts_in(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in CONTRACTS:
        (folder / f"{name}.yaml").write_text(BOILER.replace("boiler", name).replace("Boilers", name))
    return folder
