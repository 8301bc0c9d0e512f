"""What fleets measure: any contract's, in any slice of time."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from local.simulator.fleet import stream
from local.simulator.samples import Sample, samples
from runtime.settings import REPOSITORY
from tests.local.simulator.fleets import CONTRACTS, MONDAY, OVEN, contracts_with, plan, wrong_fates


def by_device(found: list[Sample]) -> dict[str, list[Sample]]:
    devices: dict[str, list[Sample]] = {}
    for sample in found:
        devices.setdefault(f"{sample.device_id}/{sample.contract.name}", []).append(sample)
    return devices


def test_a_day_has_a_reading_in_every_cadence_and_none_outside_the_day() -> None:
    found = list(samples(plan(devices={"pump": 2}), CONTRACTS))
    assert Counter(sample.device_id for sample in found) == {"pump-001": 288, "pump-002": 288}  # one each five minutes
    start = MONDAY.timestamp() * 1000
    assert all(start <= sample.ts_ms < start + 86_400_000 for sample in found)


def test_devices_do_not_report_in_step() -> None:
    first = {sample.device_id: sample.ts_ms for sample in reversed(list(samples(plan(devices={"pump": 5}), CONTRACTS)))}
    assert len(set(first.values())) == 5


def test_the_same_plan_gives_the_same_messages() -> None:
    assert stream(plan(), CONTRACTS) == stream(plan(), CONTRACTS)


def test_another_seed_gives_other_readings_under_other_identities() -> None:
    one, other = stream(plan(), CONTRACTS), stream(plan(seed=2), CONTRACTS)
    ids = [{reading.event_id for message in messages for reading in message.readings} for messages in (one, other)]
    assert not ids[0] & ids[1]


def test_two_slices_of_one_fleet_are_its_whole_time() -> None:
    noon = MONDAY + timedelta(hours=12)

    def told(**changes: object) -> set[tuple[str, int, object]]:
        asked = plan(devices={"turbofan": 3}, hours=72, **changes)
        return {(s.device_id, s.ts_ms, s.values.get("cycle")) for s in samples(asked, CONTRACTS)}

    assert told(end=noon) | told(start=noon, born=MONDAY) == told()


def test_two_slices_share_no_identity() -> None:
    noon = MONDAY + timedelta(hours=12)
    slices = (plan(end=noon), plan(start=noon, born=MONDAY))
    first, second = ({r.event_id for m in stream(asked, CONTRACTS) for r in m.readings} for asked in slices)
    assert first
    assert not first & second


def test_engines_send_their_failures_where_the_contract_of_events_exists() -> None:
    found = [sample for sample in samples(plan(hours=24 * 4), CONTRACTS) if sample.contract.name == "maintenance"]
    assert Counter(sample.values["event"] for sample in found)["failure"] >= 3  # three engines, lives of at most 50 hours
    assert {sample.device_id for sample in found} == {"turbofan-001", "turbofan-002", "turbofan-003"}


def test_a_contract_that_nobody_wrote_code_for_makes_a_fleet(tmp_path: Path) -> None:
    contracts = contracts_with(tmp_path, OVEN)
    messages = stream(plan(devices={"oven": 2}), contracts)
    assert sum(len(message.readings) for message in messages) == 2 * 1440
    assert wrong_fates(messages, contracts) == []


def test_its_values_move_with_the_day_and_keep_the_largest_step(tmp_path: Path) -> None:
    found = by_device(list(samples(plan(devices={"oven": 1}), contracts_with(tmp_path, OVEN))))["oven-001/oven"]
    heat = np.array([sample.values["heat"] for sample in found])
    hourly = heat.reshape(24, 60).mean(axis=1)
    assert hourly.max() - hourly.min() > 20  # of a range of 280
    assert np.abs(np.diff([sample.values["drift"] for sample in found])).max() <= 0.5
    assert {sample.values["is_open"] for sample in found} == {True, False}
    assert {sample.values["program"] for sample in found} == {"bread", "cake"}


@pytest.mark.parametrize("name", ["pump", "environment"])
def test_no_sensor_of_a_fleet_looks_stuck(name: str) -> None:
    for found in by_device(list(samples(plan(devices={name: 2}, hours=72), CONTRACTS))).values():
        for field in CONTRACTS[name].numbers:
            values = np.array([sample.values[field.name] for sample in found])
            changes = np.flatnonzero(np.diff(values)) + 1
            assert np.diff(changes).max() < 10, field.name


def test_devices_of_two_versions_of_a_contract_speak_each_their_own(tmp_path: Path) -> None:
    second = OVEN.replace("version: 1", "version: 2") + "  smoke: {type: float64, min: 0, max: 1}\n"
    contracts = contracts_with(tmp_path, OVEN, second)
    old = list(samples(plan(devices={"oven": 1}, versions={"oven": 1}, prefix="old-"), contracts))
    new = list(samples(plan(devices={"oven": 1}), contracts))
    assert not any("smoke" in sample.values for sample in old)
    assert all("smoke" in sample.values for sample in new)


def test_a_later_version_of_the_engine_contract_needs_no_code(tmp_path: Path) -> None:
    text = (REPOSITORY / "contracts" / "turbofan.yaml").read_text()
    second = text.replace("version: 1", "version: 2", 1) + "  oil_pressure_bar: {type: float64, min: 0, max: 10}\n"
    contracts = contracts_with(tmp_path, text, second)
    found = list(samples(plan(devices={"turbofan": 1}, hours=2), contracts))
    assert all(0 <= sample.values["oil_pressure_bar"] <= 10 for sample in found)
