"""Whose a message is, and what names a device."""

import pytest

from lake.erased_device import Device, claimed_device


@pytest.mark.parametrize(
    ("text", "is_named"),
    [
        ("engine-1", True),
        ("engine-1 is stuck", True),
        ('{"device_id": "engine-1"}', True),
        ("dt/fleetlake/engine-1/turbofan", True),
        ("engine-10", False),
        ("my-engine-1", False),
        ("engine-1-b", False),
        ("engine_1", False),
    ],
)
def test_a_device_is_named_by_a_whole_word(text: str, is_named: bool) -> None:
    assert Device("engine-1").is_named_in(text) is is_named


@pytest.mark.parametrize(
    ("device", "sender", "payload", "is_its"),
    [
        ("pump-1", "pump-1", b"no JSON", True),
        ("pump-1", "pump-2", b'{"device_id": "pump-1"}', True),
        ("pump-1", "pump-2", b'{"neighbour": "pump-1"}', False),
        ("pump-1", "pump-2", b"pump-1", False),
        # Ids that are words of other devices' messages.
        ("12", "pump-2", b'{"cycle": 12}', False),
        ("12", "pump-2", b'{"device_id": 12}', True),
        ("auto", "pump-2", b'{"mode": "auto"}', False),
        # Where nobody knows who sent it.
        ("pump-1", "", b'{"topic": "dt/fleetlake/pump-1/pump"}', True),
        ("pump-1", None, b'{"name": "pump-1"}', True),
        ("pump-1", "", b"pump-1 is hot", False),
        ("12", "", b'{"cycle": 12}', False),
    ],
)
def test_a_message_is_a_devices_by_its_topic_or_where_it_says_so(device: str, sender: str | None, payload: bytes, is_its: bool) -> None:
    assert Device(device).sent(sender, payload) is is_its


def test_what_is_no_json_object_claims_nothing() -> None:
    assert [claimed_device(content) for content in (b"", b"[1]", b'{"a": 1}', b"\xff", b"[" * 100_000)] == [""] * 5
