"""How long the time-series store keeps a contract's readings, and what it keeps of them afterwards: windows of statistics.

The windows are a series of their own in the same store, ``{contract}__{seconds}s``. A window is made when its readings are half
as old as they may become, so that a day without upkeep, or a store that drops what is too old by itself, costs none.
A reading that comes later than that is in the lake and its gold, and not in the windows.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from lake.contracts import Contract, Retention
from runtime.errors import ServiceError
from runtime.timeseries import TimeSeries, epoch_ms

_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def windows_series(contract: str, every_seconds: int) -> str:
    return f"{contract}__{every_seconds}s"


def tend(store: TimeSeries, contract: Contract, now: datetime) -> int:
    """Make the windows that are due, then let go what is too old; how many windows were written.

    In this order: killed anywhere between, it is done by the next call, and nothing twice.
    """
    kept = contract.timeseries
    if kept is None:
        return 0
    made = 0
    if kept.downsample:
        coarse = windows_series(contract.name, kept.downsample.every_seconds)
        for start, end in _due(store, contract.name, coarse, kept, now):
            made += _write_windows(store, contract.name, coarse, kept.downsample.every_seconds, start, end, epoch_ms(now))
        store.retain(coarse, kept.downsample.keep_days, now)
    store.retain(contract.name, kept.keep_days, now)
    return made


def _due(store: TimeSeries, raw: str, coarse: str, kept: Retention, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The days, or parts of them, whose windows are to be made, oldest first."""
    assert kept.downsample is not None
    readings, windows = store.span(raw), store.span(coarse)
    if readings is None:
        return
    every = timedelta(seconds=kept.downsample.every_seconds)
    keep = timedelta(days=kept.keep_days)
    end = _floor(now - keep / 2, every)
    start = _floor(max(readings[0], now - timedelta(days=kept.downsample.keep_days) + every), every)
    if windows:
        # From here on every reading is still there, whatever the store has dropped: to make a day's windows again is right. They
        # may be half written, where a store takes them in parts and we were killed between.
        complete = _floor(now - keep, every) + every
        start = max(start, max(complete, _floor(windows[1], _DAY)) if windows[1] >= complete else windows[1] + every)
    while start < end:
        stop = min(_floor(start, _DAY) + _DAY, end)
        yield start, stop
        start = stop


def _write_windows(store: TimeSeries, raw: str, coarse: str, seconds: int, start: datetime, end: datetime, version: int) -> int:
    """A newer version wins where a window is made again."""
    windows = [replace(point, series=coarse, version=version) for point in store.windows(raw, start, end, seconds)]
    rejects = store.write(windows)
    if rejects:
        # The readings stay until their windows are there.
        raise ServiceError(f"time series: {len(rejects)} windows of {coarse} were refused: {rejects[0].reason}")
    return len(windows)


def _floor(at: datetime, width: timedelta) -> datetime:
    return at - (at - _EPOCH) % width
