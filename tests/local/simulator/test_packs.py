"""Packs keep to the platform's limits, and hold the bytes they promise."""

from collections import Counter
from pathlib import Path

from local.simulator.fleet import stream
from tests.local.simulator.fleets import CONTRACTS, contracts_with, decoded, plan, wrong_fates


def test_packs_hold_the_number_that_was_asked_for_and_the_rest() -> None:
    messages = stream(plan(devices={"pump": 1}, pack=100), CONTRACTS)
    assert [len(message.readings) for message in messages] == [100, 100, 88]


def test_a_pack_that_would_be_too_large_for_the_platform_is_cut() -> None:
    messages = stream(plan(devices={"turbofan": 1}, hours=60, pack=250), CONTRACTS)
    full = [message for message in messages if message.contract == "turbofan"]
    assert all(len(message.payload) <= 100 * 1024 for message in messages)
    assert max(len(message.payload) for message in full) > 90 * 1024
    assert wrong_fates(messages) == []


def test_events_go_out_one_by_one_at_their_time() -> None:
    messages = stream(plan(devices={"turbofan": 2}, hours=120, pack=50), CONTRACTS)
    sizes = Counter(len(message.readings) for message in messages if message.contract == "maintenance")
    assert set(sizes) == {1}
    place = next(i for i, message in enumerate(messages) if message.contract == "maintenance")
    assert place < len(messages) / 2


def test_the_bytes_of_each_reading_stand_in_the_message_in_their_order() -> None:
    for message in stream(plan(devices={"pump": 2}), CONTRACTS):
        assert message.payload.endswith(b",".join(reading.content for reading in message.readings) + b"]}")
        assert [reading.index for reading in message.readings] == list(range(len(message.readings)))


def test_a_message_that_is_cut_off_is_one_unsplittable_whole(tmp_path: Path) -> None:
    text = "contract: signs\nversion: 1\ndescription: A thing.\ncadence_seconds: 60\nfields:\n  word: {type: string, enum: [grün, 緑緑緑緑緑緑緑緑緑緑緑緑緑緑緑緑]}\n"
    contracts = contracts_with(tmp_path, text)
    messages = stream(plan(devices={"signs": 3}, faults={"broken_json": 0.5}), contracts)
    cut = [message for message in messages if message.readings[0].index is None]
    assert len(cut) > 100
    assert all(message.readings[0].content == message.payload for message in cut)
    assert {str(decoded(message, contracts).quarantined[0].reason) for message in cut} == {"not_json"}
