"""Statistics of each number over equal stretches of time, as the lake's rollups make them: count, min, max, mean, last."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from runtime.timeseries import Point, epoch_ms, moment


@dataclass
class Number:
    """Of the readings of one bin that have the value."""

    count: int = 0
    min: float = math.inf
    max: float = -math.inf
    last: float = math.nan
    _values: list[float] = field(default_factory=list)

    def add(self, value: float) -> None:
        self.count += 1
        self.min, self.max, self.last = min(self.min, value), max(self.max, value), value
        self._values.append(value)

    @property
    def mean(self) -> float:
        # Divided first where the sum would leave the range of a double.
        try:
            return math.fsum(self._values) / self.count
        except OverflowError:
            return math.fsum(value / self.count for value in self._values)


@dataclass
class Bin:
    """Over ``[start, start + width)``; `numbers` has those that occur."""

    start: datetime
    readings: int = 0
    numbers: dict[str, Number] = field(default_factory=dict)

    def add(self, point: Point, fields: Iterable[str]) -> None:
        self.readings += 1
        for name in fields:
            value = point.measures.get(name)
            if isinstance(value, int | float) and not isinstance(value, bool):
                self.numbers.setdefault(name, Number()).add(value)


def start_of(at: datetime, width_seconds: int) -> datetime:
    """The start of the bin that `at` is in: bins are aligned to the epoch."""
    width = width_seconds * 1000
    return moment(epoch_ms(at) // width * width)


def fold(points: Iterable[Point], fields: Sequence[str], width_seconds: int) -> list[Bin]:
    """Bins that have a reading, in order; `points` are in the order of time."""
    bins: list[Bin] = []
    end = None
    for point in points:
        if end is None or point.time >= end:
            bins.append(Bin(start_of(point.time, width_seconds)))
            end = bins[-1].start + timedelta(seconds=width_seconds)
        bins[-1].add(point, fields)
    return bins
