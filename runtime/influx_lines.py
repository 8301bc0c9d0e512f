"""Points as InfluxDB's line protocol: exact escapes and types, and what it cannot say.

https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/
"""

import re

from runtime.timeseries import Point, Value, epoch_ms, fault_of

# Names of ours that no measure can have, whose names are of small letters.
DEVICE = "Device"
PRESENT = "Point"
# InfluxDB drops a field of this name; it is the column of the time.
_TIME, _MEASURED_TIME = "time", "Time"
# The moments that fit int64 nanoseconds, less a margin.
_EARLIEST_MS, _LATEST_MS = -9_223_372_036_000, 9_223_372_036_000
_MAX_STRING = 64 * 1024
# Line protocol has no escape for a control character in a tag, and none for a backslash.
_NO_TAG = re.compile(r"[\x00-\x1f\x7f\\]")


def unwritable(point: Point) -> str | None:
    """Why InfluxDB cannot take a point; None for one that it can."""
    if not point.device_id or _NO_TAG.search(point.device_id):
        return f"device id {point.device_id!r}: InfluxDB takes no empty tag, control character or backslash"
    if not _EARLIEST_MS <= epoch_ms(point.time) <= _LATEST_MS:
        return f"{point.time:%Y-%m-%d}: InfluxDB holds times from 1677 to 2262"
    for name, value in point.measures.items():
        if isinstance(value, str) and len(value.encode()) > _MAX_STRING:
            return f"{name}: InfluxDB takes texts of up to 64 KiB"
    return fault_of(point)


def line_of(point: Point) -> str:
    """The line of a point with milliseconds. A field of ours counts it, so that one without any value is a point too."""
    fields = [f"{field_of(name)}={_value(value)}" for name, value in sorted(point.measures.items()) if value is not None]
    tag = re.sub(r"([,= ])", r"\\\1", point.device_id)
    return f"{point.series},{DEVICE}={tag} {','.join([*fields, f'{PRESENT}=1i'])} {epoch_ms(point.time)}"


def field_of(measure: str) -> str:
    return _MEASURED_TIME if measure == _TIME else measure


def measure_of(field: str) -> str:
    return _TIME if field == _MEASURED_TIME else field


def _value(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value}i"
    if isinstance(value, float):
        return repr(value)
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
