"""The models there are: for which contract, learning from which events, when they are trained again."""

from dataclasses import dataclass

from runtime.errors import UserError


@dataclass(frozen=True)
class ModelKind:
    """`threshold`: a score at or below it gets `label_below`. `enough_events`: new failures that a retraining waits for."""

    name: str
    contract: str
    events: str
    unit: str
    threshold: float
    label_below: str
    label_above: str
    enough_events: int
    least_failures: int


KINDS = {
    "rul": ModelKind("rul", "turbofan", "maintenance", "cycles", 30.0, "fails_soon", "healthy", enough_events=40, least_failures=10),
}


def kind(name: str) -> ModelKind:
    """Raises UserError where there is no such model."""
    if name not in KINDS:
        raise UserError(f"model {name}: there is none of this name; there are {', '.join(KINDS)}")
    return KINDS[name]


def kinds_of(contract: str) -> list[ModelKind]:
    return [found for found in KINDS.values() if found.contract == contract]
