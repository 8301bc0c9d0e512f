"""Messages of the queue that no rule wrote: they have no payload to decode, and are kept as they are."""

import json
from typing import Any

_SOUND: dict[str, Any] = {
    "payload": "e30=",
    "device_id": "b-1",
    "contract": "kiln",
    "received_at": 1_790_010_060_000,
    "topic": "dt/fleetlake/b-1/kiln",
}


def _but(**members: Any) -> str:
    """What a rule writes, but for these; one given as ``...`` is left out."""
    return json.dumps({name: value for name, value in (_SOUND | members).items() if value is not ...})


BAD_ENVELOPE = [
    # Not an object.
    "", " ", "hello", "null", "true", "17", "[]", '"text"', "{", "}", "[" * 100_000, '{"a":' * 50_000, "\x00", "\ufeff{}", "{'device_id': 'b-1'}", _but()[:-1], _but() + "x", _but() + _but(), "NaN",
    json.dumps([_SOUND]), json.dumps(_but()),
    # Without who sent it.
    "{}", _but(device_id=...), _but(device_id=None), _but(device_id=""), _but(device_id=1), _but(device_id=True), _but(device_id=["b-1"]), _but(device_id={}), _but(device_id="\ud800"),
    _but(device_id="b-1\udfff"), _but(contract=...), _but(contract=None), _but(contract=""), _but(contract=1), _but(contract=["kiln"]), _but(contract="\udc00"), _but(topic="\ud800"),
    _but(principal="\ud800"), _but(client_id="a\udfff"), _but(trace_id="\ud83d"), _but(Device_id="b-1", device_id=...),
    # Without bytes.
    _but(payload=...), _but(payload=None), _but(payload="e30"), _but(payload="e3"), _but(payload="e"), _but(payload="===="), _but(payload="e30!"), _but(payload=True), _but(payload=1234), _but(payload="e3 0="), _but(payload="e30=\n"),
    _but(payload="{}"), _but(payload="é"), _but(payload="e30_"), _but(payload="-30="), _but(payload="=e30"), _but(payload="e=30"), _but(payload=1.5), _but(payload=["e30="]), _but(payload={"ts": 1}),
    # Without when it came.
    _but(received_at=...), _but(received_at=None), _but(received_at="1790010060000"), _but(received_at="2026-09-21T17:01:00Z"), _but(received_at=True), _but(received_at=[]), _but(received_at=-1),
    _but(received_at=0), _but(received_at=1_790_010_060), _but(received_at=1_790_010_060_000_000), _but(received_at=10**30), _but(received_at=-(10**300)), _but(received_at=float("nan")),
    _but(received_at=float("inf")), _but(received_at=946_684_799_999 - 86_400_000), _but(received_at=253_402_300_799_999),
    # What a rule's error action writes, but for its topic, its bytes or its time.
    json.dumps({"base64OriginalPayload": "e30=", "topic": "other/b-1/kiln"}), json.dumps({"base64OriginalPayload": "!", "topic": "dt/fleetlake/b-1/kiln"}),
    json.dumps({"base64OriginalPayload": "e30=", "topic": "dt/fleetlake/b-1"}), json.dumps({"base64OriginalPayload": "e30=", "topic": None}), json.dumps({"base64OriginalPayload": "e30="}),
]  # fmt: skip
