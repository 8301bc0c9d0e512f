"""The same steps for the model and for what is held against it; every answer compared whole."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from tests.fleet.shadow.documents import TRAITS, traits
from tests.fleet.shadow.kinds import ANSWERS, CODES, MESSAGES
from tests.fleet.shadow.reference import Outcome, Reference
from tests.fleet.shadow.steps import Spot, Step, Steps


class Side(Protocol):
    def update(self, payload: bytes, now: int) -> Outcome: ...

    def get(self, payload: bytes, now: int) -> Outcome: ...

    def delete(self, payload: bytes, now: int) -> Outcome: ...


class Differs(AssertionError):
    pass


Maker = Callable[[Spot], Side]


def model(spot: Spot) -> Reference:
    return Reference(spot.thing, spot.name, document_bytes=spot.document_bytes, depth=spot.depth)


@dataclass
class Counts:
    """How many steps there were of each kind, with what in their documents, and what was answered; both sides the same."""

    kinds: Counter[str] = field(default_factory=Counter)
    traits: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)
    shadows: int = 0
    deltas: int = 0

    def add(self, step: Step, outcome: Outcome) -> None:
        assert outcome.code in ANSWERS[step.kind], f"the model answers {outcome.code} {outcome.message} to {step}"
        self.kinds[step.kind] += 1
        self.answers[f"{step.verb} {outcome.code}"] += 1
        if outcome.code != 200:
            self.messages[next(begin for begin in MESSAGES if outcome.message.startswith(begin))] += 1
        self.deltas += outcome.delta is not None
        if step.verb == "update" and outcome.code == 200:
            self.traits.update(set(traits(json.loads(step.payload)["state"])))

    def missing(self, least: int = 1) -> dict[str, set[str]]:
        """The kinds of step, of content, of answer and of refusal that did not occur so often."""
        there = {"kinds": ANSWERS, "traits": TRAITS, "answers": CODES, "messages": MESSAGES}
        missing = {name: {one for one in expected if getattr(self, name)[one] < least} for name, expected in there.items()}
        return {name: names for name, names in missing.items() if names}

    def told(self) -> dict[str, Any]:
        """For a proof's record."""
        named = {name: dict(sorted(getattr(self, name).items())) for name in ("kinds", "traits", "answers", "messages")}
        return {"steps": self.kinds.total(), "shadows": self.shadows, "deltas": self.deltas} | named


def play(seed: str, steps: int, make: Maker) -> Counts:
    """Raises Differs at the first difference, with the fewest steps of its shadow that still show it."""
    maker, counts = Steps(seed), Counts()
    sides: dict[Spot, tuple[Reference, Side]] = {}
    past: dict[Spot, list[Step]] = {}
    for number in range(steps):
        spot = maker.spot()
        expected, actual = sides.setdefault(spot, (model(spot), make(spot)))
        step = maker.step(expected)
        past.setdefault(spot, []).append(step)
        try:
            counts.add(step, taken(expected, actual, step))
        except Differs:
            raise Differs(f"seed {seed}, step {number}, {spot}:\n{_shown(spot, make, _fewest(spot, make, past[spot]))}") from None
    return replace(counts, shadows=len(sides))


def taken(expected: Side, actual: Side, step: Step) -> Outcome:
    """What both answer to the step; afterwards both must show the same shadow."""
    outcome = _answer(expected, step)
    _compare(outcome, _answer(actual, step), step)
    look = Step("get", b"", step.now, f"look after {step.kind}")
    _compare(_answer(expected, look), _answer(actual, look), look)
    return outcome


def _answer(side: Side, step: Step) -> Outcome:
    ask = {"update": side.update, "get": side.get, "delete": side.delete}[step.verb]
    try:
        return ask(step.payload, step.now)
    except Differs:
        raise
    except Exception as error:
        raise Differs(f"{_words(step)}\n  raised {type(error).__name__}: {error}") from error


def _compare(expected: Outcome, actual: Outcome, step: Step) -> None:
    told, other = _whole(expected), _whole(actual)
    differing = [name for name in told if told[name] != other[name]]
    if differing:
        lines = [f"  {name}: expected {told[name]}\n  {' ' * len(name)}  but got  {other[name]}" for name in differing]
        raise Differs("\n".join([_words(step), *lines]))


def _whole(outcome: Outcome) -> dict[str, str]:
    """Part by part as text, in which 1, 1.0 and true differ."""
    return {name: json.dumps(part, sort_keys=True, ensure_ascii=False) for name, part in vars(outcome).items()}


def _words(step: Step) -> str:
    payload = step.payload if len(step.payload) < 1_000 else step.payload[:500] + b" ... " + step.payload[-100:]
    return f"{step.verb} at {step.now} ({step.kind}, {len(step.payload)} bytes): {payload!r}"


def _difference(spot: Spot, make: Maker, steps: Iterable[Step]) -> str:
    expected, actual = model(spot), make(spot)
    try:
        for step in steps:
            taken(expected, actual, step)
    except Differs as difference:
        return str(difference)
    return ""


def _fewest(spot: Spot, make: Maker, steps: list[Step]) -> list[Step]:
    """Halves, then smaller parts, are left out as long as there still is a difference."""
    size = len(steps) // 2
    while size:
        for begin in reversed(range(0, len(steps), size)):
            fewer = steps[:begin] + steps[begin + size :]
            if _difference(spot, make, fewer):
                steps = fewer
        size //= 2
    return steps


def _shown(spot: Spot, make: Maker, steps: list[Step]) -> str:
    before = [_words(step) for step in steps[:-1]]
    return "\n".join([*before, _difference(spot, make, steps)])
