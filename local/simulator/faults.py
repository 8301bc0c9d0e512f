"""Puts faults into what a fleet sends: pure, by the seed alone, and exactly as many as their share says (one at least).

To add a fault: a line in `fault_kinds.KINDS`, and in `_BEFALL` a function that makes of one planned reading those that are sent
in its place, or None where it cannot befall that reading (another is taken then).

A fault that would lose the news of an *event* (broken, out of range …) befalls a copy of it, as if a technician had pressed the
button twice: labels rest on events, and a fleet without its failures could teach nothing.
"""

import dataclasses
import random
from collections.abc import Callable

from local.message import CONFLICT, REFUSED, SILVER
from local.simulator import spoiling
from local.simulator.fault_kinds import KINDS
from local.simulator.plan import Plan
from local.simulator.planned import Form, Planned
from local.simulator.samples import Sample, epoch_ms

_HOUR_MS = 3_600_000
Befall = Callable[[Planned, random.Random], list[Planned] | None]


def silence(samples: list[Sample], plan: Plan) -> list[Sample]:
    """Without the readings of the fault `silence`: a device that says nothing counts no seq either."""
    if "silence" not in plan.faults:
        return samples
    gone = _silences(samples, plan.faults["silence"], random.Random(f"{plan.seed}:silence"))
    return [sample for place, sample in enumerate(samples) if place not in gone]


def silent_half(samples: list[Sample], plan: Plan) -> list[Sample]:
    """Without the readings of the fault `silent_half`."""
    if "silent_half" not in plan.faults:
        return samples
    mute, half = _some_devices(plan, "silent_half"), _half(plan)
    return [sample for sample in samples if not _is_in_half(sample, mute, half)]


def stuck(samples: list[Sample], plan: Plan) -> list[Sample]:
    """With the fault `stuck_sensor`: the first number that may not be constant keeps its value from the middle of the time on."""
    if "stuck_sensor" not in plan.faults:
        return samples
    devices, half = _some_devices(plan, "stuck_sensor"), _half(plan)
    held: dict[tuple[str, str], object] = {}
    changed = []
    for sample in samples:
        sensor = next((f.name for f in sample.contract.numbers if not f.may_be_constant and not f.lifetime_counter), None)
        if sensor and _is_in_half(sample, devices, half):
            value = held.setdefault((sample.device_id, sample.contract.name), sample.values[sensor])
            sample = dataclasses.replace(sample, values={**sample.values, sensor: value}, fault="stuck_sensor")
        changed.append(sample)
    return changed


def befall(planned: list[Planned], plan: Plan) -> list[Planned]:
    """With the faults that befall single readings. The order is that of sending, device by device."""
    rng = random.Random(f"{plan.seed}:faults")
    result: list[list[Planned]] = [[reading] for reading in planned]
    left = list(range(len(planned)))
    rng.shuffle(left)
    devices = sorted({reading.device_id for reading in planned})
    for kind, share in plan.faults.items():
        if kind in _BEFALL:
            left = _befall_some(kind, how_many(share, len(planned)), left, result, rng, devices)
    return sorted((reading for readings in result for reading in readings), key=lambda reading: reading.send_at)


def how_many(share: float, total: int) -> int:
    return min(total, max(1, round(share * total)))


def _befall_some(kind: str, wanted: int, left: list[int], result: list[list[Planned]], rng: random.Random, devices: list[str]) -> list[int]:
    """Let `kind` befall `wanted` of the readings at `left`; those that remain."""
    unfit = []
    while wanted and left:
        place = left.pop()
        healthy = result[place][0]
        healthy = dataclasses.replace(healthy, other=_another(healthy.device_id, devices, rng))
        befallen = _BEFALL[kind](healthy, rng)
        if befallen is None:
            unfit.append(place)
            continue
        spares = not healthy.contract.is_measurement and all(reading.fate != SILVER for reading in befallen)
        result[place] = [*(result[place] if spares else []), *(dataclasses.replace(reading, fault=kind) for reading in befallen)]
        wanted -= 1
    return unfit + left


def _another(device_id: str, devices: list[str], rng: random.Random) -> str:
    others = [other for other in devices if other != device_id]
    return rng.choice(others) if others else f"{device_id}-other"


def _late(reading: Planned, rng: random.Random) -> list[Planned]:
    return [dataclasses.replace(reading, send_at=reading.send_at + rng.randint(2 * _HOUR_MS, 36 * _HOUR_MS))]


def _repeated(reading: Planned, rng: random.Random) -> list[Planned]:
    return [reading, dataclasses.replace(reading, send_at=reading.send_at + rng.randint(0, 12 * _HOUR_MS))]


def _out_of_order(reading: Planned, rng: random.Random) -> list[Planned]:
    cadence = round((reading.contract.cadence_seconds or 60) * 1000)
    return [dataclasses.replace(reading, send_at=reading.send_at - rng.randint(1, 5) * cadence - 1)]


def _wrong_device(reading: Planned, rng: random.Random) -> list[Planned]:
    return [spoiling.names_another(reading)]


def _foreign_topic(reading: Planned, rng: random.Random) -> list[Planned]:
    return [dataclasses.replace(spoiling.names_another(reading), form=Form.FOREIGN, fate=REFUSED)]


def _conflict(reading: Planned, rng: random.Random) -> list[Planned] | None:
    other = spoiling.with_another_value(reading)
    if other is None or not reading.contract.is_measurement:
        return None
    later = reading.send_at + rng.randint(1, 6 * _HOUR_MS)
    return [reading, dataclasses.replace(other, send_at=later, fate=CONFLICT)]


def _spoiled(spoil: Callable[[Planned, random.Random], Planned | None]) -> Befall:
    def befall_one(reading: Planned, rng: random.Random) -> list[Planned] | None:
        bad = spoil(reading, rng)
        return None if bad is None else [bad]

    return befall_one


_BEFALL: dict[str, Befall] = {
    "late": _late,
    "repeated": _repeated,
    "out_of_order": _out_of_order,
    "broken_json": _spoiled(spoiling.broken),
    "not_finite": _spoiled(spoiling.not_finite),
    "wrong_type": _spoiled(spoiling.wrong_type),
    "out_of_range": _spoiled(spoiling.out_of_range),
    "missing": _spoiled(spoiling.missing),
    "clock_jump": _spoiled(spoiling.clock_jump),
    "wrong_device": _wrong_device,
    "foreign_topic": _foreign_topic,
    "conflict": _conflict,
}
assert _BEFALL.keys() == {name for name, kind in KINDS.items() if kind.befalls == "reading"} - {"silence"}


def _silences(samples: list[Sample], share: float, rng: random.Random) -> set[int]:
    """Places of whole silences of 2 to 4 readings of one device, about `share` of all."""
    wanted, gone = how_many(share, len(samples)), set[int]()
    starts = [i for i, sample in enumerate(samples) if sample.contract.is_measurement]
    rng.shuffle(starts)
    for start in starts:
        if len(gone) >= wanted:
            break
        device = samples[start].device_id, samples[start].contract.name
        span = range(start, min(start + rng.randint(2, 4), len(samples)))
        gone |= {i for i in span if (samples[i].device_id, samples[i].contract.name) == device}
    return gone


def _some_devices(plan: Plan, kind: str) -> set[str]:
    """The first devices of each contract, as many as the share of `kind` says."""
    if kind not in plan.faults:
        return set()
    found = set[str]()
    for contract in plan.devices:
        devices = plan.device_ids(contract)
        found |= set(devices[: how_many(plan.faults[kind], len(devices))])
    return found


def _is_in_half(sample: Sample, devices: set[str], half: int) -> bool:
    return sample.device_id in devices and sample.contract.is_measurement and sample.ts_ms >= half


def _half(plan: Plan) -> int:
    return (epoch_ms(plan.start) + epoch_ms(plan.end)) // 2
