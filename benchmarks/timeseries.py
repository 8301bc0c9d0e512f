"""The embedded time-series store beside DuckDB on the same points: append, latest of every device, a day of one, hourly bins.

``python -m benchmarks.timeseries [--devices N] [--readings N] [--batch N]``. Every store answers the same questions, and the answers
are compared before anything is timed. CPU seconds of one core for what is written, wall milliseconds (median) for what is asked.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import duckdb

from runtime.timeseries import Point, epoch_ms, moment
from runtime.timeseries_sqlite import SqliteTimeSeries

SERIES = "pump"
FIELDS = tuple(f"f{number}" for number in range(10))
START = datetime(2026, 3, 1, tzinfo=UTC)
CADENCE_SECONDS = 600
ASKED = 50


class Store(Protocol):
    def write(self, points: Sequence[Point]) -> Any: ...
    def latest(self, devices: list[str]) -> dict[str, float]: ...
    def day(self, device: str, start: datetime) -> list[float]: ...
    def hours(self, device: str, start: datetime, days: int) -> list[tuple[datetime, int, float]]: ...


class Ours:
    def __init__(self, folder: Path) -> None:
        self._store = SqliteTimeSeries(folder / "ours.db")

    def write(self, points: Sequence[Point]) -> Any:
        return self._store.write(points)

    def latest(self, devices: list[str]) -> dict[str, float]:
        return {device: float(point.measures["f0"] or 0) for device, point in self._store.latest(SERIES, devices).items()}

    def day(self, device: str, start: datetime) -> list[float]:
        return [float(point.measures["f0"] or 0) for point in self._store.range(SERIES, device, start, start + timedelta(days=1))]

    def hours(self, device: str, start: datetime, days: int) -> list[tuple[datetime, int, float]]:
        found = self._store.bins(SERIES, device, "f0", start, start + timedelta(days=days), 3600)
        return [(one.start, one.count, one.mean) for one in found]


class Duck:
    """As fast as it goes: rows come as an Arrow table; with `key`, redelivery is idempotent as our port asks."""

    def __init__(self, folder: Path, key: bool) -> None:
        self._duck = duckdb.connect(str(folder / f"duck{key}.db"))
        self._duck.execute("SET threads = 1")
        columns = ", ".join(f"{name} DOUBLE" for name in FIELDS)
        self._duck.execute(f"CREATE TABLE t (device VARCHAR, ms BIGINT, {columns}{', PRIMARY KEY (device, ms)' if key else ''})")
        self._conflict = " ON CONFLICT DO NOTHING" if key else ""

    def write(self, points: Sequence[Point]) -> Any:
        import pyarrow as pa

        columns: dict[str, list[Any]] = {"device": [p.device_id for p in points], "ms": [epoch_ms(p.time) for p in points]}
        columns |= {name: [p.measures[name] for p in points] for name in FIELDS}
        batch = pa.table(columns)
        self._duck.register("batch", batch)
        self._duck.execute(f"INSERT INTO t SELECT * FROM batch{self._conflict}")  # noqa: S608 - one of two endings that stand above
        self._duck.unregister("batch")

    def latest(self, devices: list[str]) -> dict[str, float]:
        sql = "SELECT device, max_by(f0, ms) FROM t WHERE device IN (SELECT unnest(?)) GROUP BY device"
        return dict(self._duck.execute(sql, [devices]).fetchall())

    def day(self, device: str, start: datetime) -> list[float]:
        bounds = [device, epoch_ms(start), epoch_ms(start + timedelta(days=1))]
        rows = self._duck.execute("SELECT * FROM t WHERE device = ? AND ms >= ? AND ms < ? ORDER BY ms", bounds).fetchall()
        return [row[2] for row in rows]

    def hours(self, device: str, start: datetime, days: int) -> list[tuple[datetime, int, float]]:
        bounds = [device, epoch_ms(start), epoch_ms(start + timedelta(days=days))]
        sql = "SELECT ms // 3600000, count(f0), avg(f0) FROM t WHERE device = ? AND ms >= ? AND ms < ? GROUP BY 1 ORDER BY 1"
        return [(moment(hour * 3_600_000), count, mean) for hour, count, mean in self._duck.execute(sql, bounds).fetchall()]


def batches(devices: int, readings: int, batch: int) -> Iterator[list[Point]]:
    """The same each time, in the order of time, as a fleet sends them."""
    rng = random.Random(7)
    points = (
        Point(SERIES, f"p-{d}", START + timedelta(seconds=CADENCE_SECONDS * n), {name: rng.gauss(50, 5) for name in FIELDS})
        for n in range(readings)
        for d in range(devices)
    )
    while part := list(islice(points, batch)):
        yield part


def measure(devices: int, readings: int, batch: int) -> dict[str, dict[str, float]]:
    """The figures of each store. Raises AssertionError where two stores do not answer alike."""
    names = [f"p-{number}" for number in range(devices)]
    last_day = START + timedelta(seconds=CADENCE_SECONDS * readings) - timedelta(days=1)
    figures: dict[str, dict[str, float]] = {}
    answers: list[Any] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        makers: dict[str, Callable[[], Store]] = {
            "SQLite, ours": lambda: Ours(folder),
            "DuckDB": lambda: Duck(folder, key=False),
            "DuckDB with key": lambda: Duck(folder, key=True),
        }
        for title, make in makers.items():
            store = make()
            before = sum(file.stat().st_size for file in folder.iterdir())
            append = 0.0
            for points in batches(devices, readings, batch):
                begun = time.process_time()
                store.write(points)
                append += time.process_time() - begun
            one = names[devices // 2]
            questions: dict[str, Callable[[], Any]] = {
                f"latest of {devices}, ms": partial(store.latest, names),
                "24 h of one device, ms": partial(store.day, one, last_day),
                "hourly bins of 24 h, ms": partial(store.hours, one, last_day, 1),
                "hourly bins of 7 d, ms": partial(store.hours, one, START, 7),
            }
            answers.append([_rounded(ask()) for ask in questions.values()])
            size = (sum(file.stat().st_size for file in folder.iterdir()) - before) / 1e6
            figures[title] = {"append, CPU µs a reading": append / (devices * readings) * 1e6, "MB": size}
            figures[title] |= {question: _milliseconds(ask) for question, ask in questions.items()}
    assert all(answer == answers[0] for answer in answers), "the stores do not answer alike"
    return figures


def _rounded(answer: Any) -> Any:
    """Means may differ in the last digits by the order of adding up."""
    if isinstance(answer, dict):
        return {name: round(value, 9) for name, value in sorted(answer.items())}
    return [(one[0], one[1], round(one[2], 6)) if isinstance(one, tuple) else round(one, 9) for one in answer]


def _milliseconds(ask: Callable[[], Any]) -> float:
    taken = []
    for _ in range(ASKED):
        begun = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=1_000)
    parser.add_argument("--readings", type=int, default=1_000, help="of each device")
    parser.add_argument("--batch", type=int, default=1_000, help="readings in one transaction")
    asked = parser.parse_args()
    figures = measure(asked.devices, asked.readings, asked.batch)
    print(
        f"timeseries: {asked.devices} devices x {asked.readings} readings x {len(FIELDS)} fields, {asked.batch} a transaction, "
        f"{datetime.now(UTC):%Y-%m-%d}"
    )
    titles = list(figures)
    print(f"  {'':28}" + "".join(f"{title:>18}" for title in titles))
    for row in figures[titles[0]]:
        print(f"  {row:28}" + "".join(f"{figures[title][row]:18.2f}" for title in titles))


if __name__ == "__main__":
    main()
