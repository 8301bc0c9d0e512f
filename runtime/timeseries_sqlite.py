"""The embedded time-series store of a laptop: SQLite in WAL mode, a row a reading, a column a measure.

Durable, written by several processes at once, read by many meanwhile. A point is known by device and time; the first stays.
"""

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from typing import Any

from runtime.errors import RetryLater, ServiceError
from runtime.timeseries import (
    STATISTICS,
    Bin,
    Point,
    Reject,
    Value,
    check_bins,
    check_series,
    check_width,
    epoch_ms,
    fault_of,
    moment,
    numbers,
)

# Columns that no measure can be called, and tables that cannot be taken for SQLite's own.
_KEY = ("_device", "_time")
_TABLE = "series_"
_DECLARED: dict[type, str] = {bool: "BOOLEAN", int: "INTEGER", float: "REAL", str: "TEXT"}
_TYPES = {name: kind for kind, name in _DECLARED.items()}
_BUSY_SECONDS = 5


class SqliteTimeSeries:
    rejects_stale = False
    can_erase = True

    def __init__(self, file: Path) -> None:
        self._file = file
        self._of_thread = threading.local()

    def write(self, points: Sequence[Point]) -> list[Reject]:
        rejects = []
        groups: dict[tuple[str, tuple[str, ...]], list[Point]] = {}
        for index, point in enumerate(points):
            reason = fault_of(point)
            if reason:
                rejects.append(Reject(index, reason))
            else:
                groups.setdefault((point.series, _measured(point)), []).append(point)
        with self._transaction() as connection:
            for (series, names), members in groups.items():
                _ensure_columns(connection, series, names, members[0])
                columns = ", ".join(f'"{name}"' for name in (*_KEY, *names))
                marks = ", ".join("?" * (len(names) + len(_KEY)))
                rows = _rows_of(members, names)
                connection.executemany(f'INSERT OR IGNORE INTO "{_TABLE}{series}" ({columns}) VALUES ({marks})', rows)  # noqa: S608
        return rejects

    def latest(self, series: str, device_ids: Sequence[str]) -> dict[str, Point]:
        declared = self._declared(series)
        # SQLite answers one device from the primary key's end; one query over all devices would scan.
        sql = f'SELECT * FROM "{_TABLE}{series}" WHERE _device = ? ORDER BY _time DESC LIMIT 1'  # noqa: S608
        rows = (row for device_id in device_ids if declared for row in self._rows(sql, device_id))
        return {row["_device"]: _point(series, row, declared) for row in rows}

    def range(self, series: str, device_id: str, start: datetime, end: datetime) -> list[Point]:
        declared = self._declared(series)
        if not declared:
            return []
        sql = f'SELECT * FROM "{_TABLE}{series}" WHERE _device = ? AND _time >= ? AND _time < ? ORDER BY _time'  # noqa: S608
        return [_point(series, row, declared) for row in self._rows(sql, device_id, epoch_ms(start), epoch_ms(end))]

    def bins(self, series: str, device_id: str, measure: str, start: datetime, end: datetime, width_seconds: int) -> list[Bin]:
        declared = self._declared(series)
        if not declared:
            return []
        check_bins(series, measure, width_seconds, _types(declared))
        begin = _begin(width_seconds)
        sql = (
            f'SELECT {begin}, count("{measure}"), min("{measure}"), max("{measure}"), avg("{measure}") '  # noqa: S608
            f'FROM "{_TABLE}{series}" WHERE _device = ? AND _time >= ? AND _time < ? AND "{measure}" IS NOT NULL GROUP BY 1 ORDER BY 1'
        )
        return [Bin(moment(row[0]), *row[1:]) for row in self._rows(sql, device_id, epoch_ms(start), epoch_ms(end))]

    def windows(self, series: str, start: datetime, end: datetime, width_seconds: int) -> list[Point]:
        check_width(series, width_seconds)
        names = numbers(_types(self._declared(series)))
        if not names:
            return []
        columns = ", ".join(f'count("{n}"), min("{n}"), max("{n}"), avg("{n}")' for n in names)
        sql = (
            f"{_devices(series)} SELECT _device, {_begin(width_seconds)}, {columns} FROM devices "  # noqa: S608
            f'CROSS JOIN "{_TABLE}{series}" ON _device = name AND _time >= ? AND _time < ? GROUP BY 1, 2 ORDER BY 1, 2'
        )
        labels = [f"{name}_{statistic}" for name in names for statistic in STATISTICS]
        points = []
        for device, begin, *values in self._rows(sql, epoch_ms(start), epoch_ms(end)):
            measures = dict(zip(labels, values, strict=True))
            # Where a measure has no value in a window, its count is 0 and the rest is null.
            kept = {f"{n}_{word}": measures[f"{n}_{word}"] for n in names if measures[f"{n}_count"] for word in STATISTICS}
            points += [Point(series, device, moment(begin), kept)] if kept else []
        return points

    def span(self, series: str) -> tuple[datetime, datetime] | None:
        if not self._declared(series):
            return None
        of_device = f'FROM "{_TABLE}{series}" WHERE _device = name'
        sql = f"{_devices(series)} SELECT min((SELECT min(_time) {of_device})), max((SELECT max(_time) {of_device})) FROM devices"  # noqa: S608
        ((oldest, newest),) = self._rows(sql)
        return None if oldest is None else (moment(oldest), moment(newest))

    def retain(self, series: str, days: int, now: datetime) -> None:
        if not self._declared(series):
            return
        before = epoch_ms(now - timedelta(days=days))
        for (device,) in self._rows(f"{_devices(series)} SELECT name FROM devices WHERE name IS NOT NULL"):  # noqa: S608
            # A transaction a device: writers wait for no longer than that takes.
            with self._transaction() as connection:
                connection.execute(f'DELETE FROM "{_TABLE}{series}" WHERE _device = ? AND _time < ?', (device, before))  # noqa: S608

    def erase(self, device_id: str) -> None:
        """Deleted rows stay on free pages, and in the log, until the file is written anew."""
        for table in self._tables():
            with self._transaction() as connection:
                connection.execute(f'DELETE FROM "{table}" WHERE _device = ?', (device_id,))  # noqa: S608
        self._rows("VACUUM")
        ((is_busy, _, _),) = self._rows("PRAGMA wal_checkpoint(TRUNCATE)")
        if is_busy:
            raise RetryLater(f"erase from time series {self._file}: a reader keeps its log; run it again")

    def _tables(self) -> list[str]:
        return [row[0] for row in self._rows("SELECT name FROM sqlite_master WHERE type = 'table'")]

    def count(self, series: str | None = None) -> int:
        if series is not None:
            check_series(series)
        chosen = [name for name in self._tables() if series is None or name == f"{_TABLE}{series}"]
        return sum(int(self._rows(f'SELECT count(*) FROM "{name}"')[0][0]) for name in chosen)  # noqa: S608

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._of_thread, "connection", None)
        if connection is None:
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                connection = sqlite3.connect(self._file, timeout=_BUSY_SECONDS, isolation_level=None)
                connection.row_factory = sqlite3.Row
                _log_ahead(connection)
                connection.execute("PRAGMA synchronous=NORMAL")
            except (sqlite3.Error, OSError) as error:
                raise ServiceError(f"time series {self._file}: {error}") from None
            self._of_thread.connection = connection
        return connection

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection()
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # A full disk has rolled back already.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except (sqlite3.Error, ValueError, OverflowError) as error:
            raise ServiceError(f"write to time series {self._file}: {error}") from None

    def _declared(self, series: str) -> dict[str, str]:
        """The columns of a series with their types; none where nothing was written to it."""
        check_series(series)
        return {row["name"]: row["type"] for row in self._rows(f'PRAGMA table_info("{_TABLE}{series}")')}

    def _rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        try:
            return self._connection().execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise ServiceError(f"read time series {self._file}: {error}") from None


def _ensure_columns(connection: sqlite3.Connection, series: str, names: Iterable[str], example: Point) -> None:
    table = f"{_TABLE}{series}"
    connection.execute(f'CREATE TABLE IF NOT EXISTS "{table}" (_device TEXT, _time INTEGER, PRIMARY KEY (_device, _time)) WITHOUT ROWID')
    there = {row["name"] for row in connection.execute(f'PRAGMA table_info("{table}")')}
    for name in names:
        if name not in there:
            connection.execute(f'ALTER TABLE "{table}" ADD COLUMN "{name}" {_DECLARED[type(example.measures[name])]}')


def _measured(point: Point) -> tuple[str, ...]:
    """The measures that have a value, in order: null and absent are the same."""
    measures = point.measures
    if None not in measures.values():
        return _in_order(tuple(measures))
    return _in_order(tuple(name for name, value in measures.items() if value is not None))


@lru_cache(maxsize=1024)
def _in_order(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(names))


def _rows_of(points: Iterable[Point], names: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    """Key and measures of each, in the order of `names`."""
    if len(names) < 2:
        return ((p.device_id, epoch_ms(p.time), *(p.measures[name] for name in names)) for p in points)
    pick = itemgetter(*names)
    return ((p.device_id, epoch_ms(p.time), *pick(p.measures)) for p in points)


def _types(declared: dict[str, str]) -> dict[str, type]:
    return {name: _TYPES[kind] for name, kind in declared.items() if name not in _KEY}


def _devices(series: str) -> str:
    """A query's head that names the devices of a series: a step in the primary key for each, where DISTINCT would read every row."""
    table = f"{_TABLE}{series}"
    return (
        f'WITH RECURSIVE devices(name) AS (SELECT min(_device) FROM "{table}" UNION ALL '  # noqa: S608
        f'SELECT (SELECT min(_device) FROM "{table}" WHERE _device > name) FROM devices WHERE name IS NOT NULL)'
    )


def _begin(width_seconds: int) -> str:
    """The start of a row's window in SQL. SQLite's / rounds towards zero; before 1970 that would be the window after."""
    width = width_seconds * 1000
    return f"(_time - ((_time % {width}) + {width}) % {width})"


def _point(series: str, row: sqlite3.Row, declared: dict[str, str]) -> Point:
    measures: dict[str, Value] = {
        name: bool(row[name]) if kind == "BOOLEAN" else row[name]
        for name, kind in declared.items()
        if name not in _KEY and row[name] is not None
    }
    return Point(series, row["_device"], moment(row["_time"]), measures)


def _log_ahead(connection: sqlite3.Connection) -> None:
    """The mode is the file's. Of two that open a new file at once SQLite refuses one without waiting, whatever its timeout: it tries again.

    https://www.sqlite.org/wal.html
    """
    ends = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > ends:
                raise
        # The other has its lock for a write of one page.
        time.sleep(0.01)
