"""What a reading costs from the queue's text to a Parquet object: CPU microseconds on one core, ours beside a bare floor and peers.

``python -m benchmarks.decode [--readings N]``. The same turbofan packs of 25 for all; `dirt` spoils one reading in a hundred.
Ours does more than its peers: it keeps bytes and reason of what it refuses, and gives each reading its identity.
"""

import argparse
import base64
import json
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.decode_peers import floor, with_pandas, with_pydantic
from ingestion.bronze import Row, parquet_of
from ingestion.decode import decode
from ingestion.envelope import read_envelope
from lake.contracts import Contract, Contracts, load_contracts
from runtime.settings import REPOSITORY
from runtime.timeseries import Point
from runtime.timeseries_sqlite import SqliteTimeSeries

PACK = 25
ROUNDS = 3
_ARRIVAL_MS = 1_890_000_000_000
_START_MS = 1_790_000_000_000


@dataclass(frozen=True)
class Work:
    """The queue's messages, and how many readings they hold."""

    bodies: list[str]
    readings: int
    contracts: Contracts

    @property
    def contract(self) -> Contract:
        return self.contracts["turbofan"]


def work(readings: int, dirt: float) -> Work:
    rng = random.Random(7)
    contracts = load_contracts(REPOSITORY / "contracts")
    packs = [
        b'{"boot":"b7","readings":['
        + b",".join(_reading(contracts["turbofan"], rng, number * PACK + place, dirt) for place in range(PACK))
        + b"]}"
        for number in range(readings // PACK)
    ]
    return Work([_body(payload, f"engine-{number % 100}") for number, payload in enumerate(packs)], len(packs) * PACK, contracts)


def _reading(contract: Contract, rng: random.Random, number: int, dirt: float) -> bytes:
    document: dict[str, Any] = {"ts": _START_MS + number * 600_000, "seq": number}
    for field in contract.fields:
        assert field.min is not None
        document[field.name] = 1 + number % 200 if field.type == "int64" else round(rng.uniform(field.min, field.max or 1), 4)
    text = json.dumps(document, separators=(",", ":"))
    return (text.replace('"mach":', '"mach":NaN,"x":') if rng.random() < dirt else text).encode()


def _body(payload: bytes, device_id: str) -> str:
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "device_id": device_id,
        "contract": "turbofan",
        "received_at": _ARRIVAL_MS,
        "principal": "f" * 64,
        "client_id": device_id,
        "trace_id": "00000000-0000-0000-0000-000000000000",
    }
    return json.dumps(envelope)


def decoded(given: Work) -> list[Row]:
    rows: list[Row] = []
    for body in given.bodies:
        rows += decode(read_envelope(body, "dt/fleetlake"), given.contracts, 900).rows
    return rows


def microseconds(given: Work, step: Callable[[], Any]) -> float:
    """CPU of the best round, for each reading. A first round warms up and does not count."""
    step()
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.process_time()
        step()
        best = min(best, time.process_time() - begun)
    return best / given.readings * 1e6


def time_series(rows: list[Row], folder: Path) -> None:
    file = folder / f"{time.monotonic_ns()}.db"
    points = [Point(e.contract, e.device_id, r.event_time, {k: v for k, v in r.values.items() if k != "_extra"}) for r, e in rows]
    SqliteTimeSeries(file).write(points)


def measure(readings: int) -> dict[str, float]:
    clean, dirty = work(readings, 0.0), work(readings, 0.01)
    rows = decoded(clean)
    size = len(parquet_of(clean.contract, rows))
    figures = {
        "decode, clean": microseconds(clean, lambda: decoded(clean)),
        "decode, 1 % dirt": microseconds(dirty, lambda: decoded(dirty)),
        "write Parquet": microseconds(clean, lambda: parquet_of(clean.contract, rows)),
    }
    with tempfile.TemporaryDirectory() as folder:
        figures["write time series"] = microseconds(clean, lambda: time_series(rows, Path(folder)))
    figures |= {
        "floor: json.loads and Parquet, no check, no identity": microseconds(clean, lambda: floor(clean.bodies)),
        "peer: pandas, checks by column": microseconds(clean, lambda: with_pandas(clean.bodies, clean.contract)),
        "peer: pydantic models": microseconds(clean, lambda: with_pydantic(clean.bodies, clean.contract)),
    }
    return figures | {"bytes of Parquet a reading": size / clean.readings}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readings", type=int, default=20_000)
    readings = parser.parse_args().readings
    print(
        f"decode: {readings} turbofan readings (25 fields) in packs of {PACK}, {datetime.now(UTC):%Y-%m-%d}, CPU µs a reading, best of {ROUNDS}"
    )
    for name, value in measure(readings).items():
        print(f"  {name:54}{value:8.1f}")


if __name__ == "__main__":
    main()
