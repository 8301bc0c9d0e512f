"""Plans and contracts for tests of the simulator."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ingestion.decode import Decoded, decode
from ingestion.envelope import Envelope
from lake.contracts import Contracts, load_contracts
from local.message import Message
from local.simulator.plan import Plan
from runtime.settings import REPOSITORY

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
ARRIVAL = datetime(2026, 11, 20, 10, 8, tzinfo=UTC)
CONTRACTS = load_contracts(REPOSITORY / "contracts")

OVEN = """
contract: oven
version: 1
kind: measurement
description: An oven that nobody wrote code for.
cadence_seconds: 60
fields:
  heat: {type: float64, unit: degC, min: 20, max: 300, required: true}
  loaves: {type: int64, unit: "1", min: 0, max: 40}
  strokes: {type: int64, unit: "1", min: 1, lifetime_counter: true}
  is_open: {type: bool}
  program: {type: string, enum: [bread, cake], required: true}
  build: {type: string, max_length: 12}
  drift: {type: float64, max_step: 0.5}
"""


def plan(hours: float = 24, **changes: Any) -> Plan:
    usual: dict[str, Any] = {"devices": {"turbofan": 3, "pump": 2}, "start": MONDAY, "end": MONDAY + timedelta(hours=hours)}
    return Plan(**(usual | changes))


def contracts_with(folder: Path, *texts: str) -> Contracts:
    """The contracts of these YAML texts; a second version of one comes after the first."""
    for text in texts:
        name, version = text.split("contract: ")[1].split()[0], text.split("version: ")[1].split()[0]
        (folder / (f"{name}.yaml" if version == "1" else f"{name}.v{version}.yaml")).write_text(text)
    return load_contracts(folder)


def decoded(message: Message, contracts: Contracts = CONTRACTS) -> Decoded:
    """What ingestion makes of the message."""
    topic = f"dt/fleetlake/{message.topic_device}/{message.contract}"
    envelope = Envelope(message.payload, message.topic_device, message.contract, topic, ARRIVAL, None, None, None)
    return decode(envelope, contracts, future_seconds=900)


def wrong_fates(messages: list[Message], contracts: Contracts = CONTRACTS) -> list[str]:
    """A line for each reading of which decode makes something else than its fate says."""
    wrong = []
    for message in messages:
        result = decoded(message, contracts)
        valid: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row, _ in result.rows:
            valid[row.event_id].append({name: value for name, value in row.values.items() if value is not None})
        refused = {(row.index, row.content): f"quarantine:{row.reason}" for row in result.quarantined}
        for reading in message.readings:
            if reading.fate in ("silver", "conflict"):
                fits = reading.event_id is not None and reading.values in valid[reading.event_id]
            else:
                fits = reading.fate == "refused" or refused.get((reading.index, reading.content)) == reading.fate
            if not fits:
                wrong.append(f"{message.contract} {reading.fault} {reading.fate}: {reading.content[:200]!r}; {list(refused.values())}")
        if len(result.rows) + len(result.quarantined) != len(message.readings):
            wrong.append(f"{len(message.readings)} readings became {len(result.rows)} rows and {len(result.quarantined)} quarantined")
    return wrong
