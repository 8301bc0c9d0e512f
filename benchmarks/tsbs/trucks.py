"""What trucks measure, and which of it arrives in which order: arrays by a seed, from which messages and the oracle are made.

Field ranges, steps and chances are TSBS's (pkg/data/usecases/iot); the package's docstring says what is another here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

START = datetime(2026, 1, 1, tzinfo=UTC)
CADENCE = 60
READINGS, DIAGNOSTICS = "truck_readings", "truck_diagnostics"
FIELDS: Mapping[str, Sequence[str]] = {
    READINGS: ("latitude", "longitude", "elevation", "velocity", "heading", "grade", "fuel_consumption"),
    DIAGNOSTICS: ("fuel_state", "current_load", "status"),
}
CHOICES: Mapping[str, Sequence[str]] = {
    "fleet": ("East", "West", "North", "South"),
    "driver": ("Derek", "Rodney", "Albert", "Andy", "Seth", "Trish"),
    "model": ("F-150", "G-2000", "H-2"),
    "device_version": ("v1.0", "v1.5", "v2.0", "v2.3"),
}
# By model: the most it loads, holds and is said to use.
CAPACITIES: Mapping[str, Sequence[float]] = {
    "load_capacity": (2000.0, 5000.0, 1500.0),
    "fuel_capacity": (200.0, 300.0, 150.0),
    "nominal_fuel_consumption": (15.0, 19.0, 12.0),
}
TAGS = (*CHOICES, *CAPACITIES)

# Of ten entries at once, and of each.
_BATCH = 10
_BATCH_MISSING, _BATCH_LATER, _BATCH_INSERTED = 0.01, 0.05, 0.5
_MISSING, _LATER, _INSERTED = 0.1, 0.3, 0.5
_FIELD_LOST, _TAG_LOST = 0.1, 0.01
# A drive takes three hours in the mean, a rest half of that.
_PARKS, _LEAVES = 1 / 180, 1 / 90
_LOAD_CHANGES = 0.05


@dataclass(frozen=True)
class Arrived:
    """The entries of one contract in the order in which they arrive.

    `tick` counts minutes from START. Of `values` NaN is no value; of `tags` -1, else the place in CHOICES, or in CAPACITIES of the model.
    """

    contract: str
    truck: Ints
    tick: Ints
    values: Mapping[str, Floats]
    tags: Mapping[str, Ints]

    def __len__(self) -> int:
        return len(self.truck)

    def tag_values(self, name: str) -> Floats:
        """A number among the tags, NaN where it was lost."""
        codes = self.tags[name]
        return np.where(codes >= 0, np.array(CAPACITIES[name])[np.maximum(codes, 0)], np.nan)


@dataclass(frozen=True)
class Trucks:
    """`trucks` of them over `hours`; `arrived` by contract, and `order`: (contract's number, place in its entries), as they come."""

    trucks: int
    hours: int
    arrived: Mapping[str, Arrived]
    order: NDArray[np.int64]


def make(trucks: int, hours: int, seed: int = 1) -> Trucks:
    rng = np.random.default_rng(seed)
    ticks = hours * 3600 // CADENCE
    measured = {READINGS: _readings(trucks, ticks, rng), DIAGNOSTICS: _diagnostics(trucks, ticks, rng)}
    owned = {name: rng.integers(0, len(choices), trucks) for name, choices in CHOICES.items()}
    # A tick has each truck's readings and diagnostics, one behind the other.
    entries = np.fromiter(disordered(trucks * ticks * 2, rng), np.int64)
    kinds, places = entries % 2, entries // 2
    arrived = {
        name: _arrived(name, places[kinds == kind], trucks, measured[name], owned, rng) for kind, name in enumerate((READINGS, DIAGNOSTICS))
    }
    of_kind = np.where(kinds == 0, np.cumsum(kinds == 0), np.cumsum(kinds == 1)) - 1
    return Trucks(trucks, hours, arrived, np.column_stack([kinds, of_kind]))


def disordered(count: int, rng: np.random.Generator) -> Iterator[int]:
    """The numbers below `count` as they arrive: some never, some later than those after them, alone or ten together."""
    chance = _chances(rng)
    source = iter(range(count))
    later: list[int] = []
    later_batches: list[list[int]] = []
    is_over = False
    while not is_over or later_batches or later:
        if is_over:
            yield from later_batches.pop(0) if later_batches else [later.pop(0)]
            continue
        if next(chance) < _BATCH_MISSING:
            is_over = len([entry for _, entry in zip(range(_BATCH), source, strict=False)]) < _BATCH
            continue
        is_later = next(chance) < _BATCH_LATER
        if later_batches and next(chance) < _BATCH_INSERTED:
            yield from later_batches.pop(0)
            continue
        batch, is_over = _batch(source, later, chance)
        if is_later:
            later_batches.append(batch)
        else:
            yield from batch


def _batch(source: Iterator[int], later: list[int], chance: Iterator[float]) -> tuple[list[int], bool]:
    """Ten entries, fewer at the end; `later` gives what waits there and takes what is to wait."""
    batch: list[int] = []
    while len(batch) < _BATCH:
        entry = later.pop(0) if later and next(chance) < _INSERTED else next(source, -1)
        if entry < 0:
            return batch, True
        if next(chance) < _MISSING:
            continue
        if next(chance) < _LATER:
            later.append(entry)
        else:
            batch.append(entry)
    return batch, False


def _chances(rng: np.random.Generator) -> Iterator[float]:
    while True:
        yield from rng.random(65_536).tolist()


def _arrived(
    name: str, places: Ints, trucks: int, measured: Mapping[str, Floats], owned: Mapping[str, Ints], rng: np.random.Generator
) -> Arrived:
    tick, truck = places // trucks, places % trucks
    lost_field = np.where(rng.random(len(places)) < _FIELD_LOST, rng.integers(0, len(measured), len(places)), -1)
    # One more than there are: a lost name is still in the topic.
    lost_tag = np.where(rng.random(len(places)) < _TAG_LOST, rng.integers(0, len(TAGS) + 1, len(places)), -1)
    values = {field: np.where(lost_field == n, np.nan, measured[field][tick, truck]) for n, field in enumerate(measured)}
    codes = {tag: owned[tag if tag in CHOICES else "model"][truck] for tag in TAGS}
    tags = {tag: np.where(lost_tag == n, -1, codes[tag]) for n, tag in enumerate(TAGS)}
    return Arrived(name, truck, tick, values, tags)


def _readings(trucks: int, ticks: int, rng: np.random.Generator) -> dict[str, Floats]:
    shape = (ticks, trucks)
    parked = _parked(shape, rng)
    return {
        "latitude": _walk(shape, rng, 0.005, -90, 90, rng.random(trucks) * 90, 5, still=parked),
        "longitude": _walk(shape, rng, 0.005, -180, 180, rng.random(trucks) * 180, 5, still=parked),
        "elevation": _walk(shape, rng, 10, 0, 5000, rng.random(trucks) * 500, 0, still=parked),
        "velocity": np.where(parked, 0.0, _walk(shape, rng, 10, 0, 100, np.zeros(trucks), 0)),
        "heading": _walk(shape, rng, 5, 0, 360, rng.random(trucks) * 360, 0),
        "grade": _walk(shape, rng, 5, 0, 100, np.zeros(trucks), 0),
        "fuel_consumption": _walk(shape, rng, 5, 0, 50, np.full(trucks, 25.0), 1),
    }


def _diagnostics(trucks: int, ticks: int, rng: np.random.Generator) -> dict[str, Floats]:
    fuel, load, status = (np.empty((ticks, trucks)) for _ in range(3))
    tank, carried, state = rng.random(trucks), rng.random(trucks) * 5000, np.zeros(trucks)
    for tick in range(ticks):
        tank = np.maximum(tank - rng.random(trucks) * 0.001, 0)
        tank = np.where(tank == 0, 1.0, tank)
        carried = np.where(rng.random(trucks) < _LOAD_CHANGES, rng.random(trucks) * 5000, carried)
        state = np.clip(state + rng.standard_normal(trucks), 0, 5)
        fuel[tick], load[tick], status[tick] = tank, carried, state
    return {"fuel_state": np.round(fuel, 1), "current_load": np.round(load), "status": np.floor(status)}


def _parked(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.bool_]:
    parked = np.empty(shape, dtype=bool)
    now = rng.random(shape[1]) < _PARKS / (_PARKS + _LEAVES)
    for tick in range(shape[0]):
        now = np.where(rng.random(shape[1]) < np.where(now, _LEAVES, _PARKS), ~now, now)
        parked[tick] = now
    return parked


def _walk(
    shape: tuple[int, int],
    rng: np.random.Generator,
    step: float,
    low: float,
    high: float,
    begin: Floats,
    digits: int,
    still: NDArray[np.bool_] | None = None,
) -> Floats:
    """A random walk of each truck between `low` and `high`, by at most `step` a tick and not where it stands `still`."""
    steps = rng.uniform(-step, step, shape)
    if still is not None:
        steps[still] = 0.0
    values, now = np.empty(shape), begin
    for tick in range(shape[0]):
        now = np.clip(now + steps[tick], low, high)
        values[tick] = now
    return np.round(values, digits)
