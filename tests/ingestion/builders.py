"""Messages as a device sends them and as the queue has them, for tests of ingestion."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingestion.decode import Decoded, decode
from ingestion.envelope import Envelope
from lake.contracts import Contracts, load_contracts

# 2026-09-21T16:01:00Z
NOON_MS = 1_790_006_460_000
FUTURE_SECONDS = 900.0
BOILER = """
contract: boiler
version: 1
kind: measurement
description: Boilers.
cadence_seconds: 60
fields:
  water: {type: float64, unit: degC, min: 0, max: 120, required: true}
  starts: {type: int64, unit: "1", min: 0}
  burning: {type: bool}
  mode: {type: string, enum: [eco, full]}
  note: {type: string, max_length: 5}
"""


def contracts_in(folder: Path, text: str = BOILER) -> Contracts:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "boiler.yaml").write_text(text)
    return load_contracts(folder)


def reading(count: int = 0, /, **members: Any) -> dict[str, Any]:
    """A valid reading, a minute after the one before; a member given as ``...`` is left out."""
    made = {"ts": NOON_MS + count * 60_000, "seq": count, "water": 61.5} | members
    return {name: value for name, value in made.items() if value is not ...}


def pack(*readings: Any, boot: str | None = "b7") -> bytes:
    head = {} if boot is None else {"boot": boot}
    return json.dumps(head | {"readings": list(readings)}, ensure_ascii=False).encode()


def spliced(*readings: bytes, boot: str = "b7") -> bytes:
    """A pack of readings given as the bytes that a broken device would send."""
    return b'{"boot": "' + boot.encode() + b'", "readings": [' + b", ".join(readings) + b"]}"


def envelope(payload: bytes, device_id: str = "b-1", contract: str = "boiler", received_ms: int = NOON_MS + 3_600_000) -> Envelope:
    return Envelope(
        payload=payload,
        device_id=device_id,
        contract=contract,
        topic=f"dt/fleetlake/{device_id}/{contract}",
        received_at=datetime.fromtimestamp(received_ms / 1000, UTC),
        principal="cert-1",
        client_id=device_id,
        trace_id="trace-1",
    )


def body(payload: bytes, device_id: str = "b-1", contract: str = "boiler", received_ms: int = NOON_MS + 3_600_000) -> str:
    """What the rule writes to the queue for a message of the device."""
    return json.dumps(
        {
            "payload": base64.b64encode(payload).decode(),
            "device_id": device_id,
            "contract": contract,
            "received_at": received_ms,
            "principal": "cert-1",
            "client_id": device_id,
            "trace_id": "trace-1",
        }
    )


def decoded(payload: bytes, contracts: Contracts, **of_envelope: Any) -> Decoded:
    return decode(envelope(payload, **of_envelope), contracts, FUTURE_SECONDS)


def fates(result: Decoded) -> list[str]:
    """``row`` or the reason, for each reading in its place in the pack; a whole message has the first place."""
    places = {row.index or 0: row.reason.value for row in result.quarantined}
    size = len(result.rows) + len(result.quarantined)
    return [places.get(i, "row") for i in range(size)]
