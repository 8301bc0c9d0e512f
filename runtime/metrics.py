"""The platform's own metrics: a closed list with unit and sentence each, written as lines of CloudWatch's embedded metric format.

A line has several metrics of one moment. Each has the dimension `source`, who counted it: ``worker``, ``error_queue`` or ``lambda``.
What a Spark job counts `runtime/job_metrics.py` gives to CloudWatch itself, with the dimension `contract`.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TextIO

from runtime.log import logger

NAMESPACE = "fleetlake"
# As many values as the format takes for one metric of a line.
MOST_VALUES = 100
# Threads share a stream, and half a line is none.
_writing = threading.Lock()
log = logger("metrics")


class Source(StrEnum):
    WORKER = "worker"
    ERROR_QUEUE = "error_queue"
    LAMBDA = "lambda"


@dataclass(frozen=True)
class Metric:
    unit: str
    words: str


def _count(words: str) -> Metric:
    return Metric("Count", words)


def _seconds(words: str) -> Metric:
    return Metric("Seconds", words)


METRICS: Mapping[str, Metric] = {
    "messages_received": _count("Messages received from a queue, redeliveries included."),
    "messages_redelivered": _count("Messages that had been received before."),
    "messages_deleted": _count("Messages deleted from the queue after their readings were put."),
    "messages_failed": _count("Messages that could not be taken and were left to the queue."),
    "messages_given_back": _count("Messages that a stopping worker gave back to the queue."),
    "batches_split": _count("Times that a batch was halved to find the message that cannot be written."),
    "rule_errors": _count("Messages that the IoT rule could not deliver, taken from its error queue."),
    "readings": _count("Readings decoded, good or refused; a message that cannot be split is one."),
    "readings_bronze": _count("Readings put to bronze."),
    "readings_quarantined": _count("Readings put to quarantine; also by the dimension `reason`."),
    "objects_put": _count("Objects put to bronze and quarantine."),
    "objects_existing": _count("Puts to bronze answered 412: the same object was there already."),
    "timeseries_failures": _count("Readings that the time-series store refused or missed."),
    "failures": _count("Calls and writes that failed: the other side away, refusing, or an error nobody foresaw."),
    "retries": _count("Calls and writes that were tried again after a failure."),
    "visibility_extensions": _count("Messages in hand whose invisibility was extended."),
    "arrival_seconds": _seconds("From the rule's received_at to the reading's being in the lake."),
    "queue_seconds": _seconds("From the queue's getting a message to its readings' being in the lake."),
    "write_seconds": _seconds("Writing a batch: bronze, quarantine, time series."),
    "delete_seconds": _seconds("Deleting a batch's messages from the queue."),
    "silver_lag_seconds": _seconds("From the newest arrival that silver has to the newest that bronze has."),
    "devices_fell_silent": _count("Devices that went offline since the last look."),
    "runs_held": _count("Runs that the quality gate held."),
}

Value = float | Sequence[float]


def emit(stream: TextIO | None, source: Source, values: Mapping[str, Value], **dimensions: str) -> None:
    """One line; of a sequence longer than the format takes, as many of its quantiles. A name that is not in METRICS is a KeyError.

    A stream that cannot be written costs the line and nothing else: what is measured goes on.
    """
    units = {name: METRICS[name].unit for name in values}
    shown = {name: value if isinstance(value, int | float) else quantiles(value) for name, value in values.items()}
    shown = {name: value for name, value in shown.items() if value != []}
    if not shown:
        return
    members = {"source": source.value} | dimensions
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [list(members)],
        "Metrics": [{"Name": name, "Unit": units[name]} for name in shown],
    }
    entry = {"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}, **members, **shown}
    if stream is None:
        # A process without a standard output.
        return
    try:
        with _writing:
            stream.write(json.dumps(entry) + "\n")
            stream.flush()
    except (OSError, ValueError) as error:
        log.warning(f"metrics: they cannot be written: {error}")


def quantiles(values: Iterable[float]) -> list[float]:
    """All values where the format takes them; else as many at even ranks, the least and the greatest among them."""
    ordered = [round(value, 3) for value in sorted(values)]
    if len(ordered) <= MOST_VALUES:
        return ordered
    last = len(ordered) - 1
    return [ordered[round(place * last / (MOST_VALUES - 1))] for place in range(MOST_VALUES)]
