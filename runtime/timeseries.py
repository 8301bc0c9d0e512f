"""The port of the time-series store: a projection of the lake for latest values and short ranges.

Terms every adapter keeps, held by one suite in tests/ports:
- writing the same point again changes nothing; what a store does with other values for a point it has is its own affair
  (an adapter that rejects stale versions says so);
- an adapter that `rejects_stale` keeps the values of the highest `version` and refuses the others;
- a refused point never costs the others of its batch: it comes back as a reject;
- a measure that is null is the same as an absent one;
- times are aware UTC moments with milliseconds; a range includes its start and excludes its end.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol

from runtime.errors import UserError

Value = float | int | bool | str | None
# What `windows` makes of each measure that is a number.
STATISTICS = ("count", "min", "max", "mean")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,79}")
_OTHERS = (bool, str, type(None))


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
    # Whether a point with other values and no higher version than the one that is there comes back as a reject.
    rejects_stale: bool
    # Whether `erase` can take anything away; a store that cannot lets it go when its retention ends.
    can_erase: bool

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

    def windows(self, series: str, start: datetime, end: datetime, width_seconds: int) -> list[Point]:
        """Statistics of every device: a point for each window of it with a number, at the window's start.

        Its measures are ``{measure}_{statistic}``, for each of STATISTICS. Windows are those of `bins`.
        """
        ...

    def span(self, series: str) -> tuple[datetime, datetime] | None:
        """The times of the oldest and the newest point; None for an empty series."""
        ...

    def retain(self, series: str, days: int, now: datetime) -> None:
        """Points older than `days` need not be kept from now on; the store drops them at once or when it likes."""
        ...

    def erase(self, device_id: str) -> None:
        """Take every point of the device out of every series, and off the disk. Raises ServiceError where the store cannot."""
        ...


def fault_of(point: Point) -> str | None:
    """Why no store can take a point; None for one that it can."""
    wrong = _wrong_name((point.series, *point.measures))
    if wrong is not None:
        return f"{wrong!r} cannot be the name of a series or measure"
    for name, value in point.measures.items():
        kind = type(value)
        if kind is float:
            # Of neither infinity nor NaN is that zero.
            if value - value != 0:  # type: ignore[operator]
                return f"{name} is {value}, which is not a finite number"
        elif kind is int:
            if not -(2**63) <= value < 2**63:  # type: ignore[operator]
                return f"{name} does not fit 64 bits"
        elif kind not in _OTHERS:
            return f"{name} is a {kind.__name__}, which is no value"
    return None


# A series' points have the same few sets of measures over and over.
@lru_cache(maxsize=1024)
def _wrong_name(names: tuple[str, ...]) -> str | None:
    return next((name for name in names if not _NAME.fullmatch(name)), None)


def check_series(series: str) -> None:
    """Raises UserError for what no series can be called: it goes into queries by name."""
    if not _NAME.fullmatch(series):
        raise UserError(f"time series {series!r}: not the name of a series")


def check_bins(series: str, measure: str, width_seconds: int, measures: Mapping[str, type]) -> None:
    """Raises UserError where `measure` of `measures` (with their types) cannot be binned so."""
    if measure not in measures:
        raise UserError(f"bins of {series}: there is no measure {measure!r}; there are {', '.join(sorted(measures))}")
    if measures[measure] not in (int, float):
        raise UserError(f"bins of {series}: measure {measure!r} is no number; bins are made of numbers")
    check_width(series, width_seconds)


def check_width(series: str, width_seconds: int) -> None:
    """Raises UserError for windows of no width."""
    if width_seconds < 1:
        raise UserError(f"bins of {series}: a width of {width_seconds} s; it must be at least 1 s")


def numbers(measures: Mapping[str, type]) -> Iterable[str]:
    """The measures that `windows` makes statistics of, in order."""
    return [name for name, kind in sorted(measures.items()) if kind in (int, float)]


def epoch_ms(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)


def moment(ms: int) -> datetime:
    """The aware moment of epoch milliseconds."""
    return _EPOCH + timedelta(milliseconds=ms)
