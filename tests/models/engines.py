"""Engines for tests of models: rows of features.turbofan and failures, from C-MAPSS or made up."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from lake.contracts import load_contracts
from local.simulator import turbofan
from runtime.settings import REPOSITORY

TURBOFAN = load_contracts(REPOSITORY / "contracts")["turbofan"]
SENSORS = tuple(field.name for field in TURBOFAN.numbers if not field.lifetime_counter)
CADENCE = timedelta(seconds=600)
START = datetime(2026, 1, 1, tzinfo=UTC)


def of_cmapss(file: Path, fleet: str) -> pd.DataFrame:
    """A C-MAPSS file as feature rows: its columns stand in the contract's order."""
    recorded = pd.read_parquet(file)
    columns = ["cycle", *(f"set{n}" for n in (1, 2, 3)), *(f"s{n}" for n in range(1, 22))]
    rows = recorded[columns].set_axis([field.name for field in TURBOFAN.numbers], axis=1).astype(dict.fromkeys(SENSORS, float))
    at = START + pd.to_timedelta(recorded["cycle"] * CADENCE.total_seconds(), unit="s")
    return rows.assign(device_id=fleet + recorded["unit"].astype(str), at=at, life=1, reading_number=recorded["cycle"])


def failures_of(rows: pd.DataFrame, cycles_left: "np.ndarray | int" = 0) -> pd.DataFrame:
    """The failure of each engine (in the order of their first rows), `cycles_left` after its last row."""
    last = rows.groupby("device_id", sort=False)[["cycle", "at"]].max().reset_index()
    left = np.broadcast_to(cycles_left, len(last))
    at = last["at"] + pd.to_timedelta(left * CADENCE.total_seconds() + 60, unit="s")
    return pd.DataFrame({"device_id": last["device_id"], "event_time": at, "cycle": last["cycle"] + left})


def no_events() -> pd.DataFrame:
    return pd.DataFrame({"device_id": pd.Series(dtype=object), "event_time": pd.to_datetime([], utc=True)})


def simulated(engines: int, seed: int = 1, cycles: int = 400, fleet: str = "engine-") -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Feature rows, failures and replacements of simulated engines, each device with the lives that `cycles` slots have room for."""
    parts, events = [], []
    slots = np.arange(cycles, dtype=np.int64)
    for name in (f"{fleet}{number:02d}" for number in range(1, engines + 1)):
        flies, columns = turbofan.readings(seed, name, slots)
        life = np.cumsum(np.diff(np.asarray(columns["cycle"]), prepend=0) < 0) + 1
        at = START + pd.to_timedelta(slots[flies] * CADENCE.total_seconds(), unit="s")
        parts.append(pd.DataFrame(columns).assign(device_id=name, at=at, life=life, reading_number=columns["cycle"]))
        cadence_ms, first_ms = int(CADENCE.total_seconds() * 1000), int(START.timestamp() * 1000)
        for ms, values in turbofan.events(seed, name, first_ms, cadence_ms, first_ms, first_ms + cycles * cadence_ms):
            events.append({"device_id": name, "event_time": pd.Timestamp(ms, unit="ms", tz="UTC"), **values})
    known = pd.DataFrame(events, columns=["device_id", "event_time", "event", "cycle", "note"])
    failed, replaced = (known[known["event"] == event].drop(columns="event").reset_index(drop=True) for event in ("failure", "replacement"))
    return pd.concat(parts, ignore_index=True), failed, replaced
