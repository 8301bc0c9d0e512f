"""Each fault fires as often as asked, and does what it says: decode is the judge."""

import hashlib
import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from local.message import Message, SentReading
from local.simulator.fault_kinds import FOR_THE_GATE, KINDS, every_fault
from local.simulator.fleet import stream
from local.simulator.samples import epoch_ms
from tests.local.simulator.fleets import CONTRACTS, MONDAY, OVEN, contracts_with, decoded, plan, wrong_fates

HOUR_MS = 3_600_000
ONE_PUMP: dict[str, Any] = {"devices": {"pump": 1}, "hours": 24}


def sent(kind: str, share: float = 0.05, **changes: object) -> list[Message]:
    return stream(plan(**(ONE_PUMP | {"faults": {kind: share}} | changes)), CONTRACTS)


def readings(messages: list[Message]) -> list[SentReading]:
    return [reading for message in messages for reading in message.readings]


def test_decode_makes_of_every_reading_of_every_fault_what_its_fate_says() -> None:
    messages = stream(plan(hours=96, devices={"turbofan": 4, "pump": 2, "environment": 1}, faults=every_fault(0.1)), CONTRACTS)
    assert wrong_fates(messages) == []
    fired = {reading.fault for reading in readings(messages)}
    assert fired == {None, *KINDS} - {*FOR_THE_GATE, "silence"}


def test_so_it_does_with_a_contract_that_requires_and_bounds_little(tmp_path: Path) -> None:
    bare = (
        "contract: bare\nversion: 1\ndescription: A thing.\ncadence_seconds: 60\nfields:\n  label: {type: string}\n  is_on: {type: bool}\n"
    )
    contracts = contracts_with(tmp_path, bare, OVEN)
    messages = stream(plan(devices={"bare": 2, "oven": 1}, faults=every_fault(0.2)), contracts)
    assert wrong_fates(messages, contracts) == []
    assert {message.contract for message in messages} == {"bare", "oven"}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("silence", "resend", *FOR_THE_GATE)])
def test_a_fault_befalls_the_share_that_was_asked_for(kind: str) -> None:
    found = Counter(reading.fault for reading in readings(sent(kind)))
    copies = 2 if kind in ("repeated", "conflict") else 1
    assert found[kind] == copies * 14  # 5 % of 288


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("silence", *FOR_THE_GATE)])
def test_a_fault_that_is_named_fires_at_least_once(kind: str) -> None:
    assert any(reading.fault == kind for reading in readings(sent(kind, share=0.0001)))


def test_a_late_reading_is_sent_behind_newer_ones() -> None:
    late = [r for m in sent("late", pack=1) for r in m.readings]
    newest = 0
    behind = []
    for reading in late:
        assert reading.ts_ms is not None
        if reading.fault == "late":
            behind.append(newest - reading.ts_ms)
        newest = max(newest, reading.ts_ms)
    assert sum(lag >= 2 * HOUR_MS for lag in behind) >= 12  # the last hours' late ones have nothing newer to come behind


def test_a_reading_out_of_order_overtakes_the_one_measured_before_it() -> None:
    order = [reading.seq for reading in readings(sent("out_of_order", pack=1))]
    assert order != sorted(order, key=lambda seq: seq or 0)
    assert sorted(order, key=lambda seq: seq or 0) == list(range(288))


def test_a_repeated_reading_is_sent_twice_byte_for_byte() -> None:
    twice = [reading for reading in readings(sent("repeated", pack=1)) if reading.fault == "repeated"]
    assert set(Counter((reading.event_id, reading.content) for reading in twice).values()) == {2}


def test_a_conflict_says_another_value_under_the_same_identity_and_comes_second() -> None:
    twice = [reading for reading in readings(sent("conflict", pack=1)) if reading.fault == "conflict"]
    by_id: dict[str | None, list[SentReading]] = {}
    for reading in twice:
        by_id.setdefault(reading.event_id, []).append(reading)
    for first, second in by_id.values():
        assert (first.fate, second.fate) == ("silver", "conflict")
        assert first.values is not None
        assert second.values is not None
        assert sum(first.values[name] != second.values[name] for name in first.values) == 1


def test_a_conflict_leaves_the_lifetime_counter_alone() -> None:
    found = [r for r in readings(sent("conflict", devices={"turbofan": 2})) if r.fault == "conflict"]
    cycles: dict[str | None, set[object]] = {}
    for reading in found:
        cycles.setdefault(reading.event_id, set()).add((reading.values or {})["cycle"])
    assert cycles
    assert all(len(told) == 1 for told in cycles.values())


def test_a_foreign_topic_names_the_device_that_did_not_send_it() -> None:
    foreign = [message for message in sent("foreign_topic", devices={"pump": 2}) if message.readings[0].fault == "foreign_topic"]
    for message in foreign:
        assert message.topic_device != message.device_id
        assert f'"device_id":"{message.topic_device}"'.encode() in message.payload
        (reading,) = message.readings
        assert reading.fate == "refused"
        # Should it get through, it would be a valid reading of the other device: that is how it is recognised.
        told = f"{message.topic_device}\x1fpump\x1f{reading.ts_ms}\x1f{reading.boot}\x1f{reading.seq}"
        assert reading.event_id == hashlib.sha256(told.encode()).hexdigest()[:32]
        assert reading.values is not None
        assert [row.event_id for row, _ in decoded(message).rows] == [reading.event_id]


def test_a_resent_message_follows_itself_over_a_new_connection() -> None:
    messages = sent("resend", share=0.5, pack=50)
    again = [place for place, message in enumerate(messages) if message.reconnect]
    assert len(again) == 3  # half of the five full packs of 50, rounded: 288 readings make them and a rest of 38
    assert all(messages[place].payload == messages[place - 1].payload for place in again)


def test_silence_leaves_gaps_in_time_and_none_in_seq() -> None:
    found = readings(sent("silence", pack=1))
    times = [reading.ts_ms or 0 for reading in found]
    steps = [b - a for a, b in itertools.pairwise(times)]
    assert 288 - 14 - 4 <= len(found) <= 288 - 14
    assert max(steps) >= 3 * 300_000
    assert [reading.seq for reading in found] == list(range(len(found)))


def test_a_fault_does_not_cost_the_news_of_a_failure() -> None:
    def failures(faults: dict[str, float]) -> set[tuple[str, int | None]]:
        messages = stream(plan(hours=24 * 5, devices={"turbofan": 3}, faults=faults), CONTRACTS)
        told = [(m.device_id, r) for m in messages for r in m.readings if r.fate == "silver" and (r.values or {}).get("event") == "failure"]
        return {(device, reading.ts_ms) for device, reading in told}

    assert failures({"broken_json": 0.5, "clock_jump": 0.2, "foreign_topic": 0.2}) == failures({}) != set()


def test_a_stuck_sensor_keeps_one_value_for_half_of_the_time() -> None:
    messages = sent("stuck_sensor", share=0.5, devices={"pump": 2})
    half = epoch_ms(MONDAY) + 12 * HOUR_MS
    values: dict[str, set[float]] = {}
    for message in messages:
        later = [reading.values for reading in message.readings if (reading.ts_ms or 0) >= half]
        values.setdefault(message.device_id, set()).update(told["vibration_mm_s"] for told in later if told)
    assert Counter((m.device_id, r.fault) for m in messages for r in m.readings) == {
        ("pump-001", None): 144, ("pump-001", "stuck_sensor"): 144, ("pump-002", None): 288,
    }  # fmt: skip
    assert len(values["pump-001"]) == 1
    assert len(values["pump-002"]) > 30
    assert {reading.fate for reading in readings(messages)} == {"silver"}


def test_half_of_the_fleet_falls_silent_in_the_second_half() -> None:
    messages = sent("silent_half", share=0.5, devices={"pump": 4})
    last = {message.device_id: max(reading.ts_ms or 0 for reading in message.readings) for message in messages}
    half = epoch_ms(MONDAY) + 12 * HOUR_MS
    assert [device for device in sorted(last) if last[device] < half] == ["pump-001", "pump-002"]


def test_the_gate_s_own_faults_are_not_among_those_that_the_law_must_bear() -> None:
    assert not every_fault(0.05).keys() & {"stuck_sensor", "silent_half"}
    assert sum(every_fault(0.05).values()) == pytest.approx(0.05)
