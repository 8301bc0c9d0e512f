"""The platform's own metrics: a closed list of names with a sentence each, written as CloudWatch embedded-metric lines."""

import json
import time
from typing import TextIO

METRICS = {
    "messages_received": "SQS messages the worker received, redeliveries included.",
    "messages_redelivered": "Messages received more than once.",
    "messages_split": "Times that a batch was halved to find the message that cannot be written.",
    "messages_given_back": "Messages that a stopping worker gave back to the queue.",
    "queue_seconds": "From the queue's getting a batch's oldest message to its readings' being in the lake.",
    "write_seconds": "Writing a batch: bronze, quarantine, time series.",
    "delete_seconds": "Deleting a batch's messages from the queue.",
    "messages_failed": "Messages that a batch left in the queue.",
    "rule_errors": "Messages that the IoT rule could not deliver, taken from its error queue.",
    "readings_bronze": "Readings put to bronze.",
    "readings_quarantined": "Readings put to quarantine, by reason.",
    "objects_put": "Objects put to the lake's bucket.",
    "objects_existing": "Puts answered 412: the same object was there already.",
    "messages_deleted": "Messages deleted from the queue after their readings were put.",
    "timeseries_failures": "Writes that the time-series store refused or missed.",
    "silver_rows": "Rows a silver run published.",
    "gate_held": "Silver runs held by the quality gate.",
    "predictions_written": "Predictions a scoring run published.",
}
NAMESPACE = "fleetlake"


def count(stream: TextIO, name: str, value: float, **dimensions: str) -> None:
    """Write one metric in CloudWatch's embedded format. A name that is not in METRICS is a KeyError: the list is closed."""
    _write(stream, name, "Count", value, dimensions)


def latency(stream: TextIO, name: str, seconds: float, **dimensions: str) -> None:
    """The same of a duration."""
    _write(stream, name, "Seconds", round(seconds, 6), dimensions)


def _write(stream: TextIO, name: str, unit: str, value: float, dimensions: dict[str, str]) -> None:
    METRICS[name]
    directive = {"Namespace": NAMESPACE, "Dimensions": [sorted(dimensions)], "Metrics": [{"Name": name, "Unit": unit}]}
    entry = {
        "_aws": {
            "Timestamp": int(time.time() * 1000),
            "CloudWatchMetrics": [directive],
        },
        name: value,
        **dimensions,
    }
    stream.write(json.dumps(entry) + "\n")
