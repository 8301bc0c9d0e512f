"""Readings of any measurement contract: each value follows the day within its field's range, with noise.

A number is ``middle + swing · sin(2π · (hour of day - its own peak) / 24) + noise``, where middle and swing keep it in the usual
range of a field of that name (`_USUAL`) or, failing that, between 30 and 60 % of the contract's range. Noise is 4 % of that
width, so that no sensor looks stuck; a `max_step` is kept. A whole number is the rounded one; a `lifetime_counter` counts up
from 1 and begins again after 150 to 300 readings; a bool is true 19 times of 20; a text is its field's first enum value 9 times
of 10, or without enum a version such as 1.4.2 that the device keeps.
"""

import zlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from lake.contracts import Contract, Field

_DAY_MS = 86_400_000
# Lowest and highest usual value of well-known fields; used where it lies within the contract's range.
_USUAL = {
    "vibration_mm_s": (1.6, 3.4),
    "current_l1_amperes": (11.0, 15.0),
    "current_l2_amperes": (11.0, 15.0),
    "current_l3_amperes": (11.0, 15.0),
    "pressure_bar": (4.0, 6.0),
    "flow_m3_h": (18.0, 30.0),
    "temperature_celsius": (19.0, 24.5),
    "humidity_percent": (38.0, 56.0),
    "co2_ppm": (430.0, 950.0),
}
_USUAL_OF = {("pump", "temperature_celsius"): (45.0, 68.0)}
Column = list[float] | list[int] | list[bool] | list[str]


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """Random numbers that depend on the seed and these names alone, in any process."""
    return np.random.default_rng([seed, *(zlib.crc32(str(name).encode()) for name in names)])


def slots(start_ms: int, end_ms: int, first_ms: int, cadence_ms: int) -> npt.NDArray[np.int64]:
    """The numbers, from 0 at `first_ms` on, of the cadence's slots that lie in [start, end)."""
    lowest = max(0, -(-(start_ms - first_ms) // cadence_ms))
    highest = max(lowest, -(-(end_ms - first_ms) // cadence_ms))
    return np.arange(lowest, highest, dtype=np.int64)


def first_reading_ms(seed: int, device_id: str, born_ms: int, cadence_ms: int) -> int:
    """Devices do not report in step: each has its own place within the cadence."""
    return born_ms + int(generator(seed, device_id, "phase").integers(0, cadence_ms))


def columns(
    contract: Contract, fields: Iterable[Field], device_id: str, seed: int, ts_ms: npt.NDArray[np.int64], slot: npt.NDArray[np.int64]
) -> dict[str, Column]:
    """The values of these fields at these times; `slot` numbers them from the device's birth."""
    return {field.name: _column(contract, field, device_id, seed, ts_ms, slot) for field in fields}


def _column(
    contract: Contract, field: Field, device_id: str, seed: int, ts_ms: npt.NDArray[np.int64], slot: npt.NDArray[np.int64]
) -> Column:
    # The time is in the seed: a second slice must not repeat the first one's noise.
    begins = int(ts_ms[0]) if len(ts_ms) else 0
    rng, character = generator(seed, device_id, field.name, begins), generator(seed, device_id, field.name)
    if field.lifetime_counter:
        return (slot % int(character.integers(150, 301)) + 1).tolist()
    if field.type == "bool":
        return (rng.random(len(ts_ms)) < 0.95).tolist()
    if field.type == "string":
        return _texts(field, len(ts_ms), rng, character)
    return _numbers(contract, field, ts_ms, rng, character)


def _texts(field: Field, count: int, rng: np.random.Generator, character: np.random.Generator) -> list[str]:
    if not field.enum:
        return [f"1.{character.integers(2, 6)}.{character.integers(0, 9)}"[: field.max_length]] * count
    others = field.enum[1:] or field.enum
    picks = rng.integers(0, len(others), count)
    return [field.enum[0] if usual else others[pick] for usual, pick in zip(rng.random(count) < 0.9, picks, strict=True)]


def _numbers(
    contract: Contract, field: Field, ts_ms: npt.NDArray[np.int64], rng: np.random.Generator, character: np.random.Generator
) -> list[float] | list[int]:
    low, high = usual_range(contract, field)
    swing = (high - low) * character.uniform(0.2, 0.35)
    noise = (high - low) * 0.04
    if field.max_step is not None:
        # The steepest step of the sine, and two opposite noises, stay within it.
        steepest = 2 * np.pi * (contract.cadence_seconds or 1) * 1000 / _DAY_MS
        swing, noise = min(swing, field.max_step / 2 / steepest), min(noise, field.max_step / 16)
    middle = (low + high) / 2 + (high - low) * character.uniform(-0.08, 0.08)
    day = 2 * np.pi * (ts_ms % _DAY_MS) / _DAY_MS - character.uniform(0, 2 * np.pi)
    values = middle + swing * np.sin(day) + np.clip(rng.normal(0, noise, len(ts_ms)), -4 * noise, 4 * noise)
    values = np.clip(values, *_limits(field))
    if field.type == "int64":
        return _whole(field, values, rng)
    return np.round(values, _decimals(high - low)).tolist()


def usual_range(contract: Contract, field: Field) -> tuple[float, float]:
    lowest, highest = _limits(field)
    known = _USUAL_OF.get((contract.name, field.name)) or _USUAL.get(field.name)
    if known and lowest <= known[0] and known[1] <= highest:
        return known
    return lowest + 0.3 * (highest - lowest), lowest + 0.6 * (highest - lowest)


def _limits(field: Field) -> tuple[float, float]:
    """The contract's range; 100 wide where one end is open, 0 to 100 where both are."""
    if field.min is None and field.max is None:
        return 0.0, 100.0
    if field.min is None:
        return float(field.max or 0) - 100, float(field.max or 0)
    return float(field.min), float(field.max) if field.max is not None else float(field.min) + 100


def _whole(field: Field, values: npt.NDArray[np.float64], rng: np.random.Generator) -> list[int]:
    """Rounded, one up or down at random: a slow whole number would look like a stuck sensor."""
    lowest, highest = _limits(field)
    moved = np.round(values) + rng.integers(-1, 2, len(values))
    return np.clip(moved, np.ceil(lowest), np.floor(highest)).astype(np.int64).tolist()


def _decimals(width: float) -> int:
    """Four significant digits of the width."""
    return int(np.clip(3 - np.floor(np.log10(width)), 0, 9)) if width > 0 else 6
