"""What is InfluxDB's own: line protocol, partial writes, a busy or refusing server, compression, and a token that nobody sees."""

import gzip
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from runtime.errors import RetryLater, ServiceError
from runtime.influx_http import InfluxHttp
from runtime.influx_lines import line_of
from runtime.timeseries import Point, Reject, Value
from runtime.timeseries_influx import InfluxTimeSeries
from tests.ports.influx_lines import read_line, split_lines
from tests.ports.influx_stand_in import ORG, TOKEN, InfluxStandIn, Reply, influx_stand_in

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOON_MS = 1_772_366_400_000


@pytest.fixture
def server() -> Iterator[InfluxStandIn]:
    with influx_stand_in() as running:
        yield running


@pytest.fixture
def store(server: InfluxStandIn) -> InfluxTimeSeries:
    return InfluxTimeSeries(InfluxHttp(server.url, ORG, TOKEN), "fleet")


def point(minute: int = 0, device: str = "p-1", /, **measures: Value) -> Point:
    return Point("pump", device, NOON + timedelta(minutes=minute), measures or {"pressure": float(minute)})


def writes(server: InfluxStandIn) -> list[int]:
    """Lines of each write that came."""
    return [len(split_lines(request.body.decode())) for request in server.requests if request.path == "/api/v2/write"]


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (point(0, pressure=1.5), f"pump,Device=p-1 pressure=1.5,Point=1i {NOON_MS}"),
        (point(0, load=7, is_on=False), f"pump,Device=p-1 is_on=false,load=7i,Point=1i {NOON_MS}"),
        (point(0, "a b,c=d", pressure=1e22), rf"pump,Device=a\ b\,c\=d pressure=1e+22,Point=1i {NOON_MS}"),
        (point(0, note='say "hi" \\ there'), rf'pump,Device=p-1 note="say \"hi\" \\ there",Point=1i {NOON_MS}'),
        (point(0, time=2.0, flow=None), f"pump,Device=p-1 Time=2.0,Point=1i {NOON_MS}"),
        (Point("pump", "p-1", datetime(1969, 12, 31, 23, 59, 59, 999_000, UTC), {}), "pump,Device=p-1 Point=1i -1"),
    ],
)
def test_a_point_is_a_line(given: Point, line: str) -> None:
    assert line_of(given) == line
    assert read_line(line_of(given)).time * 1000 == round(given.time.timestamp() * 1_000_000)


@pytest.mark.parametrize("device", ["", "a\nb", "a\\", "a\x00", "\t"])
def test_a_device_that_no_tag_can_be_is_refused_alone(device: str, store: InfluxTimeSeries) -> None:
    (reject,) = store.write([point(0), point(1, device), point(2)])
    assert (reject.index, "device id" in reject.reason, store.count("pump")) == (1, True, 2)


def test_a_time_that_does_not_fit_is_refused_alone(store: InfluxTimeSeries) -> None:
    far = Point("pump", "p-1", datetime(9999, 1, 1, tzinfo=UTC), {"pressure": 1.0})
    assert [reject.index for reject in store.write([far, point(0)])] == [0]
    assert store.count("pump") == 1


def test_a_field_of_another_type_is_refused_alone_and_found_by_halves(store: InfluxTimeSeries, server: InfluxStandIn) -> None:
    store.write([point(0, pressure=1.0)])
    server.requests.clear()
    points = [point(minute, pressure=7 if minute in (3, 90) else float(minute)) for minute in range(1, 101)]
    rejects = store.write(points)
    assert [reject.index for reject in rejects] == [2, 89]
    assert all("field type conflict" in reject.reason for reject in rejects)
    assert store.count("pump") == 99
    # Far fewer than a request a line.
    assert len(writes(server)) < 32


def test_points_beyond_the_retention_are_refused_in_one_answer(store: InfluxTimeSeries, server: InfluxStandIn) -> None:
    store.write([point(0)])
    store.retain("pump", 7, NOON)
    server.now_ms = NOON_MS + 8 * 86_400_000
    server.requests.clear()
    rejects = store.write([point(minute) for minute in range(50)])
    assert [reject.index for reject in rejects] == list(range(50))
    assert "beyond retention" in rejects[0].reason
    assert writes(server) == [50]


def test_influxdb_3_names_the_lines_that_it_refused(store: InfluxTimeSeries, server: InfluxStandIn) -> None:
    told = [{"original_line": "…", "line_number": 2, "error_message": "invalid column type"}]
    server.replies.append(Reply(400, {"error": "partial write of line protocol occurred", "data": told}))
    assert store.write([point(0), point(1), point(2)]) == [Reject(1, "invalid column type")]
    assert writes(server) == [3]


def test_what_is_too_large_goes_in_halves(store: InfluxTimeSeries, server: InfluxStandIn) -> None:
    store.write([point(0)])
    server.requests.clear()
    server.replies.append(Reply(413, {"code": "request too large", "message": "too large"}))
    assert store.write([point(minute) for minute in range(10)]) == []
    assert (writes(server), store.count("pump")) == ([10, 5, 5], 10)


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (429, {"Retry-After": "17"}, "is busy (429); try again in 17 s"),
        (503, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, "is busy (503); try again later"),
        (503, {}, "is busy (503); try again later"),
        (500, {}, "failed (500 engine is away); try again later"),
    ],
)
def test_a_server_that_cannot_now_says_later(
    status: int, headers: dict[str, str], words: str, store: InfluxTimeSeries, server: InfluxStandIn
) -> None:
    server.replies.append(Reply(status, {"code": "unavailable", "message": "engine\n is away"}, headers))
    with pytest.raises(RetryLater) as caught:
        store.write([point(0)])
    assert words in str(caught.value)
    assert (store.write([point(0)]), store.count("pump")) == ([], 1)


def test_a_server_that_is_away_says_later() -> None:
    with influx_stand_in() as gone:
        address = gone.url
    store = InfluxTimeSeries(InfluxHttp(address, ORG, TOKEN), "fleet")
    for ask in (lambda: store.write([point(0)]), lambda: store.count("pump"), lambda: store.latest("pump", ["p-1"])):
        with pytest.raises(RetryLater, match="does not answer"):
            ask()


def test_a_token_that_is_refused_is_no_secret_in_any_message(server: InfluxStandIn, caplog: pytest.LogCaptureFixture) -> None:
    store = InfluxTimeSeries(InfluxHttp(server.url, ORG, "wr0ng-token"), "fleet")
    with caplog.at_level(logging.DEBUG), pytest.raises(ServiceError, match="set FLEETLAKE_INFLUX_TOKEN") as caught:
        store.write([point(0)])
    assert not isinstance(caught.value, RetryLater)
    assert "wr0ng" not in f"{caught.value}{caplog.text}"
    assert [request.headers["Authorization"] for request in server.requests] == ["Token wr0ng-token"]


def test_an_organisation_that_is_not_there_is_named(server: InfluxStandIn) -> None:
    store = InfluxTimeSeries(InfluxHttp(server.url, "emca", TOKEN), "fleet")
    with pytest.raises(ServiceError, match="has no organisation emca; set FLEETLAKE_INFLUX_ORG"):
        store.write([point(0)])


def test_large_bodies_are_compressed_and_small_ones_are_not(server: InfluxStandIn) -> None:
    http = InfluxHttp(server.url, ORG, TOKEN)
    for body in (b"x" * 10, b"x" * 5_000):
        http.call("POST", "/nothing", {}, body)
    small, large = server.requests
    assert ("Content-Encoding" in small.headers, small.body) == (False, b"x" * 10)
    assert (large.headers["Content-Encoding"], large.body) == ("gzip", b"x" * 5_000)
    assert int(large.headers["Content-Length"]) == len(gzip.compress(b"x" * 5_000, 1))


def test_many_points_go_in_writes_of_five_thousand(store: InfluxTimeSeries, server: InfluxStandIn) -> None:
    store.write([point(0)])
    server.requests.clear()
    assert store.write([point(minute) for minute in range(5_001)]) == []
    assert (writes(server), store.count("pump")) == ([5_000, 1], 5_001)


def test_a_bucket_is_made_once_by_the_first_write_and_never_by_a_read(store: InfluxTimeSeries, server: InfluxStandIn) -> None:
    store.retain("pump", 7, NOON)
    assert (store.count(), store.span("pump"), server.buckets) == (0, None, {})
    store.write([point(0)])
    store.write([point(1)])
    assert list(server.buckets) == ["fleet_pump"]
    assert sum(request.method == "POST" and request.path == "/api/v2/buckets" for request in server.requests) == 1


def test_a_measure_that_another_client_added_comes_with_its_type(server: InfluxStandIn) -> None:
    ours, other = (InfluxTimeSeries(InfluxHttp(server.url, ORG, TOKEN), "fleet") for _ in range(2))
    ours.write([point(0)])
    assert ours.latest("pump", ["p-1"]) == {"p-1": point(0)}
    other.write([point(1, flow=3.0, load=3)])
    (newest,) = ours.latest("pump", ["p-1"]).values()
    assert {name: type(value) for name, value in newest.measures.items()} == {"flow": float, "load": int}


def test_a_query_that_is_refused_is_said(store: InfluxTimeSeries, server: InfluxStandIn) -> None:
    store.write([point(0)])
    server.replies.append(Reply(400, {"results": [{"error": "error parsing query: found EOF"}]}))
    with pytest.raises(ServiceError, match=r"read of pump at .*: 400 error parsing query"):
        store.count("pump")
