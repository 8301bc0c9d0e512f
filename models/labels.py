"""What is left of an engine's life at a reading: the label that training and evaluation share."""

import pandas as pd

# Counts up within one life of an engine; failures name it too.
COUNTER = "cycle"
# An engine's life: two engines may stand under one device id, one after the other.
LIFE = ["device_id", "failed_at"]


def label(rows: pd.DataFrame, failures: pd.DataFrame, replacements: pd.DataFrame) -> pd.DataFrame:
    """`rows` whose engine is known to have failed, with `failed_at` and `rul`, the cycles left to it; by device and time.

    `failures` and `replacements` have device_id, event_time, and failures the `cycle`. A reading's failure is the first of its
    device at or after it; it is about another engine where a replacement lies in between or its cycle is below the reading's.
    The lives of the features are not asked: a device whose clock jumped seems to begin one.
    """
    ordered = rows.sort_values("at", kind="stable")
    ahead = _ahead(ordered, failures.rename(columns={"event_time": "failed_at", "cycle": "failed_cycle"}), ["failed_at", "failed_cycle"])
    ahead = _ahead(ahead, replacements.rename(columns={"event_time": "replaced_at"}), ["replaced_at"])
    rul = ahead["failed_cycle"] - ahead[COUNTER]
    is_same_engine = (rul >= 0) & ~(ahead["replaced_at"] < ahead["failed_at"])
    labelled = ahead.assign(rul=rul)[is_same_engine].drop(columns=["failed_cycle", "replaced_at"])
    return labelled.sort_values(["device_id", "at", COUNTER], kind="stable").reset_index(drop=True)


def lives(labelled: pd.DataFrame) -> int:
    return int(labelled.groupby(LIFE).ngroups)


def _ahead(rows: pd.DataFrame, events: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """`rows`, by time, with the `columns` (first of them the time) of the device's first event at or after each."""
    time = columns[0]
    events = events[["device_id", *columns]].astype({time: rows["at"].dtype}).sort_values(time, kind="stable")
    return pd.merge_asof(rows, events, left_on="at", right_on=time, by="device_id", direction="forward")
