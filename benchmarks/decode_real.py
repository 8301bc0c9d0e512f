"""What bronze takes of bytes, of readings as real devices and the simulated fleet send them: a random generator's noise cannot be packed.

``python -m benchmarks.decode_real [--large]``: objects of 50,000 readings or 32 MiB of messages, the most that the worker's own settings put in one; with `large`
also those of 64 MiB of JSON, which is Firehose's smallest buffer where it writes Parquet. No reading is there twice: of real ones there are as many as there are.
"""

import argparse
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
AT_MOST, GOAL = 0.37, 0.32
_DATA = REPOSITORY.parent / "shared" / "data" / "cmapss"
CMAPSS = _DATA / "train_FD001.parquet"
# FD001 and FD003 fly in one regime, FD002 and FD004 in six.
_ONE_REGIME = ("FD001", "FD003")
_ALL = ("FD001", "FD002", "FD003", "FD004")


@dataclass(frozen=True)
class Shares:
    """Bytes of bronze as shares of JSON lines with zstd 1, and those of the identities a reading, of which 16 are random.

    `whole` and `without_event_id` are shares of the lines as the devices sent them; `of_same_columns` is without event_id too, of
    lines that have all the other columns of bronze, the envelope's among them.
    """

    data: str
    readings: int
    json_bytes: int
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
    sent = sum(map(len, lines)) + len(lines)
    return Shares(data, len(lines), sent, whole / text, bare / text, bare / same, (whole - bare) / len(lines))


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


def of_cmapss(*files: Path) -> Shares:
    """NASA's engines, a reading a flight cycle, each engine's in packs, the engines in turn."""
    contracts = load_contracts(REPOSITORY / "contracts")
    names = [field.name for field in contracts["turbofan"].fields]
    engines: dict[str, list[dict[str, Any]]] = {}
    for file in files:
        for number, *values in zip(*pq.read_table(file).to_pydict().values(), strict=True):
            sent = engines.setdefault(f"{file.stem}-{number}", [])
            ts_ms = int(_START.timestamp() * 1000) + len(sent) * 600_000
            sent.append({"ts": ts_ms, "seq": len(sent)} | dict(zip(names, values, strict=True)))
    packs = sorted((begin, device) for device, sent in engines.items() for begin in range(0, len(sent), _PACK))
    bodies, lines = [], []
    for begin, device in packs:
        texts = [json.dumps(reading, separators=(",", ":")) for reading in engines[device][begin : begin + _PACK]]
        lines += [text.encode() for text in texts]
        bodies.append(_body(('{"boot":"b7","readings":[' + ",".join(texts) + "]}").encode(), device, "turbofan"))
    return shares(contracts, bodies, lines, "C-MAPSS " + " ".join(file.stem.removeprefix("train_") for file in files))


def every(large: bool = False) -> Iterator[Shares]:
    """C-MAPSS only where its files are."""
    yield of_simulator("pump", devices=100, days=10) if large else of_simulator("pump", devices=87, days=2)
    yield of_simulator("turbofan", devices=100, days=8) if large else of_simulator("turbofan", devices=86, days=3)
    if _DATA.exists():
        for sets in (_ONE_REGIME, _ALL) if large else (("FD001",),):
            yield of_cmapss(*(_DATA / f"train_{name}.parquet" for name in sets))


def _body(payload: bytes, device_id: str, contract: str) -> str:
    """The rule's message: each has a trace id of its own, which is random, and each device a certificate's id."""
    received_ms = int(_START.timestamp() * 1000) + 30 * 86_400_000
    envelope = {"payload": base64.b64encode(payload).decode(), "device_id": device_id, "contract": contract, "received_at": received_ms}
    principal, trace_id = (hashlib.sha256(content).hexdigest() for content in (device_id.encode(), payload))
    return json.dumps(envelope | {"principal": principal, "client_id": device_id, "trace_id": trace_id[:32]})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="objects of 64 MiB of JSON beside the usual ones")
    print(
        "| readings | MiB of JSON | whole | without event_id, of the lines as sent | without event_id, of lines with the same columns | event_id |"
    )
    print("|---|---|---|---|---|---|")
    for large in (False, True) if parser.parse_args().large else (False,):
        for s in every(large):
            shown = f"{s.whole:.3f} | {s.without_event_id:.3f} | {s.of_same_columns:.3f} | {s.event_id_bytes:.1f}"
            print(f"| {s.data}, {s.readings} | {s.json_bytes / 2**20:.0f} | {shown} |")
    print(f"without event_id a reading is to take at most {AT_MOST} of the lines, and {GOAL} is the goal")


if __name__ == "__main__":
    main()
