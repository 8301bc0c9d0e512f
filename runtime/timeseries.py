"""The port of the time-series store: a projection of the lake for latest values and short ranges.

Terms every adapter keeps, held by one suite in tests/ports:
- writing the same point again changes nothing; what a store does with other values for a point it has is its own affair
  (an adapter that rejects stale versions says so);
- a refused point never costs the others of its batch: it comes back as a reject;
- a measure that is null is the same as an absent one;
- times are aware UTC moments with milliseconds; a range includes its start and excludes its end.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

Value = float | int | bool | str | None


@dataclass(frozen=True)
class Point:
    """The measures of one device at one moment; `series` is the kind of telemetry."""

    series: str
    device_id: str
    time: datetime
    measures: Mapping[str, Value]
    version: int = 1


@dataclass(frozen=True)
class Reject:
    """A point that was refused; `index` is its place in what was written."""

    index: int
    reason: str


@dataclass(frozen=True)
class Bin:
    """Statistics of one measure over ``[start, start + width)``."""

    start: datetime
    count: int
    least: float
    most: float
    mean: float


class TimeSeries(Protocol):
    def write(self, points: Sequence[Point]) -> list[Reject]:
        """Raises ServiceError when the store as a whole does not take them; then none was written or all may be written again."""
        ...

    def latest(self, series: str, device_ids: Sequence[str]) -> dict[str, Point]:
        """The newest point of each of the devices that has one."""
        ...

    def range(self, series: str, device_id: str, start: datetime, end: datetime) -> list[Point]:
        """In the order of time."""
        ...

    def bins(self, series: str, device_id: str, measure: str, start: datetime, end: datetime, width_seconds: int) -> list[Bin]:
        """Bins that have a value, aligned to the epoch. Raises UserError for a measure that is not a number."""
        ...

    def count(self, series: str | None = None) -> int:
        """Points held, of one series or of all."""
        ...
