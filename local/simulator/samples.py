"""What the devices of a plan measure, before any fault: one sample for each reading, pure and repeatable."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lake.contracts import Contract, Contracts
from local.simulator import rhythm, turbofan
from local.simulator.plan import Plan


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading: `values` has the contract's fields in its order; `fault` is one that lies in the values alone."""

    device_id: str
    contract: Contract
    ts_ms: int
    values: dict[str, Any]
    fault: str | None = None


@dataclass(frozen=True)
class _Times:
    """Epoch milliseconds of the plan, and the cadence."""

    first: int
    start: int
    end: int
    cadence: int


def samples(plan: Plan, contracts: Contracts) -> Iterator[Sample]:
    """All samples, device by device, each device's in the order of time; the events of engines follow their readings."""
    for name in plan.devices:
        contract = plan.contract(contracts, name)
        for device_id in plan.device_ids(name):
            times = _times(plan, contract, device_id)
            yield from _measured(plan, contract, device_id, times)
            if name == turbofan.NAME and turbofan.EVENTS in contracts:
                yield from _events(plan, plan.contract(contracts, turbofan.EVENTS), device_id, times)


def _measured(plan: Plan, contract: Contract, device_id: str, times: _Times) -> Iterator[Sample]:
    slot = rhythm.slots(times.start, times.end, times.first, times.cadence)
    own: dict[str, rhythm.Column] = {}
    if contract.name == turbofan.NAME:
        flies, own = turbofan.readings(plan.seed, device_id, slot)
        slot = slot[flies]
    ts_ms = times.first + slot * times.cadence
    # A field that the engine's model does not know (a later version's) follows the day like any other.
    others = [field for field in contract.fields if field.name not in own]
    columns = rhythm.columns(contract, others, device_id, plan.seed, ts_ms, slot) | own
    fields = [field.name for field in contract.fields]
    for moment, row in zip(ts_ms.tolist(), zip(*(columns[name] for name in fields), strict=True), strict=True):
        yield Sample(device_id, contract, moment, dict(zip(fields, row, strict=True)))


def _events(plan: Plan, contract: Contract, device_id: str, times: _Times) -> Iterator[Sample]:
    for moment, values in turbofan.events(plan.seed, device_id, times.first, times.cadence, times.start, times.end):
        yield Sample(device_id, contract, moment, values)


def _times(plan: Plan, contract: Contract, device_id: str) -> _Times:
    cadence = round((contract.cadence_seconds or 1) * 1000)
    first = rhythm.first_reading_ms(plan.seed, device_id, epoch_ms(plan.new_at), cadence)
    return _Times(first, epoch_ms(plan.start), epoch_ms(plan.end), cadence)


def epoch_ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
