"""How long readings took from the rule to each place, lately: of the newest bronze objects, and of each silver table's newest run.

It needs no truth file. What a replay put is left out: that it came late is no lag of a hop. Times of puts are the files' own, so it is the laptop's; on AWS the metric `arrival_seconds` says it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from lake.contracts import Contract, sound_contracts
from lake.history import known_at
from lake.publications import read_ledger
from lake.query_tables import object_files
from lake.replayed_objects import ReplayedObjects
from lake.tables import bronze
from runtime.platforms import Platform

# So many objects are looked at, of each contract; more would only make the status slow.
_OBJECTS = 50
Seconds = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Lag:
    """Of one hop: seconds since the rule saw the readings, at their middle and of the slowest hundredth."""

    readings: int
    p50: float
    p99: float


def lags(platform: Platform, again: ReplayedObjects) -> dict[str, Lag]:
    """By hop, of those that some reading has come to."""
    seconds: dict[str, list[Seconds]] = {"bronze": [], "silver": []}
    for contract in sound_contracts(platform.settings.contracts_folder).values():
        files = object_files(platform, bronze(contract))
        seconds["bronze"] += _to_bronze(files, again)
        seconds["silver"] += _to_silver(platform, contract, files, again)
    return {hop: _lag(values) for hop, values in seconds.items() if any(len(part) for part in values)}


def _to_bronze(files: Mapping[str, str], again: ReplayedObjects) -> list[Seconds]:
    # An object is put once and never changed, so its file's time is the time of the put.
    put = sorted(((Path(file).stat().st_mtime, key, file) for key, file in files.items()), reverse=True)
    first = ((at, file) for at, key, file in put if not again.holds(key, file))
    return [at - _received(file) for at, file in islice(first, _OBJECTS)]


def _to_silver(platform: Platform, contract: Contract, files: Mapping[str, str], again: ReplayedObjects) -> list[Seconds]:
    """Of what the newest visible run read: a reading is in silver since then at the latest."""
    visible = known_at(platform, f"silver.{contract.name}")
    planned: dict[str, list[str]] = {}
    for row in read_ledger(platform, contract.name) if visible else ():
        if row.run_id in visible and row.object in files and not again.holds(row.object, files[row.object]):
            planned.setdefault(row.run_id, []).append(files[row.object])
    if not planned:
        return []
    run = max(planned, key=lambda name: visible[name])
    at = visible[run].timestamp()
    return [at - _received(file) for file in planned[run][-_OBJECTS:]]


def _received(file: str) -> Seconds:
    """Since 1970."""
    microseconds = pq.read_table(file, columns=["received_at"])["received_at"].cast("int64").to_numpy()
    return np.asarray(microseconds / 1e6, np.float64)


def _lag(parts: list[Seconds]) -> Lag:
    seconds = np.concatenate(parts)
    p50, p99 = np.quantile(seconds, [0.5, 0.99])
    return Lag(len(seconds), round(max(0.0, float(p50)), 3), round(max(0.0, float(p99)), 3))
