"""What an operator asks first at night: how many messages wait, how old the oldest is, how late readings are, what is refused and why."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq

from lake.contracts import sound_contracts
from lake.dead_letter_queue import how_to_be_answered
from lake.lags import Lag, lags
from lake.law_queues import queue_counts, queue_names
from lake.layout import UNKNOWN_CONTRACT, IngestPartition, quarantine_day_prefix, quarantine_partition
from lake.query_tables import local_path
from lake.replayed_objects import ReplayedObjects, replayed_objects
from runtime.errors import ServiceError, SetupError
from runtime.platforms import Platform
from runtime.sqs import AGE_METRIC, AGE_NAMESPACE

# A figure a minute, which may come some minutes late.
_AGE_WINDOW = timedelta(minutes=10)
_REFUSED_WINDOW = timedelta(hours=24)


@dataclass(frozen=True)
class Signals:
    """`depth` by queue, None where nobody answers; `unasked` says why. `oldest_seconds` by queue, of those with messages whose age CloudWatch knows.

    `refused` is the share of each reason in all rows that came to the lake in the last 24 hours, None where the lake's objects are not on
    this machine: a row is a reading, or a message that could not be split. `lags` are by hop. What a replay put came before, and counts
    for neither.
    """

    depth: dict[str, int] | None
    oldest_seconds: dict[str, float] | None
    refused: dict[str, float] | None
    lags: dict[str, Lag]
    unasked: str = ""


def read_signals(platform: Platform, now: datetime | None = None) -> Signals:
    at = now or datetime.now(UTC)
    depth, unasked = _depth(platform)
    ages = oldest_seconds(platform, at) if depth is not None else None
    try:
        again = replayed_objects(platform, sound_contracts(platform.settings.contracts_folder))
        refused, late = _refused(platform, again, at), lags(platform, again)
    except (ServiceError, SetupError):
        refused, late = None, {}
    return Signals(depth, _of_waiting(ages, depth or {}), refused, late, unasked)


def _depth(platform: Platform) -> tuple[dict[str, int] | None, str]:
    try:
        return queue_counts(platform), ""
    except ServiceError as error:
        return None, str(error)
    except Exception as error:  # noqa: BLE001 - whatever keeps the queues from answering, the status shows that nobody knows
        return None, f"{error}; {how_to_be_answered(error, platform.settings)}"


def _of_waiting(ages: dict[str, float] | None, depth: Mapping[str, int]) -> dict[str, float] | None:
    """The last figure of a queue that was emptied since says nothing any more."""
    return None if ages is None else {part: age for part, age in ages.items() if depth.get(part)}


def oldest_seconds(platform: Platform, now: datetime) -> dict[str, float] | None:
    """By queue, None where CloudWatch does not say. SQS tells the age of what waits to CloudWatch alone: a receive would tell it too, but counts as a try."""
    names = queue_names(platform)
    queries = [
        {
            "Id": f"queue{number}",
            "MetricStat": {
                "Metric": {"Namespace": AGE_NAMESPACE, "MetricName": AGE_METRIC, "Dimensions": [{"Name": "QueueName", "Value": name}]},
                "Period": 60,
                "Stat": "Maximum",
            },
        }
        for number, name in enumerate(names.values())
    ]
    window = {"StartTime": now - _AGE_WINDOW, "EndTime": now + timedelta(minutes=1)}
    try:
        found = platform.client("cloudwatch").get_metric_data(MetricDataQueries=queries, **window)["MetricDataResults"]
    except Exception:  # noqa: BLE001 - whatever CloudWatch's answer lacks, the rest of the status is shown
        return None
    newest = {told["Id"]: max(zip(told["Timestamps"], told["Values"], strict=True))[1] for told in found if told["Values"]}
    return {part: float(newest[f"queue{number}"]) for number, part in enumerate(names) if f"queue{number}" in newest}


def _refused(platform: Platform, again: ReplayedObjects, now: datetime) -> dict[str, float]:
    contracts = sound_contracts(platform.settings.contracts_folder)
    since = (now - _REFUSED_WINDOW).replace(minute=0, second=0, microsecond=0)
    reasons: Counter[str] = Counter()
    for name in (*contracts, UNKNOWN_CONTRACT):
        reasons.update(_refused_of(platform, again, name, since, now))
    everything = reasons.total() + sum(_taken_of(platform, again, name, since, now) for name in contracts)
    return {reason: count / everything for reason, count in reasons.most_common()}


def _taken_of(platform: Platform, again: ReplayedObjects, contract: str, since: datetime, now: datetime) -> int:
    hours = (since + timedelta(hours=n) for n in range(int((now - since) / timedelta(hours=1)) + 1))
    prefixes = (IngestPartition(contract, hour).prefix for hour in hours)
    objects = (found for prefix in prefixes for found in _objects(platform, prefix))
    return sum(_rows(file) for key, file in objects if not again.holds(key, str(file)))


def _refused_of(platform: Platform, again: ReplayedObjects, contract: str, since: datetime, now: datetime) -> Counter[str]:
    """By reason. Quarantine is partitioned by the day, and an object's file has the time of its put."""
    found: Counter[str] = Counter()
    for day in sorted({since.date(), now.date()}):
        for key, file in _objects(platform, quarantine_day_prefix(contract, day)):
            partition = quarantine_partition(key)
            if partition and file.stat().st_mtime >= since.timestamp():
                found[partition.reason] += again.first_refusals(str(file))
    return +found


def _objects(platform: Platform, prefix: str) -> Iterator[tuple[str, Path]]:
    folder = Path(local_path(platform.object_uri(prefix)))
    return ((prefix + file.relative_to(folder).as_posix(), file) for file in folder.rglob("*.parquet"))


def _rows(file: Path) -> int:
    return int(pq.read_metadata(file).num_rows)
