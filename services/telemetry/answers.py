"""The bodies of answers about readings."""

import math
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

from runtime.timeseries import Point, Value
from services.telemetry.bins import Bin
from services.telemetry.moments import written
from services.telemetry.readings import Source
from services.telemetry.request import Kind

# Above it a double, which is what JSON's readers make of a number, skips whole numbers.
_EXACT = 2**53 - 1


class Reading(BaseModel):
    time: str = Field(description="when the device measured it", examples=["2026-11-24T09:30:00.000Z"])
    contract: str = Field(examples=["turbofan"])
    values: dict[str, bool | int | float | str | None] = Field(
        description="whole numbers beyond 2^53 are texts", examples=[{"fuel_flow_ratio": 521.7, "cycle": 12}]
    )


class Statistics(BaseModel):
    count: int = Field(examples=[6])
    min: bool | int | float | str = Field(examples=[519.1])
    max: bool | int | float | str = Field(examples=[522.4])
    mean: float | str = Field(examples=[521.0])
    last: bool | int | float | str = Field(examples=[521.7])


class BinOfReadings(BaseModel):
    start: str = Field(description="bins are aligned to the epoch", examples=["2026-11-24T09:00:00.000Z"])
    readings: int = Field(examples=[6])
    numbers: dict[str, Statistics] = Field(
        examples=[{"fuel_flow_ratio": {"count": 6, "min": 519.1, "max": 522.4, "mean": 521.0, "last": 521.7}}]
    )


class Covered(BaseModel):
    """Which of the two has what part of the range."""

    source: Source
    start: str = Field(alias="from", examples=["2026-11-24T00:00:00.000Z"])
    to: str = Field(examples=["2026-11-25T00:00:00.000Z"])


class TelemetryAnswer(BaseModel):
    device_id: str = Field(examples=["engine-7"])
    kind: Kind
    source: Source = Field(description="where this page was read")
    note: str | None = Field(default=None, description="why it was read from elsewhere than usual")
    covered: list[Covered] = Field(description="what part of the range is read from where; empty for the latest", examples=[[]])
    points: list[Reading]
    bins: list[BinOfReadings] = Field(description="of kind bins alone", examples=[[]])
    next_token: str | None = Field(default=None, description="for the next page; a page may be empty and have one")


def reading(point: Point) -> Reading:
    return Reading(time=written(point.time), contract=point.series, values=_values(point.measures))


def _values(measures: Mapping[str, Value]) -> dict[str, Value]:
    return {name: plain(value) for name, value in measures.items()}


def bin_of(found: Bin) -> BinOfReadings:
    return BinOfReadings(
        start=written(found.start),
        readings=found.readings,
        numbers={
            name: Statistics(count=each.count, min=plain(each.min), max=plain(each.max), mean=plain(each.mean), last=plain(each.last))
            for name, each in found.numbers.items()
        },
    )


def plain(value: Any) -> Any:
    """A number as JSON can say it exactly, else as a text: ``"9007199254740993"``, ``"NaN"``, ``"-Infinity"``."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) > _EXACT:
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
