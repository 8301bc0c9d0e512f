"""The matrix: every kind of fault at every call of the worker, first, later, in a row, with two workers, while it stops;
and a death at every boundary. Each case has a name, says what must come of it, and runs alone."""

import itertools
from dataclasses import dataclass
from enum import StrEnum

from ingestion.worker import BOUNDARIES
from tests.faults.proxy import Fault, Kind

OPERATIONS = ("receive", "put_bronze", "put_quarantine", "delete", "extend")


class Phase(StrEnum):
    FIRST = "first"  # the first call
    LATER = "later"  # the third
    STORM = "storm"  # six in a row
    TWO_WORKERS = "two_workers"  # the first two calls of one of two workers on the queue
    STOPPING = "stopping"  # the first call after SIGTERM


class Clock(StrEnum):
    RIGHT = "right"
    BACKWARDS = "backwards"  # an hour back at each look
    AHEAD = "ahead"  # ten years


@dataclass(frozen=True)
class Case:
    """`ends` is the word in the error that the worker must end with; `boundary` with `hit` is where it dies."""

    name: str
    faults: tuple[tuple[str, Kind, int, int, float], ...] = ()
    phase: Phase = Phase.FIRST
    boundary: str = ""
    hit: int = 0
    clock: Clock = Clock.RIGHT
    ends: str = ""
    # Messages come again only where a worker died, an answer was lost or a receive was repeated.
    once_each: bool = False
    messages: int = 36
    # Of a thousand readings so many are to be refused.
    poison: int = 80
    # Receive calls under way at once: so many tens may be received ahead.
    calls: int = 2

    def armed(self) -> list[Fault]:
        return [Fault(kind, operation, skip, times, seconds) for operation, kind, skip, times, seconds in self.faults]

    @property
    def kills(self) -> bool:
        return bool(self.boundary) or any(kind in _DEATHS for _, kind, *_ in self.faults)


_DEATHS = (Kind.KILLED_BEFORE, Kind.KILLED_AFTER)
_ANSWERED = (Kind.ERROR_500, Kind.ERROR_503, Kind.THROTTLED)
_KINDS = (Kind.REFUSED, *_ANSWERED, Kind.RESET, Kind.LOST_ANSWER, Kind.TWICE, Kind.PARTIAL, Kind.SLOW, *_DEATHS)
_ENDINGS = {
    Kind.ACCESS_DENIED: "not allowed",
    Kind.EXPIRED_TOKEN: "credentials",
    Kind.INSUFFICIENT_STORAGE: "full",
    Kind.UNKNOWN: "no message",
}
_COUNT = {Phase.FIRST: (0, 1), Phase.LATER: (2, 1), Phase.STORM: (0, 6), Phase.TWO_WORKERS: (0, 2), Phase.STOPPING: (0, 1)}
# The sink holds a batch for longer than half of its messages' visibility, or than all of it.
_HALF, _WHOLE = 0.65, 1.4


def cases() -> list[Case]:
    return [*_calls(), *_extensions(), *_deaths(), *_refusals(), *_clocks()]


def _calls() -> list[Case]:
    made = []
    for operation, kind, phase in itertools.product(OPERATIONS[:-1], _KINDS, Phase):
        skip, times = _COUNT[phase]
        if kind in _DEATHS and phase is Phase.STORM:
            continue  # nobody dies six times
        if operation == "receive" and phase is Phase.STOPPING:
            continue  # a stopping worker receives nothing
        if kind is Kind.SLOW and phase is not Phase.FIRST:
            times = 1
        seconds = (_WHOLE if phase is Phase.FIRST and operation != "receive" else 0.2) if kind is Kind.SLOW else 0.0
        once = (
            operation != "receive"
            and kind in (*_ANSWERED, Kind.REFUSED, Kind.PARTIAL, Kind.SLOW, Kind.TWICE)
            and phase is not Phase.STOPPING
            # Six partial answers in a row are more than a delete is tried.
            and (kind, phase) != (Kind.PARTIAL, Phase.STORM)
        )
        faults = ((operation, kind, skip, times, seconds),)
        # A stopping worker writes one batch or two, and something of them shall go to quarantine.
        poison = 300 if phase is Phase.STOPPING else 80
        made.append(Case(f"{operation}-{kind}-{phase}", faults, phase, once_each=once, poison=poison))
    return made


def _extensions() -> list[Case]:
    """A call that extends is made only while a sink is slow."""
    slow = ("put_bronze", Kind.SLOW, 0, 1, _HALF)
    made = []
    for kind, phase in itertools.product(_KINDS, (Phase.FIRST, Phase.STORM)):
        if kind in _DEATHS and phase is Phase.STORM:
            continue
        skip, times = _COUNT[phase]
        made.append(Case(f"extend-{kind}-{phase}", (slow, ("extend", kind, skip, times, 0.1 if kind is Kind.SLOW else 0.0)), phase))
    return made


def _deaths() -> list[Case]:
    """At each boundary, on the first, second and third time it is passed."""
    made = []
    for boundary, hit in itertools.product(BOUNDARIES, (1, 2, 3)):
        faults = (
            (("put_bronze", Kind.SLOW, 0, 1, 1.4 if boundary == "extended" else 0.3),) if boundary in ("extended", "given_back") else ()
        )
        if boundary == "given_back":
            # Passed once for each ten that were received ahead.
            made.append(Case(f"death-{boundary}-{hit}", faults, Phase.STOPPING, boundary, hit, messages=48, calls=4))
        else:
            made.append(Case(f"death-{boundary}-{hit}", faults, Phase.FIRST, boundary, hit))
    # So few that one receive brings all of them: the same batch comes again in another order, and must meet its own objects.
    after_put = ("put_bronze", "put_quarantine", "wrote_timeseries")
    return made + [Case(f"reordered-{boundary}", (), Phase.FIRST, boundary, 1, messages=8) for boundary in after_put]


def _refusals() -> list[Case]:
    """What waiting does not mend: the worker ends with a line, and nothing is deleted that was not stored."""
    return [
        Case(f"{operation}-{kind}-{phase}", ((operation, kind, _COUNT[phase][0], 10_000, 0.0),), phase, ends=word)
        for operation, (kind, word), phase in itertools.product(OPERATIONS[:-1], _ENDINGS.items(), (Phase.FIRST, Phase.LATER))
        if not (operation in ("receive", "delete") and kind is Kind.INSUFFICIENT_STORAGE)
    ]


def _clocks() -> list[Case]:
    faults = (("put_bronze", Kind.LOST_ANSWER, 1, 2, 0.0), ("delete", Kind.KILLED_BEFORE, 1, 1, 0.0))
    return [Case(f"clock-{clock}", faults, clock=clock) for clock in (Clock.BACKWARDS, Clock.AHEAD)]


def case(name: str) -> Case:
    """Raises KeyError."""
    return {each.name: each for each in cases()}[name]
