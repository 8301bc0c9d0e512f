"""Every adapter of the time-series port, each with an empty store behind it: the embedded one, and stand-ins where AWS has the real one."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from runtime.influx_http import InfluxHttp
from runtime.timeseries import TimeSeries
from runtime.timeseries_influx import InfluxTimeSeries
from runtime.timeseries_sqlite import SqliteTimeSeries
from runtime.timeseries_timestream import TimestreamTimeSeries
from tests.ports.influx_stand_in import ORG, TOKEN, influx_stand_in
from tests.ports.timestream_stand_in import TimestreamStandIn

Maker = Callable[[], TimeSeries]


@contextmanager
def sqlite(folder: Path) -> Iterator[Maker]:
    yield lambda: SqliteTimeSeries(folder / "timeseries.db")


@contextmanager
def influx(_folder: Path) -> Iterator[Maker]:
    with influx_stand_in() as server:
        yield lambda: InfluxTimeSeries(InfluxHttp(server.url, ORG, TOKEN), "fleet")


@contextmanager
def timestream(_folder: Path) -> Iterator[Maker]:
    clients = TimestreamStandIn()
    yield lambda: TimestreamTimeSeries(clients, clients, "fleet")


ADAPTERS: dict[str, Callable[[Path], AbstractContextManager[Maker]]] = {"sqlite": sqlite, "influx": influx, "timestream": timestream}
