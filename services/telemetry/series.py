"""A device's readings page by page: which store each page is read from, and where the next one begins."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from lake.contracts import Contract
from runtime.errors import ServiceError
from runtime.log import logger
from runtime.platforms import Platform
from runtime.timeseries import Point
from services.problems import Invalid
from services.telemetry.bins import Bin, fold, start_of
from services.telemetry.readings import Chunk, LakeReadings, SeriesReadings, Source, Stretch

# A page ends after so many readings or calls, whatever it has by then.
_MOST_READINGS = 50_000
_MOST_CHUNKS = 100
_MOST_OF_BIN = 500_000
AWAY = "the time-series store does not answer; this is what the lake has, whose newest readings come with its next run"

_log = logger("telemetry")


@dataclass(frozen=True)
class Place:
    """Where a page begins: readings of `at` on, without the first `skipped` of that very moment."""

    at: datetime
    skipped: int = 0


@dataclass(frozen=True)
class Page:
    """`next`: where the rest begins, None where there is none. `note` says why it is read from elsewhere than usual."""

    source: Source
    points: Sequence[Point] = ()
    bins: Sequence[Bin] = ()
    next: Place | None = None
    note: str | None = None

    @property
    def is_empty(self) -> bool:
        return not self.points and not self.bins


class _Readings(Protocol):
    @property
    def source(self) -> Source: ...

    def latest(self, contract: Contract, device_id: str) -> Point | None: ...

    def chunks(self, stretch: Stretch, wanted: int, /) -> Iterator[Chunk]: ...


class Series:
    def __init__(self, platform: Platform) -> None:
        self._store: _Readings = SeriesReadings(platform)
        self._lake: _Readings = LakeReadings(platform)

    def latest(self, contracts: Sequence[Contract], device_id: str) -> Page:
        """The newest reading under each contract: of the lake where the store has none of the device."""
        note = None
        try:
            if found := _newest(self._store, contracts, device_id):
                return Page(Source.TIMESERIES, found)
        except ServiceError as error:
            note = _away(error)
        found = _newest(self._lake, contracts, device_id)
        return Page(Source.LAKE, found, note=note) if found or note else Page(Source.TIMESERIES)

    def range(self, stretch: Stretch, place: Place, limit: int, now: datetime) -> Page:
        """At most `limit` readings from `place` on."""
        return self._page(stretch, place, now, lambda readings, part: _range(readings, part, place, limit))

    def bins(self, stretch: Stretch, place: Place, limit: int, width_seconds: int, now: datetime) -> Page:
        """At most `limit` bins that have a reading. One that two stores have a part of is read from the lake as a whole."""
        kept = kept_since(stretch.contract, now)
        if kept is not None and start_of(kept, width_seconds) != kept:
            kept = start_of(kept, width_seconds) + timedelta(seconds=width_seconds)
        return self._page(stretch, place, now, lambda readings, part: _bins(readings, part, limit, width_seconds), kept)

    def _page(self, stretch: Stretch, place: Place, now: datetime, read: "_Reader", kept: datetime | None = None) -> Page:
        boundary = kept or kept_since(stretch.contract, now)
        wanted = replace(stretch, start=place.at)
        if boundary is not None and place.at < boundary:
            page = read(self._lake, replace(wanted, end=min(stretch.end, boundary)))
            if page.next is None and boundary < stretch.end:
                page = replace(page, next=Place(boundary))
            return page
        try:
            page = read(self._store, wanted)
        except ServiceError as error:
            return replace(read(self._lake, wanted), note=_away(error))
        if not page.is_empty or page.next is not None or place.at > stretch.start:
            return page
        # The store may have been made anew, or have missed them.
        instead = read(self._lake, wanted)
        return page if instead.is_empty else instead


class _Reader(Protocol):
    def __call__(self, readings: _Readings, part: Stretch, /) -> Page: ...


def kept_since(contract: Contract, now: datetime) -> datetime | None:
    """From when on the time-series store has all readings; None where it keeps them for ever."""
    return None if contract.timeseries is None else now - timedelta(days=contract.timeseries.keep_days)


def _newest(readings: _Readings, contracts: Sequence[Contract], device_id: str) -> list[Point]:
    return [point for contract in contracts if (point := readings.latest(contract, device_id)) is not None]


def _away(error: ServiceError) -> str:
    _log.warning(f"{error}; the lake is asked instead")
    return AWAY


def _range(readings: _Readings, part: Stretch, place: Place, limit: int) -> Page:
    found: list[Point] = []
    last = place.skipped + limit
    for count, chunk in enumerate(readings.chunks(part, last + 1), 1):
        found += chunk.points
        if len(found) > last:
            return Page(readings.source, _of(part, found[place.skipped : last]), next=_place(found, last))
        if count == _MOST_CHUNKS and chunk.until < part.end:
            return Page(readings.source, _of(part, found[place.skipped :]), next=Place(chunk.until))
    return Page(readings.source, _of(part, found[place.skipped :]))


def _place(found: Sequence[Point], index: int) -> Place:
    at = found[index].time
    return Place(at, sum(1 for point in found[:index] if point.time == at))


def _of(part: Stretch, points: Sequence[Point]) -> list[Point]:
    return [replace(point, measures={name: point.measures[name] for name in part.fields if name in point.measures}) for point in points]


def _bins(readings: _Readings, part: Stretch, limit: int, width: int) -> Page:
    found: list[Point] = []
    until = part.end
    for count, chunk in enumerate(readings.chunks(part, _MOST_READINGS // 2), 1):
        found += chunk.points
        is_much = len(found) > _MOST_READINGS or count >= _MOST_CHUNKS
        # A bin that goes on in the next chunk is left to the next page, unless it is the only one.
        cut = start_of(chunk.until, width)
        if is_much and chunk.until < part.end and cut > (found[0].time if found else part.start):
            until = cut
            break
        if len(found) > _MOST_OF_BIN:
            raise Invalid(f"bins of {width} s: one has more than {_MOST_OF_BIN:,} readings; ask for shorter ones, or ask the lake by SQL")
    bins = fold((point for point in found if point.time < until), part.fields, width)
    if len(bins) > limit:
        return Page(readings.source, bins=bins[:limit], next=Place(bins[limit].start))
    return Page(readings.source, bins=bins, next=Place(until) if until < part.end else None)
