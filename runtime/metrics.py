"""The platform's own metrics: a closed list of names with a sentence each, written as CloudWatch embedded-metric lines."""

import json
import time
from typing import TextIO

METRICS = {
    "messages_received": "SQS messages the worker received, redeliveries included.",
    "messages_redelivered": "Messages received more than once.",
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
    METRICS[name]
    directive = {"Namespace": NAMESPACE, "Dimensions": [sorted(dimensions)], "Metrics": [{"Name": name, "Unit": "Count"}]}
    entry = {
        "_aws": {
            "Timestamp": int(time.time() * 1000),
            "CloudWatchMetrics": [directive],
        },
        name: value,
        **dimensions,
    }
    stream.write(json.dumps(entry) + "\n")
