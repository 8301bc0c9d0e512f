"""Readings as real devices and the simulated fleet send them, for what bronze takes of bytes: a random generator's noise cannot be packed."""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.bronze import parquet_of
from ingestion.decode_fast import decode_into
from ingestion.envelope import read_envelope
from ingestion.rows import Rows
from lake.contracts import Contracts, load_contracts
from local.simulator.fleet import stream
from local.simulator.plan import Plan
from runtime.settings import REPOSITORY

_START = datetime(2026, 9, 21, tzinfo=UTC)
_PACK = 25
CMAPSS = REPOSITORY.parent / "shared" / "data" / "cmapss" / "train_FD001.parquet"


@dataclass(frozen=True)
class Shares:
    """Bytes of bronze as shares of JSON lines with zstd 1, and those of the identities a reading, of which 16 are random.

    `whole` and `without_event_id` are shares of the lines as the devices sent them; `of_same_columns` is without event_id too, of
    lines that have all the other columns of bronze, the envelope's among them.
    """

    data: str
    readings: int
    whole: float
    without_event_id: float
    of_same_columns: float
    event_id_bytes: float


def shares(contracts: Contracts, bodies: Iterable[str], lines: list[bytes], data: str) -> Shares:
    rows = Rows(contracts)
    for body in bodies:
        decode_into(rows, read_envelope(body, "dt/fleetlake"), 900)
    (found,) = rows.bronze()
    without = found.table.drop_columns(["event_id"])
    whole, bare = len(parquet_of(found.table)), len(parquet_of(without))
    text = _packed(lines)
    same = _packed(orjson.dumps({k: v for k, v in row.items() if v is not None}) for row in without.to_pylist())
    return Shares(data, len(lines), whole / text, bare / text, bare / same, (whole - bare) / len(lines))


def _packed(lines: Iterable[bytes]) -> int:
    return len(pa.Codec("zstd", 1).compress(b"\n".join(lines), asbytes=True))


def of_simulator(contract: str, devices: int, days: int) -> Shares:
    """Of the fleet that `make demo` simulates, without its faults."""
    contracts = load_contracts(REPOSITORY / "contracts")
    plan = Plan(devices={contract: devices}, start=_START, end=_START + timedelta(days=days), pack=_PACK)
    messages = stream(plan, contracts)
    lines = [reading.content for message in messages for reading in message.readings]
    return shares(
        contracts, (_body(message.payload, message.topic_device, contract) for message in messages), lines, f"simulated {contract}"
    )


def of_cmapss(file: Path) -> Shares:
    """NASA's engines, a reading a flight cycle, each engine's in packs, the engines in turn."""
    contracts = load_contracts(REPOSITORY / "contracts")
    names = [field.name for field in contracts["turbofan"].fields]
    engines: dict[str, list[dict[str, Any]]] = {}
    for number, *values in zip(*pq.read_table(file).columns, strict=True):
        sent = engines.setdefault(f"engine-{number}", [])
        ts_ms = int(_START.timestamp() * 1000) + len(sent) * 600_000
        sent.append({"ts": ts_ms, "seq": len(sent)} | dict(zip(names, (value.as_py() for value in values), strict=True)))
    packs = sorted((begin, device) for device, sent in engines.items() for begin in range(0, len(sent), _PACK))
    bodies, lines = [], []
    for begin, device in packs:
        texts = [json.dumps(reading, separators=(",", ":")) for reading in engines[device][begin : begin + _PACK]]
        lines += [text.encode() for text in texts]
        bodies.append(_body(('{"boot":"b7","readings":[' + ",".join(texts) + "]}").encode(), device, "turbofan"))
    return shares(contracts, bodies, lines, "C-MAPSS FD001")


def every() -> Iterator[Shares]:
    """C-MAPSS only where its file is."""
    yield of_simulator("pump", devices=50, days=2)
    yield of_simulator("turbofan", devices=50, days=3)
    if CMAPSS.exists():
        yield of_cmapss(CMAPSS)


def _body(payload: bytes, device_id: str, contract: str) -> str:
    """The rule's message: each has a trace id of its own, which is random, and each device a certificate's id."""
    received_ms = int(_START.timestamp() * 1000) + 30 * 86_400_000
    envelope = {"payload": base64.b64encode(payload).decode(), "device_id": device_id, "contract": contract, "received_at": received_ms}
    principal, trace_id = (hashlib.sha256(content).hexdigest() for content in (device_id.encode(), payload))
    return json.dumps(envelope | {"principal": principal, "client_id": device_id, "trace_id": trace_id[:32]})
