"""The structure of an embedded metric format line, by its specification; nothing here is of the code that writes one.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
import math
from typing import Any

# MetricDatum's units: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html
_SIZES = ("Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes", "Bits", "Kilobits", "Megabits", "Gigabits", "Terabits", "Count")
UNITS = {"Seconds", "Microseconds", "Milliseconds", "Percent", "None", *_SIZES, *(f"{size}/Second" for size in _SIZES)}


def check_line(text: str) -> dict[str, Any]:
    """The line, which must be one. Raises AssertionError."""
    assert "\n" not in text
    assert len(text.encode()) <= 1024 * 1024
    line = json.loads(text, parse_constant=_no_number)
    assert isinstance(line, dict)
    assert isinstance(line.get("_aws"), dict)
    head = line["_aws"]
    assert type(head.get("Timestamp")) is int
    assert isinstance(head.get("CloudWatchMetrics"), list)
    for directive in head["CloudWatchMetrics"]:
        _check_directive(directive, line)
    return line


def _no_number(text: str) -> float:
    raise AssertionError(f"{text} is no JSON")


def _check_directive(directive: dict[str, Any], line: dict[str, Any]) -> None:
    assert set(directive) == {"Namespace", "Dimensions", "Metrics"}
    assert isinstance(directive["Namespace"], str)
    assert 1 <= len(directive["Namespace"]) <= 1024
    assert directive["Dimensions"]
    for dimensions in directive["Dimensions"]:
        assert len(dimensions) <= 30
        for name in dimensions:
            # A target member: a string at the root, not empty.
            assert isinstance(line.get(name), str)
            assert 1 <= len(line[name]) <= 1024
            assert 1 <= len(name) <= 250
    assert 1 <= len(directive["Metrics"]) <= 100
    for metric in directive["Metrics"]:
        assert set(metric) <= {"Name", "Unit", "StorageResolution"}
        assert 1 <= len(metric["Name"]) <= 1024
        assert metric.get("Unit", "None") in UNITS
        assert metric.get("StorageResolution", 60) in (1, 60)
        _check_value(line.get(metric["Name"]))


def _check_value(value: Any) -> None:
    values = value if isinstance(value, list) else [value]
    assert 1 <= len(values) <= 100
    assert all(type(one) in (int, float) and math.isfinite(one) for one in values)
