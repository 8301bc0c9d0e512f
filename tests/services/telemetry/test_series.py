"""Pages of readings are the same from every time-series store that there is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runtime.timeseries import Point, Value
from services.telemetry.readings import Source, Stretch
from services.telemetry.series import Page, Place, Series
from tests.lake.small_lake import SmallLake
from tests.ports.adapters import ADAPTERS
from tests.services.telemetry.world import at


@pytest.fixture(params=ADAPTERS)
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SmallLake]:
    made = SmallLake(tmp_path / "home")
    with ADAPTERS[request.param](tmp_path) as store:
        made.platform.__dict__["_time_series"] = store()
        yield made


def stretch(lake: SmallLake, start: float, end: float, *fields: str) -> Stretch:
    return Stretch(lake.boiler, "b-1", fields or ("water", "starts", "burning", "mode"), at(start), at(end))


def shown(page: Page) -> list[Any]:
    return [(point.time, dict(point.measures)) for point in page.points]


def test_ranges_bins_and_the_latest(lake: SmallLake) -> None:
    values: dict[str, Value] = {"water": 1.5, "starts": 2, "burning": True, "mode": "eco"}
    points = [Point("boiler", device, at(minute), values | {"starts": minute}) for device in ("b-1", "b-2") for minute in range(5)]
    assert lake.platform.time_series().write(points) == []
    series, now = Series(lake.platform), at(600)
    first = series.range(stretch(lake, 1, 4), Place(at(1)), 2, now)
    assert shown(first) == [(at(1), values | {"starts": 1}), (at(2), values | {"starts": 2})]
    assert first.next == Place(at(3))
    second = series.range(stretch(lake, 1, 4, "starts"), Place(at(3)), 2, now)
    assert (shown(second), second.next, second.source) == ([(at(3), {"starts": 3})], None, Source.TIMESERIES)
    assert shown(series.latest([lake.boiler], "b-1")) == [(at(4), values | {"starts": 4})]
    bins = series.bins(stretch(lake, 0, 5, "starts"), Place(at(0)), 10, 120, now).bins
    assert [(each.start, each.numbers["starts"].count, each.numbers["starts"].last) for each in bins] == [
        (at(0), 2, 1),
        (at(2), 2, 3),
        (at(4), 1, 4),
    ]


def test_a_device_of_which_neither_has_anything(lake: SmallLake) -> None:
    series = Series(lake.platform)
    assert series.latest([lake.boiler], "b-1").is_empty
    assert series.range(stretch(lake, 0, 5), Place(at(0)), 2, at(600)) == Page(Source.TIMESERIES, [])
