"""What a reading costs from the queue's text to a Parquet object: CPU microseconds on one core, ours beside its peers.

``python -m benchmarks.decode [--readings N]``. The same pump readings for all, in packs of 1, 25 and 250, clean and with one in a
hundred spoilt. First each path's rows are held against the truth, and what it refuses, with the reason; one that differs is marked "not
exact". Ours, the reference and the two loops of decode_loops.py keep bytes and reason of what they refuse and name each reading; the first
two also name the object. The other peers name each reading, and keep nothing of what they refuse.
"""

import argparse
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from benchmarks.decode_loops import Loop, Refusals
from benchmarks.decode_peers import size_of, with_duckdb, with_orjson, with_pandas, with_pydantic
from benchmarks.decode_work import Work, rows_of, work
from benchmarks.further_peers import FURTHER
from ingestion.bronze import parquet_of
from ingestion.decode import decode
from ingestion.decode_fast import decode_into
from ingestion.envelope import read_envelope
from ingestion.rows import Rows
from lake.quarantine import Quarantined

PACKS = (1, 25, 250)
DIRT = (0.0, 0.01)
ROUNDS = 5
_FUTURE_SECONDS = 900
Path = Callable[[Work], tuple[pa.Table, int, Refusals]]


@dataclass(frozen=True)
class Figure:
    """`microseconds` of CPU a reading; `is_exact`: its rows are the truth's, and so are its refusals."""

    path: str
    pack: int
    dirt: float
    microseconds: float
    is_exact: bool


def ours(given: Work) -> tuple[pa.Table, int, Refusals]:
    rows = Rows(given.contracts)
    refused: list[Quarantined] = []
    for body in given.bodies:
        refused += decode_into(rows, read_envelope(body, "dt/fleetlake"), _FUTURE_SECONDS)
    return _written(rows, refused)


def reference(given: Work) -> tuple[pa.Table, int, Refusals]:
    """Ours without its quick way."""
    rows = Rows(given.contracts)
    refused: list[Quarantined] = []
    for body in given.bodies:
        envelope = read_envelope(body, "dt/fleetlake")
        found = decode(envelope, given.contracts, _FUTURE_SECONDS)
        rows.begin_message(envelope.contract)
        rows.add_readings(envelope, [reading for reading, _ in found.rows], range(len(found.rows)))
        refused += found.quarantined
    return _written(rows, refused)


def _written(rows: Rows, refused: list[Quarantined]) -> tuple[pa.Table, int, Refusals]:
    (found,) = rows.bronze()
    return found.table, len(parquet_of(found.table)), [(row.device_id, row.content, row.reason.value) for row in refused]


def _loop(is_exact: bool) -> Path:
    def path(given: Work) -> tuple[pa.Table, int, Refusals]:
        loop = Loop(given.contract, is_exact)
        for body in given.bodies:
            loop.take(body)
        table = loop.table()
        return table, len(parquet_of(table)), loop.refused

    return path


def _peer(way: Callable[..., pa.Table]) -> Path:
    def path(given: Work) -> tuple[pa.Table, int, Refusals]:
        table = way(given.bodies, given.contract)
        return table, size_of(table), []

    return path


PATHS: dict[str, Path] = {
    "fleetlake": ours,
    "reference": reference,
    "orjson loop, each reading checked and kept": _loop(is_exact=False),
    "the same, exact by the strict parser where orjson is not": _loop(is_exact=True),
    "orjson loop that drops what does not parse": _peer(with_orjson),
    "pandas, checks by column": _peer(with_pandas),
    "pydantic models": _peer(with_pydantic),
    "DuckDB": _peer(with_duckdb),
}
PATHS |= {name: _peer(way) for name, way in FURTHER.items()}


def is_exact(table: pa.Table, refused: Refusals, given: Work) -> bool:
    """The truth's rows, and the truth's refusals with their reasons."""
    if sorted(refused) != sorted(given.refused):
        return False
    found: list[tuple[Any, ...]] = list(rows_of(table.to_pydict(), given.contract))
    return sorted(found, key=_key) == sorted(given.truth, key=_key)


def _key(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return row[:2]


def measure(readings: int, packs: tuple[int, ...] = PACKS) -> list[Figure]:
    """CPU of the best round of each path; the paths take turns, so that a busy machine is busy for all."""
    figures = []
    for pack in packs:
        for dirt in DIRT:
            given = work(readings, pack, dirt)
            exact = {}
            for name, path in PATHS.items():
                table, _, refused = path(given)
                exact[name] = is_exact(table, refused, given)
            best = dict.fromkeys(PATHS, float("inf"))
            for _ in range(ROUNDS):
                for name, path in PATHS.items():
                    begun = time.process_time()
                    path(given)
                    best[name] = min(best[name], time.process_time() - begun)
            figures += [Figure(name, pack, dirt, seconds / given.readings * 1e6, exact[name]) for name, seconds in best.items()]
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readings", type=int, default=50_000)
    readings = parser.parse_args().readings
    print(
        f"{readings} pump readings, CPU µs a reading, best of {ROUNDS}, {platform.machine()}, Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}"
    )
    print("| path | " + " | ".join(f"{pack} a pack, {dirt:.0%} dirt" for pack in PACKS for dirt in DIRT) + " |")
    print("|---" * (1 + len(PACKS) * len(DIRT)) + "|")
    figures = measure(readings)
    for name in PATHS:
        cells = [f"{f.microseconds:.1f}{'' if f.is_exact else ' (not exact)'}" for f in figures if f.path == name]
        print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
