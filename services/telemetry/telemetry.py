"""What the routers ask of telemetry: pages of a device's readings, and SQL over the lake."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property

from lake.contracts import Contract, sound_contracts
from runtime.clock import Clock
from runtime.platforms import Platform
from runtime.timeseries import Value, epoch_ms, moment
from services.paging import Paging
from services.telemetry.answers import Covered, TelemetryAnswer, bin_of, reading
from services.telemetry.lake_query import LakeQueries
from services.telemetry.moments import written
from services.telemetry.readings import Source, Stretch
from services.telemetry.request import Asked, Kind, TelemetryQuery, checked
from services.telemetry.sandbox import Sandbox
from services.telemetry.series import Page, Place, Series, kept_since


class Telemetry:
    def __init__(self, platform: Platform, clock: Clock) -> None:
        self._platform = platform
        self._clock = clock
        self._series = Series(platform)
        self.lake = LakeQueries(platform, clock, Sandbox())

    @classmethod
    def of(cls, platform: Platform, clock: Clock) -> "Telemetry":
        return cls(platform, clock)

    @cached_property
    def _contracts(self) -> Mapping[str, Contract]:
        # Read once: what contracts there are changes when the platform is deployed.
        return sound_contracts(self._platform.settings.contracts_folder)

    def read(self, device_id: str, query: TelemetryQuery, paging: Paging, caller: str) -> TelemetryAnswer:
        """One page. `caller` is whom its token is for. Raises Invalid for what cannot be asked, ServiceError where neither the store
        nor the lake answers."""
        now = self._clock.now()
        asked = checked(query, self._contracts, now)
        listing = _listing(device_id, query)
        place = Place(asked.start)
        if query.next_token is not None:
            given = paging.where(query.next_token, caller=caller, listing=listing)
            # As the first page had them, so that a range up to now does not move.
            asked = replace(asked, start=moment(given["from"]), end=moment(given["to"]))
            place = Place(moment(given["at"]), given["skip"])
        page = self._page(device_id, asked, place, now)
        return TelemetryAnswer(
            device_id=device_id,
            kind=asked.kind,
            source=page.source,
            note=page.note,
            covered=_covered(asked, page, now),
            points=[reading(replace(point, measures=_chosen(point.measures, asked.fields))) for point in page.points],
            bins=[bin_of(each) for each in page.bins],
            next_token=paging.token(_where(asked, page.next), caller=caller, listing=listing) if page.next else None,
        )

    def _page(self, device_id: str, asked: Asked, place: Place, now: datetime) -> Page:
        if asked.kind is Kind.LATEST:
            return self._series.latest(asked.contracts, device_id)
        stretch = Stretch(asked.contracts[0], device_id, asked.fields, asked.start, asked.end)
        if asked.kind is Kind.RANGE:
            return self._series.range(stretch, place, asked.limit, now)
        return self._series.bins(stretch, place, asked.limit, asked.width_seconds, now)


def _listing(device_id: str, query: TelemetryQuery) -> str:
    # Of another size a page may be; all else must stay.
    return f"telemetry {device_id} {query.model_dump_json(exclude={'next_token', 'limit'})}"


def _where(asked: Asked, place: Place) -> dict[str, int]:
    return {"at": epoch_ms(place.at), "skip": place.skipped, "from": epoch_ms(asked.start), "to": epoch_ms(asked.end)}


def _chosen(measures: Mapping[str, Value], fields: Sequence[str]) -> dict[str, Value]:
    return {name: measures[name] for name in fields if name in measures}


def _covered(asked: Asked, page: Page, now: datetime) -> list[Covered]:
    """Which source has what part of the range, as far as this page tells."""
    if asked.kind is Kind.LATEST:
        return []
    boundary = kept_since(asked.contracts[0], now)
    if boundary is None or boundary <= asked.start or boundary >= asked.end:
        source = Source.LAKE if boundary is not None and boundary >= asked.end else page.source
        return [_part(source, asked.start, asked.end)]
    # Beyond the boundary it is as usual, unless this page says otherwise.
    newer = page.source if page.note else Source.TIMESERIES
    return [_part(Source.LAKE, asked.start, boundary), _part(newer, boundary, asked.end)]


def _part(source: Source, start: datetime, end: datetime) -> Covered:
    return Covered.model_validate({"source": source, "from": written(start), "to": written(end)})
