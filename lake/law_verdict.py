"""What the law found: tallies by device and contract, violations with the reading they are about."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from lake.law_queues import Queues
from runtime.errors import LawBroken, LawUnknown


class Place(StrEnum):
    VISIBLE = "visible"
    HELD = "held"
    QUARANTINED = "quarantined"
    WAITING = "waiting"
    DEAD_LETTER = "dead letter"
    ERASED = "erased"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    LOST = "lost"


class Breach(StrEnum):
    LOST = "lost"
    TWICE = "visible twice"
    PHANTOM = "never sent"
    FOREIGN = "refused, yet arrived"


@dataclass(frozen=True)
class Violation:
    breach: Breach
    contract: str
    device_id: str
    reading: str

    def __str__(self) -> str:
        return f"{self.breach}: {self.reading}"


@dataclass(frozen=True)
class Surprise:
    """A reading elsewhere than the simulator meant it to end. The law holds; the expectation did not."""

    contract: str
    device_id: str
    expected: str
    found: str
    reading: str


@dataclass(frozen=True)
class Tally:
    """Readings of one device and contract. `places` counts acknowledged readings; the breaches count on their own."""

    contract: str
    device_id: str
    sent: int
    places: dict[Place, int]
    breaches: dict[Breach, int]
    unacknowledged_arrived: int
    unacknowledged_not: int


@dataclass(frozen=True)
class Verdict:
    """`violations` and `surprises` show the first of each; the counts are of all. `gone` says which contracts cannot be looked up, and why."""

    files: tuple[Path, ...]
    tallies: tuple[Tally, ...]
    violations: tuple[Violation, ...]
    surprises: tuple[Surprise, ...]
    surprised: int
    queues: Queues
    gone: tuple[str, ...] = ()

    @property
    def sent(self) -> int:
        return sum(tally.sent for tally in self.tallies)

    def place(self, place: Place) -> int:
        return sum(tally.places.get(place, 0) for tally in self.tallies)

    def breach(self, breach: Breach) -> int:
        return sum(tally.breaches.get(breach, 0) for tally in self.tallies)

    @property
    def in_flight(self) -> int:
        return self.place(Place.WAITING) + self.place(Place.UNKNOWN)

    @property
    def is_broken(self) -> bool:
        return any(self.breach(breach) for breach in Breach)

    @property
    def is_unknown(self) -> bool:
        # Without a tally nothing was sent, and nothing is there that could hold or break the law.
        return not self.is_broken and (self.place(Place.UNKNOWN) > 0 or not self.tallies)

    @property
    def holds(self) -> bool:
        return not self.is_broken and not self.is_unknown

    def check(self) -> None:
        """Raises LawBroken, or LawUnknown where nothing is known to be wrong and some readings cannot be found yet, or none was sent."""
        if self.is_broken:
            counts = ", ".join(f"{self.breach(breach)} {breach}" for breach in Breach if self.breach(breach))
            raise LawBroken(f"verify: the law does not hold: {counts}; first: {self.violations[0]}")
        if not self.tallies:
            raise LawUnknown(
                f"verify: no reading is in truth {', '.join(map(str, self.files))}, so nothing says what was sent; simulate first"
            )
        if self.is_unknown:
            missing = self.place(Place.UNKNOWN)
            if self.gone:
                raise LawUnknown(f"verify: {missing} readings are unknown: {'; '.join(self.gone)}; put the file right and verify again")
            why = (
                "the queues cannot be asked; start the platform and verify again"
                if self.queues.waiting is None
                else f"{self.queues.waiting} messages wait in the telemetry and the error queue; verify again when the worker has caught up"
            )
            raise LawUnknown(f"verify: {missing} readings are not in the lake, and {why}")
