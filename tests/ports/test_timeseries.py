"""What every time-series store must keep. A new adapter is added to ADAPTERS in tests/ports/adapters.py and nothing else."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.errors import UserError
from runtime.timeseries import Bin, Point, TimeSeries, Value
from tests.ports.adapters import ADAPTERS, Maker

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(params=list(ADAPTERS.values()), ids=list(ADAPTERS))
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Maker]:
    """Makes one more client of the same empty store."""
    with request.param(tmp_path) as maker:
        yield maker


@pytest.fixture
def store(make: Callable[[], TimeSeries]) -> TimeSeries:
    return make()


def point(minute: float = 0, device: str = "p-1", series: str = "pump", /, **measures: Value) -> Point:
    return Point(series, device, NOON + timedelta(minutes=minute), measures or {"pressure": 1.0 + minute})


def until(minute: float) -> tuple[datetime, datetime]:
    return NOON, NOON + timedelta(minutes=minute)


def test_an_empty_store_answers(store: TimeSeries) -> None:
    assert (store.latest("pump", ["p-1"]), store.range("pump", "p-1", *until(9)), store.count()) == ({}, [], 0)
    assert store.bins("pump", "p-1", "pressure", *until(9), 60) == []
    assert store.write([]) == []


def test_values_come_back_as_they_were_written(store: TimeSeries) -> None:
    written = point(
        0, number=0.1 + 0.2, whole=2**53 + 1, is_on=True, is_off=False, text='grün \'x\' "y", z=1\\ \\" \n # \x00', least=-(2**63)
    )
    assert store.write([written]) == []
    (found,) = store.range("pump", "p-1", *until(1))
    assert found == written
    assert {name: type(value) for name, value in found.measures.items()} == {n: type(v) for n, v in written.measures.items()}


def test_times_keep_their_milliseconds(store: TimeSeries) -> None:
    at = datetime(2026, 3, 1, 12, 0, 0, 1000, tzinfo=UTC)
    store.write([Point("pump", "p-1", at, {"pressure": 1.0}), Point("pump", "p-1", at + timedelta(milliseconds=1), {"pressure": 2.0})])
    assert [found.time for found in store.range("pump", "p-1", *until(1))] == [at, at + timedelta(milliseconds=1)]


def test_writing_the_same_points_again_changes_nothing(store: TimeSeries) -> None:
    points = [point(minute) for minute in range(5)]
    for _ in range(3):
        assert store.write(points) == []
    assert (store.count("pump"), store.range("pump", "p-1", *until(9))) == (5, points)


def test_the_same_point_twice_in_one_write_is_one(store: TimeSeries) -> None:
    assert store.write([point(0), point(0)]) == []
    assert store.count("pump") == 1


def test_a_range_includes_its_start_and_excludes_its_end(store: TimeSeries) -> None:
    store.write([point(minute) for minute in (0, 1, 2)])
    assert store.range("pump", "p-1", *until(2)) == [point(0), point(1)]


def test_a_range_is_in_the_order_of_time_and_of_one_device(store: TimeSeries) -> None:
    store.write([point(2), point(0, "p-2"), point(0), point(1)])
    assert store.range("pump", "p-1", *until(9)) == [point(0), point(1), point(2)]


def test_series_do_not_mix(store: TimeSeries) -> None:
    store.write([point(0), point(0, "p-1", "room", pressure=9.0)])
    assert (store.count("pump"), store.count("room"), store.count(), store.count("other")) == (1, 1, 2, 0)
    assert store.latest("room", ["p-1"])["p-1"].measures == {"pressure": 9.0}


def test_latest_is_the_newest_by_time_and_not_by_arrival(store: TimeSeries) -> None:
    store.write([point(5), point(7, "p-2")])
    store.write([point(3)])
    assert store.latest("pump", ["p-1", "p-2", "p-3"]) == {"p-1": point(5), "p-2": point(7, "p-2")}


def test_a_measure_that_is_null_is_the_same_as_an_absent_one(store: TimeSeries) -> None:
    store.write([point(0, pressure=1.0, flow=None), point(1, flow=2.0)])
    assert [found.measures for found in store.range("pump", "p-1", *until(9))] == [{"pressure": 1.0}, {"flow": 2.0}]


def test_a_point_without_any_value_is_a_point(store: TimeSeries) -> None:
    store.write([Point("pump", "p-1", NOON, {"flow": None})])
    assert [found.measures for found in store.range("pump", "p-1", *until(9))] == [{}]


def test_a_new_measure_joins_a_series(store: TimeSeries) -> None:
    store.write([point(0)])
    store.write([point(1, pressure=2.0, flow=7)])
    assert [found.measures for found in store.range("pump", "p-1", *until(9))] == [{"pressure": 1.0}, {"pressure": 2.0, "flow": 7}]


def test_a_refused_point_costs_no_other(store: TimeSeries) -> None:
    bad = [
        point(1, **{"Pressure; drop": 1.0}),
        point(2, pressure=2**64),
        point(3, pressure=float("nan")),
        point(4, pressure=float("-inf")),
        Point("no such; series", "p-1", NOON, {"pressure": 1.0}),
    ]
    rejects = store.write([point(0), *bad, point(9)])
    assert [reject.index for reject in rejects] == [1, 2, 3, 4, 5]
    assert all(reject.reason for reject in rejects)
    assert store.range("pump", "p-1", *until(10)) == [point(0), point(9)]


def test_other_values_for_a_point_are_refused_where_the_store_says_so_unless_they_are_newer(store: TimeSeries) -> None:
    old, same, new = (replace(point(0, pressure=value), version=version) for value, version in ((1.0, 5), (2.0, 5), (3.0, 6)))
    assert store.write([old]) == []
    assert [reject.index for reject in store.write([point(1), same])] == ([1] if store.rejects_stale else [])
    if store.rejects_stale:
        assert store.latest("pump", ["p-1"])["p-1"] == point(1)
        assert store.write([new]) == []
        assert [reject.index for reject in store.write([old])] == [0]
        assert store.range("pump", "p-1", *until(1)) == [point(0, pressure=3.0)]


def test_a_text_without_letters_costs_nothing_else(store: TimeSeries) -> None:
    assert store.write([point(0, pressure=1.0, mode="")]) == []
    (found,) = store.range("pump", "p-1", *until(1))
    assert {**found.measures, "mode": ""} == {"pressure": 1.0, "mode": ""}


def test_bins_hold_count_least_most_and_mean(store: TimeSeries) -> None:
    store.write([point(minute, pressure=value) for minute, value in ((0, 1.0), (1, 2.0), (1.5, 6.0), (4, -1.0))])
    found = store.bins("pump", "p-1", "pressure", *until(5), 120)
    assert found == [
        Bin(NOON, 3, 1.0, 6.0, 3.0),
        Bin(NOON + timedelta(minutes=4), 1, -1.0, -1.0, -1.0),
    ]


def test_bins_are_aligned_to_the_epoch_and_leave_out_nulls(store: TimeSeries) -> None:
    early = datetime(1969, 12, 31, 23, 59, 30, tzinfo=UTC)
    store.write([Point("pump", "p-1", early, {"flow": 4}), point(1, flow=3, pressure=1.0), point(2, pressure=1.0)])
    found = store.bins("pump", "p-1", "flow", early, NOON + timedelta(minutes=5), 60)
    assert [(one.start, one.count, one.mean) for one in found] == [
        (datetime(1969, 12, 31, 23, 59, tzinfo=UTC), 1, 4.0),
        (NOON + timedelta(minutes=1), 1, 3.0),
    ]


@pytest.mark.parametrize("measure", ["mode", "is_on", "absent", "pressure; drop table", "device_id"])
def test_bins_of_what_is_no_number_are_refused(store: TimeSeries, measure: str) -> None:
    store.write([point(0, pressure=1.0, mode="auto", is_on=True)])
    with pytest.raises(UserError, match="bins of pump"):
        store.bins("pump", "p-1", measure, *until(5), 60)


def test_bins_of_no_width_are_refused(store: TimeSeries) -> None:
    store.write([point(0)])
    with pytest.raises(UserError, match="width"):
        store.bins("pump", "p-1", "pressure", *until(5), 0)


def test_windows_hold_the_statistics_of_every_device(store: TimeSeries) -> None:
    store.write([point(minute, pressure=value, starts=3) for minute, value in ((0, 0.0), (59, 6.0), (60, -1.0))])
    store.write([point(5, "p-2", flow=2.5, mode="auto", is_on=True), point(125, "p-2", flow=9.0)])
    found = sorted(store.windows("pump", *until(120), 3600), key=lambda one: (one.device_id, one.time))
    starts = {"starts_count": 2, "starts_min": 3, "starts_max": 3, "starts_mean": 3.0}
    assert found == [
        point(0, pressure_count=2, pressure_min=0.0, pressure_max=6.0, pressure_mean=3.0, **starts),
        point(60, pressure_count=1, pressure_min=-1.0, pressure_max=-1.0, pressure_mean=-1.0, **(starts | {"starts_count": 1})),
        point(0, "p-2", flow_count=1, flow_min=2.5, flow_max=2.5, flow_mean=2.5),
    ]
    # As a series of their own they are written, whole and not: a count is a whole number.
    assert {type(value) for name, value in found[0].measures.items() if name.endswith("_count")} == {int}


def test_windows_of_nothing_are_none_and_of_no_width_are_refused(store: TimeSeries) -> None:
    assert store.windows("pump", *until(120), 3600) == []
    store.write([point(0, mode="auto")])
    assert store.windows("pump", *until(120), 3600) == []
    with pytest.raises(UserError, match="width"):
        store.windows("pump", *until(120), 0)


def test_a_span_is_the_oldest_and_the_newest_time(store: TimeSeries) -> None:
    assert store.span("pump") is None
    store.write([point(5), point(2, "p-2"), point(9, "p-3"), point(3, "p-2", "room")])
    assert store.span("pump") == (point(2).time, point(9).time)


def test_what_is_retained_stays(store: TimeSeries) -> None:
    store.retain("pump", 7, NOON)
    store.write([point(0), point(60, "p-2"), point(0, "p-1", "room")])
    for _ in range(2):
        store.retain("pump", 7, NOON + timedelta(days=7))
        assert store.range("pump", "p-1", *until(1)) == [point(0)]
        assert (store.count("pump"), store.count("room")) == (2, 1)


@pytest.mark.parametrize("name", ["Pump", "pump; drop", "", 'p"u'])
def test_what_no_series_can_be_called_is_refused(store: TimeSeries, name: str) -> None:
    for ask in (lambda: store.count(name), lambda: store.span(name), lambda: store.range(name, "p-1", *until(1))):
        with pytest.raises(UserError, match="name of a series"):
            ask()


def test_fields_may_be_called_as_the_store_calls_its_own(store: TimeSeries) -> None:
    written = point(0, time=1.0, device=2.0, device_id=3.0, select=4.0, order=5.0)
    assert store.write([written]) == []
    assert store.range("pump", "p-1", *until(1)) == [written]


def test_device_ids_are_any_text(store: TimeSeries) -> None:
    odd = "p'1\"; -- ü"
    store.write([point(0, odd)])
    assert store.latest("pump", [odd]) == {odd: point(0, odd)}


def test_several_writers_and_a_reader_at_once_lose_nothing(make: Callable[[], TimeSeries]) -> None:
    make().write([point(0, "p-0")])
    done = threading.Event()

    def write(writer: int) -> None:
        mine = make()
        for start in range(0, 200, 10):
            assert mine.write([point(minute, f"p-{writer}") for minute in range(start, start + 10)]) == []

    def read() -> list[int]:
        mine, seen = make(), []
        while not done.is_set():
            seen.append(mine.count("pump"))
        return seen

    with ThreadPoolExecutor(5) as pool:
        reader = pool.submit(read)
        for writing in [pool.submit(write, writer) for writer in range(1, 5)]:
            writing.result()
        done.set()
        seen = reader.result()
    assert make().count("pump") == 801
    # No reader sees half of a write.
    assert all((count - 1) % 10 == 0 for count in seen)


_MEASURES = st.dictionaries(
    st.sampled_from(["a", "b", "c"]), st.none() | st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=3
)
_POINTS = st.lists(st.tuples(st.integers(0, 20), st.sampled_from(["p-1", "p-2"]), _MEASURES), max_size=12)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=_POINTS)
def test_any_points_written_twice_are_there_once(make: Callable[[], TimeSeries], written: list[tuple[int, str, dict[str, Value]]]) -> None:
    store = make()
    series = f"s{store.count()}x{threading.get_ident()}"
    first: dict[tuple[int, str], dict[str, Value]] = {}
    for minute, device, measures in written:
        first.setdefault((minute, device), {name: value for name, value in measures.items() if value is not None})
    points = [Point(series, device, NOON + timedelta(minutes=minute), measures) for (minute, device), measures in first.items()]
    store.write(points)
    store.write(points)
    found = {device: store.range(series, device, *until(30)) for device in ("p-1", "p-2")}
    assert {(p.time, d): p.measures for d, of_device in found.items() for p in of_device} == {
        (NOON + timedelta(minutes=minute), device): measures for (minute, device), measures in first.items()
    }
