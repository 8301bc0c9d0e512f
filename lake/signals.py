"""What an operator asks first at night: how many messages wait, how old the oldest is, how late readings are, what is refused and why."""

import json
import time
from collections import Counter
from dataclasses import dataclass

import pyarrow.parquet as pq

from lake.contracts import sound_contracts
from lake.lags import Lag, lags
from lake.law_queues import queue_counts
from lake.layout import UNKNOWN_CONTRACT
from lake.query_tables import object_files
from lake.tables import bronze, quarantine
from runtime.platforms import Platform


@dataclass(frozen=True)
class Signals:
    """`depth` by queue, None where nobody answers. `oldest_seconds`: since the queue got the oldest message in the worker's hand.

    `refused` is the share of each reason in all readings that came to the lake. `lags` are by hop.
    """

    depth: dict[str, int] | None
    oldest_seconds: float | None
    refused: dict[str, float]
    lags: dict[str, Lag]


def read_signals(platform: Platform) -> Signals:
    return Signals(_depth(platform), _oldest_seconds(platform), _refused(platform), lags(platform))


def _depth(platform: Platform) -> dict[str, int] | None:
    try:
        return queue_counts(platform)
    except Exception:  # noqa: BLE001 - whatever keeps the queues from answering, the status shows that nobody knows
        return None


def _oldest_seconds(platform: Platform) -> float | None:
    """SQS tells the age of what waits to CloudWatch alone; the worker writes down the oldest that it holds."""
    try:
        told = json.loads((platform.settings.home / "run" / "worker.json").read_text())
    except (OSError, ValueError):
        return None
    oldest = told.get("oldest_sent")
    return max(0.0, time.time() - float(oldest)) if oldest else None


def _refused(platform: Platform) -> dict[str, float]:
    contracts = sound_contracts(platform.settings.contracts_folder)
    names = [*contracts, UNKNOWN_CONTRACT]
    refused = [file for name in names for file in object_files(platform, quarantine(name)).values()]
    valid = [file for contract in contracts.values() for file in object_files(platform, bronze(contract)).values()]
    reasons: Counter[str] = Counter()
    for file in refused:
        reasons.update(pq.read_table(file, columns=["reason"])["reason"].to_pylist())
    everything = reasons.total() + sum(pq.read_metadata(file).num_rows for file in valid)
    return {reason: count / everything for reason, count in reasons.most_common()}
