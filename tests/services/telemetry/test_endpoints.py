"""Readings of a device over HTTP: which page, from which source, and what is refused."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from runtime.errors import RetryLater, ServiceError
from runtime.local import LocalPlatform
from runtime.timeseries import Point
from runtime.timeseries_sqlite import SqliteTimeSeries
from tests.services.telemetry.world import World, iso


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def times(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [point["time"] for point in answer.json()["points"]]


def test_the_latest_reading_comes_from_the_time_series_store(world: World) -> None:
    world.store([1, 3], mode="eco")
    answer = world.get()
    assert answer.status_code == 200
    assert answer.json() == {
        "device_id": "b-1",
        "kind": "latest",
        "source": "timeseries",
        "note": None,
        "covered": [],
        "points": [{"time": iso(3), "contract": "boiler", "values": {"water": 53.0, "mode": "eco"}}],
        "bins": [],
        "next_token": None,
    }


def test_a_device_without_readings_is_there_and_has_no_points(world: World) -> None:
    for query in ({}, {"kind": "range", "contract": "boiler"}, {"kind": "bins", "contract": "boiler", "bin": "1h"}):
        answer = world.get(**query)
        assert (answer.status_code, answer.json()["points"], answer.json()["bins"]) == (200, [], [])


def test_a_device_that_is_foreign_and_one_that_is_missing_have_the_same_answer(world: World) -> None:
    world.store([1], device="b-2")
    foreign, missing = world.get(device="b-2"), world.get(device="b-9")
    assert foreign.status_code == missing.status_code == 404
    first, second = ({k: v for k, v in a.json().items() if k not in ("request_id",)} for a in (foreign, missing))
    assert first["code"] == "ResourceNotFoundException"
    assert first == {name: str(v).replace("b-9", "b-2") if isinstance(v, str) else v for name, v in second.items()}


def test_a_range_includes_its_start_and_excludes_its_end(world: World) -> None:
    world.store([0, 1, 2, 3])
    assert times(world.get(kind="range", contract="boiler", from_=iso(1), to=iso(3))) == [iso(1), iso(2)]


def test_a_time_may_be_epoch_milliseconds_or_have_a_zone(world: World) -> None:
    world.store([0, 1, 2])
    # 2026-03-01T12:01:00Z, by `date -d … +%s`.
    assert times(world.get(kind="range", contract="boiler", from_="1772366460000", to="2026-03-01T14:02:00+02:00")) == [iso(1)]


def test_pages_of_a_range_hold_each_reading_once(world: World) -> None:
    world.store(range(25))
    points, pages = walked(world, kind="range", from_=iso(0), to=iso(60), limit=10)
    assert ([point["time"] for point in points], pages) == ([iso(minute) for minute in range(25)], 3)


def walked(world: World, **query: Any) -> tuple[list[dict[str, Any]], int]:
    """The points and bins of all pages, and how many pages they were."""
    seen: list[dict[str, Any]] = []
    token, pages = None, 0
    while token or not pages:
        more: dict[str, Any] = {"next_token": token} if token else {}
        page = world.get(contract="boiler", **query, **more).json()
        seen += page["points"] + page["bins"]
        token, pages = page["next_token"], pages + 1
    return seen, pages


def test_a_page_ends_after_so_many_calls_of_the_store_and_the_next_goes_on(world: World) -> None:
    # The store is asked for 5,000 cadences of a minute at once, and for a page a hundred times: near a year.
    far = 400 * 24 * 60
    world.store([0, far])
    points, pages = walked(world, kind="range", from_=iso(0), to=iso(far + 1))
    assert ([point["time"] for point in points], pages) == ([iso(0), iso(far)], 2)
    bins, pages = walked(world, kind="bins", bin="1d", from_=iso(0), to=iso(far + 1))
    # Days begin at midnight, half a day before noon.
    assert ([each["start"] for each in bins], pages) == ([iso(-720), iso(far - 720)], 2)


def test_of_an_endless_range_only_what_has_readings_is_looked_at(world: World) -> None:
    world.store([0])
    points, pages = walked(world, kind="range", from_="0", to="2199-12-31T00:00:00Z")
    assert ([point["time"] for point in points], pages) == ([iso(0)], 1)


def test_a_page_token_is_worth_nothing_to_another_caller_or_for_another_range(world: World) -> None:
    world.store(range(5))
    token = world.get(kind="range", contract="boiler", from_=iso(0), to=iso(9), limit=2).json()["next_token"]
    for user, end, token_given in (("otto", 9, token), ("vera", 8, token), ("vera", 9, token[:-2]), ("vera", 9, "é")):
        answer = world.get(user, kind="range", contract="boiler", from_=iso(0), to=iso(end), limit=2, next_token=token_given)
        assert (answer.status_code, answer.json()["code"]) == (400, "InvalidNextTokenException")


def test_bins_have_count_min_max_mean_and_last_of_each_number(world: World) -> None:
    world.store([0, 10, 59], starts=2, burning=True, mode="eco")
    world.store([61])
    answer = world.get(kind="bins", contract="boiler", bin="1h", from_=iso(0), to=iso(120))
    assert answer.json()["bins"] == [
        {
            "start": iso(0),
            "readings": 3,
            "numbers": {
                # (50 + 60 + 109) / 3
                "water": {"count": 3, "min": 50.0, "max": 109.0, "mean": 73.0, "last": 109.0},
                "starts": {"count": 3, "min": 2, "max": 2, "mean": 2.0, "last": 2},
            },
        },
        {"start": iso(60), "readings": 1, "numbers": {"water": {"count": 1, "min": 111.0, "max": 111.0, "mean": 111.0, "last": 111.0}}},
    ]


def test_pages_of_bins_are_whole_bins(world: World) -> None:
    world.store(range(0, 300, 20))
    asked: dict[str, Any] = {"kind": "bins", "contract": "boiler", "bin": "1h", "from_": iso(0), "to": iso(300), "limit": 2}
    first = world.get(**asked).json()
    second = world.get(**asked, next_token=first["next_token"]).json()
    third = world.get(**asked, next_token=second["next_token"]).json()
    starts = [[(each["start"], each["readings"]) for each in page["bins"]] for page in (first, second, third)]
    assert starts == [[(iso(0), 3), (iso(60), 3)], [(iso(120), 3), (iso(180), 3)], [(iso(240), 3)]]
    assert third["next_token"] is None


def test_fields_are_those_asked_for(world: World) -> None:
    world.store([1], mode="eco", starts=3)
    assert world.get(fields="starts,mode").json()["points"][0]["values"] == {"starts": 3, "mode": "eco"}
    ranged = world.get(kind="range", contract="boiler", fields="water", from_=iso(0), to=iso(9))
    assert ranged.json()["points"][0]["values"] == {"water": 51.0}


def test_a_whole_number_that_a_double_cannot_hold_is_a_text(world: World) -> None:
    world.store([1], starts=2**53 + 1)
    assert world.get(fields="starts").json()["points"][0]["values"] == {"starts": "9007199254740993"}


def test_what_the_store_does_not_keep_any_more_comes_from_the_lake_and_it_says_so(tmp_path: Path) -> None:
    world = World(tmp_path, keep_days=1)
    world.publish([0, 1])
    world.store([24 * 60 + 30], mode="eco")
    world.clock.advance(days=1)
    asked: dict[str, Any] = {"kind": "range", "contract": "boiler", "from_": iso(0), "to": iso(3000)}
    first = world.get(**asked).json()
    # The clock stands at minute 600 of the next day; a day before is minute 600.
    assert first["covered"] == [
        {"source": "lake", "from": iso(0), "to": iso(600)},
        {"source": "timeseries", "from": iso(600), "to": iso(3000)},
    ]
    assert (first["source"], [p["time"] for p in first["points"]]) == ("lake", [iso(0), iso(1)])
    second = world.get(**asked, next_token=first["next_token"]).json()
    assert (second["source"], [p["time"] for p in second["points"]], second["next_token"]) == ("timeseries", [iso(24 * 60 + 30)], None)


class Away(SqliteTimeSeries):
    def latest(self, *_: Any) -> dict[str, Point]:
        raise RetryLater("it sleeps")

    def range(self, *_: Any) -> list[Point]:
        raise ServiceError("it is gone")

    def span(self, series: str) -> tuple[datetime, datetime] | None:
        raise ServiceError("it is gone")


def without_store(world: World) -> World:
    platform = world.lake.platform
    assert isinstance(platform, LocalPlatform)
    platform.__dict__["_time_series"] = Away(platform.settings.home / "away.db")
    return world


@pytest.mark.parametrize("query", [{}, {"kind": "range"}, {"kind": "bins", "bin": "1h"}])
def test_while_the_store_is_away_the_lake_answers_and_it_says_so(world: World, query: dict[str, str]) -> None:
    world.publish([0, 1])
    answer = without_store(world).get(contract="boiler", **query)
    assert (answer.status_code, answer.json()["source"]) == (200, "lake")
    assert answer.json()["note"].startswith("the time-series store does not answer")
    assert answer.json()["points"] or answer.json()["bins"]


def test_with_neither_store_nor_lake_it_is_the_service_that_is_unavailable_and_nothing_of_it_is_told(world: World) -> None:
    world.publish([0])
    (file,) = (world.lake.platform.settings.home / "lake").rglob("silver/boiler/data/**/*.parquet")
    file.unlink()
    answer = without_store(world).get()
    assert (answer.status_code, answer.json()["code"]) == (503, "ServiceUnavailableException")
    assert str(file.parent) not in answer.text


def test_readings_that_only_the_lake_has_are_found_there(world: World) -> None:
    world.publish([0, 1], mode="eco")
    latest = world.get().json()
    assert (latest["source"], latest["points"]) == (
        "lake",
        [{"time": iso(1), "contract": "boiler", "values": {"water": 51.0, "mode": "eco"}}],
    )
    assert times(world.get(kind="range", contract="boiler", from_=iso(0), to=iso(9))) == [iso(0), iso(1)]


def test_readings_of_one_moment_are_all_given_across_pages_of_the_lake(world: World) -> None:
    same = [world.lake.reading("b-1", 0, boot=f"boot-{n}", starts=n) for n in range(5)]
    world.lake.publish([*same, world.lake.reading("b-1", 1)], "r.1", 500)
    seen, token = [], None
    for _ in range(3):
        more: dict[str, Any] = {"next_token": token} if token else {}
        page = world.get(kind="range", contract="boiler", from_=iso(0), to=iso(9), limit=2, **more).json()
        seen += [point["values"].get("starts") for point in page["points"]]
        token = page["next_token"]
    assert token is None
    assert sorted(seen[:-1]) == [0, 1, 2, 3, 4]
    assert seen[-1] is None


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"contract": "kettle"}, "contract 'kettle': there is none; there are boiler"),
        ({"kind": "range"}, "needs a contract"),
        ({"fields": "water,wine"}, "fields wine: there is no such; the fields are water, starts, burning, mode"),
        ({"fields": ","}, "names nothing"),
        ({"kind": "bins", "contract": "boiler", "bin": "1h", "fields": "mode"}, "the numbers, of which bins are made, are water, starts"),
        ({"kind": "bins", "contract": "boiler"}, "needs bin"),
        ({"kind": "bins", "contract": "boiler", "bin": "0s"}, "1 second to 31 days"),
        ({"kind": "bins", "contract": "boiler", "bin": "32d"}, "1 second to 31 days"),
        ({"kind": "bins", "contract": "boiler", "bin": "1w"}, "is no width"),
        ({"kind": "range", "contract": "boiler", "bin": "1h"}, "bin is for kind=bins"),
        ({"from_": "2026-03-01T00:00:00Z"}, "from is not for kind=latest"),
        ({"kind": "range", "contract": "boiler", "from_": "yesterday"}, "is no time"),
        ({"kind": "range", "contract": "boiler", "from_": "2026-03-01T00:00:00"}, "the time has no zone"),
        ({"kind": "range", "contract": "boiler", "to": "1969-12-31T00:00:00Z"}, "times are from 1970"),
        ({"kind": "range", "contract": "boiler", "to": "9" * 14}, "times are from 1970"),
        ({"kind": "range", "contract": "boiler", "to": "9" * 15}, "is no time"),
        ({"kind": "range", "contract": "boiler", "from_": "2026-03-01T00:00:00Z", "to": "2026-03-01T00:00:00Z"}, "not before to"),
        ({"limit": "0"}, "query.limit"),
        ({"limit": "1001"}, "query.limit"),
        ({"kind": "all"}, "query.kind"),
        ({"nonsense": "1"}, "query.nonsense"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_to_do(world: World, query: dict[str, str], words: str) -> None:
    answer = world.get(**query)
    assert (answer.status_code, answer.json()["code"]) == (400, "ValidationException")
    assert words in answer.text


def test_without_a_token_nobody_reads(world: World) -> None:
    assert world.client.get("/api/v1/devices/b-1/telemetry").status_code == 401
    assert world.get(user="mallory").status_code == 401
