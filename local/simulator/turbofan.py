"""A turbofan engine that wears until it fails: the readings of contract `turbofan`, and the events of `maintenance`.

After the shape of C-MAPSS FD001 (Saxena et al. 2008: sea level, wear of the high-pressure compressor). An engine lives L flight
cycles, one in each cadence; L is log-normal around 195 cycles and kept within 130 to 300. At cycle c of L its damage is

    d(c) = d0 + (1 - d0) · (exp(k · c/L) - 1) / (exp(k) - 1)      d0 in 0..0.06, k in 2.5..4.5, both drawn for each life

At d = 1 it fails. A sensor shows ``new + its engine's own offset + rise · d + noise``; `_SENSORS` has new, rise and noise as
measured on FD001 (means of the first 20 and last 5 cycles, standard deviation around a running mean). Settings and the
sensors that do not change at sea level are as there.

The events: an `inspection` after every hundred cycles, the `failure` a minute after the last cycle and with its number, and a
`replacement` (cycle 0) one cadence later. The new engine, under the same device id, begins at cycle 1 two cadences after that
last cycle. Everything depends on the seed, the device and the birth of the fleet alone: any slice of time shows the same lives.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from local.simulator.rhythm import Column, generator

NAME = "turbofan"
EVENTS = "maintenance"
_SHORTEST, _LONGEST = 130, 300
_INSPECTED_EVERY = 100
_MINUTE_MS = 60_000
# Slots of the cadence between a life's last reading and the next one's first, both excluded.
_AWAY = 1


@dataclass(frozen=True)
class Sensor:
    new: float
    rise: float
    noise: float
    decimals: int = 2
    own: float = 0.0


# `own`: standard deviation of an engine's offset.
_SENSORS = {
    "t24_lpc_outlet": Sensor(642.35, 1.75, 0.29, 2, 0.10),
    "t30_hpc_outlet": Sensor(1586.0, 21.0, 3.8, 2, 1.2),
    "t50_lpt_outlet": Sensor(1401.5, 35.0, 3.8, 2, 1.5),
    "p30_hpc_outlet": Sensor(554.05, -3.3, 0.38, 2, 0.15),
    "physical_fan_speed": Sensor(2388.05, 0.23, 0.028, 2, 0.01),
    "physical_core_speed": Sensor(9055.0, 45.0, 3.9, 2, 6.0),
    "ps30_hpc_outlet": Sensor(47.33, 1.05, 0.095, 2, 0.04),
    "fuel_flow_ratio": Sensor(522.0, -2.8, 0.28, 2, 0.12),
    "corrected_fan_speed": Sensor(2388.05, 0.23, 0.029, 2, 0.01),
    "corrected_core_speed": Sensor(8136.0, 33.0, 3.0, 2, 5.0),
    "bypass_ratio": Sensor(8.415, 0.135, 0.019, 4, 0.008),
    "bleed_enthalpy": Sensor(392.1, 5.2, 0.95, 0, 0.2),
    "hpt_coolant_bleed": Sensor(38.94, -0.65, 0.095, 2, 0.04),
    "lpt_coolant_bleed": Sensor(23.364, -0.39, 0.057, 4, 0.02),
    "altitude_kft": Sensor(0.0, 0.0, 0.0021, 4),
    "mach": Sensor(0.0, 0.0, 0.0003, 4),
}
_CONSTANT = {
    "throttle_resolver_angle": 100.0,
    "t2_fan_inlet": 518.67,
    "p2_fan_inlet": 14.62,
    "p15_bypass_duct": 21.61,
    "engine_pressure_ratio": 1.3,
    "burner_fuel_air_ratio": 0.03,
    "demanded_fan_speed": 2388.0,
    "demanded_corrected_fan_speed": 100.0,
}


@dataclass(frozen=True)
class Life:
    """An engine from new to failure; `first_slot` is the cadence's slot of its cycle 1."""

    number: int
    first_slot: int
    cycles: int
    damage_when_new: float
    steepness: float

    @property
    def last_slot(self) -> int:
        return self.first_slot + self.cycles - 1

    def damage(self, cycle: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """0..1; 1 at the last cycle."""
        grown = np.expm1(self.steepness * cycle / self.cycles) / np.expm1(self.steepness)
        return self.damage_when_new + (1 - self.damage_when_new) * grown


def lives(seed: int, device_id: str, slots_in_all: int) -> Iterator[Life]:
    """The lives that begin in the first `slots_in_all` slots, one after another."""
    number = first_slot = 0
    while first_slot < slots_in_all:
        rng = generator(seed, device_id, "life", number)
        cycles = int(np.clip(round(rng.lognormal(np.log(195), 0.22)), _SHORTEST, _LONGEST))
        yield Life(number, first_slot, cycles, float(rng.uniform(0, 0.06)), float(rng.uniform(2.5, 4.5)))
        number, first_slot = number + 1, first_slot + cycles + _AWAY


def readings(seed: int, device_id: str, slot: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.bool_], dict[str, Column]]:
    """Which of the slots (rising, from the fleet's birth) have a reading, and the columns of those."""
    flies = np.zeros(len(slot), dtype=np.bool_)
    parts: list[dict[str, Column]] = []
    last = int(slot[-1]) if len(slot) else -1
    for life in lives(seed, device_id, last + 1):
        inside = (slot >= life.first_slot) & (slot <= life.last_slot)
        if inside.any():
            flies |= inside
            parts.append(_columns(life, seed, device_id, slot[inside] - life.first_slot + 1))
    names = parts[0] if parts else {}
    return flies, {name: [value for part in parts for value in part[name]] for name in names}  # type: ignore[misc]


def _columns(life: Life, seed: int, device_id: str, cycle: npt.NDArray[np.int64]) -> dict[str, Column]:
    damage = life.damage(cycle)
    found: dict[str, Column] = {"cycle": cycle.tolist()}
    for name, sensor in _SENSORS.items():
        rng = generator(seed, device_id, life.number, name)
        offset = rng.normal(0, sensor.own)
        # The whole life's noise, though a slice may need a part: a slice shows what the whole would.
        noise = rng.normal(0, sensor.noise, life.cycles)[cycle - 1]
        found[name] = np.round(sensor.new + offset + sensor.rise * damage + noise, sensor.decimals).tolist()
    return found | {name: [value] * len(cycle) for name, value in _CONSTANT.items()}


def events(seed: int, device_id: str, first_ms: int, cadence_ms: int, start_ms: int, end_ms: int) -> list[tuple[int, dict[str, Any]]]:
    """Time (epoch ms) and values of the maintenance events in [start, end)."""
    found = []
    soon = min(_MINUTE_MS, cadence_ms // 4)
    for life in lives(seed, device_id, -(-(end_ms - first_ms) // cadence_ms)):
        for cycle in range(_INSPECTED_EVERY, life.cycles, _INSPECTED_EVERY):
            at = first_ms + (life.first_slot + cycle - 1) * cadence_ms + 2 * soon
            found.append((at, {"event": "inspection", "cycle": cycle, "note": "borescope, no finding"}))
        last = first_ms + life.last_slot * cadence_ms
        found.append((last + soon, {"event": "failure", "cycle": life.cycles, "note": "compressor wear beyond limit"}))
        found.append((last + cadence_ms, {"event": "replacement", "cycle": 0, "note": "new engine"}))
    return [(at, values) for at, values in found if start_ms <= at < end_ms]
