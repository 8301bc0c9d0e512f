"""What the platform knows of a device, as the document that its named shadow `fleet` reports."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

NAME = "fleet"
# A moment of the last reading that is finer would change the shadow with each pack, and each change of a shadow is four messages to pay.
_SEEN_STEP_SECONDS = 600


@dataclass(frozen=True)
class Life:
    """The newest prediction of remaining life."""

    cycles: float
    lower: float | None
    upper: float | None
    model: str
    version: str
    at: datetime


def reported(health: Mapping[str, str], life: Life | None, last_seen: datetime | None) -> dict[str, Any]:
    """``health`` by contract (online, offline), ``remaining_life`` and ``last_seen``; what is not known is not there."""
    known: dict[str, Any] = {"health": dict(sorted(health.items()))} if health else {}
    if life is not None:
        known["remaining_life"] = _life(life)
    if last_seen is not None:
        step = last_seen.timestamp() // _SEEN_STEP_SECONDS * _SEEN_STEP_SECONDS
        known["last_seen"] = _text(datetime.fromtimestamp(step, last_seen.tzinfo))
    return known


def _life(life: Life) -> dict[str, Any]:
    numbers = {"cycles": life.cycles, "lower": life.lower, "upper": life.upper}
    rounded = {name: round(number, 1) for name, number in numbers.items() if number is not None}
    return rounded | {"model": life.model, "version": life.version, "as_of": _text(life.at)}


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
