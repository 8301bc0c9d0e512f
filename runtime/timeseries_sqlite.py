"""The embedded time-series store of a laptop: SQLite in WAL mode, a row a reading, a column a measure.

Durable, written by several processes at once, read by many meanwhile. A point is known by device and time; the first stays.
"""

import re
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from runtime.errors import ServiceError, UserError
from runtime.timeseries import Bin, Point, Reject, Value

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,79}")
_BUSY_SECONDS = 30
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SqliteTimeSeries:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._of_thread = threading.local()

    def write(self, points: Sequence[Point]) -> list[Reject]:
        rejects = []
        groups: dict[tuple[str, tuple[str, ...]], list[list[Any]]] = {}
        for index, point in enumerate(points):
            reason = _wrong(point)
            if reason:
                rejects.append(Reject(index, reason))
                continue
            names = tuple(sorted(point.measures))
            row = [point.device_id, _ms(point.time), *(point.measures[name] for name in names)]
            groups.setdefault((point.series, names), []).append(row)
        with self._transaction() as connection:
            for (series, names), rows in groups.items():
                self._ensure_columns(connection, series, names)
                columns = ", ".join(f'"{name}"' for name in ("device_id", "time", *names))
                marks = ", ".join("?" * (len(names) + 2))
                connection.executemany(f'INSERT OR IGNORE INTO "{series}" ({columns}) VALUES ({marks})', rows)  # noqa: S608
        return rejects

    def latest(self, series: str, device_ids: Sequence[str]) -> dict[str, Point]:
        if not self._columns(series):
            return {}
        found: dict[str, Point] = {}
        for device_id in device_ids:
            # SQLite answers this from the primary key's end; one query over all devices would scan.
            rows = self._rows(f'SELECT * FROM "{series}" WHERE device_id = ? ORDER BY time DESC LIMIT 1', device_id)  # noqa: S608
            if rows:
                found[device_id] = _point(series, rows[0])
        return found

    def range(self, series: str, device_id: str, start: datetime, end: datetime) -> list[Point]:
        if not self._columns(series):
            return []
        sql = f'SELECT * FROM "{series}" WHERE device_id = ? AND time >= ? AND time < ? ORDER BY time'  # noqa: S608
        return [_point(series, row) for row in self._rows(sql, device_id, _ms(start), _ms(end))]

    def bins(self, series: str, device_id: str, measure: str, start: datetime, end: datetime, width_seconds: int) -> list[Bin]:
        columns = self._columns(series)
        if not columns:
            return []
        if measure not in columns or measure in ("device_id", "time"):
            raise UserError(
                f"bins of {series}: there is no measure {measure!r}; there are {', '.join(sorted(columns - {'device_id', 'time'}))}"
            )
        width = width_seconds * 1000
        sql = (
            f'SELECT time / {width} * {width}, count("{measure}"), min("{measure}"), max("{measure}"), avg("{measure}"), '  # noqa: S608
            f"max(typeof(\"{measure}\") = 'text') "
            f'FROM "{series}" WHERE device_id = ? AND time >= ? AND time < ? AND "{measure}" IS NOT NULL GROUP BY 1 ORDER BY 1'
        )
        rows = self._rows(sql, device_id, _ms(start), _ms(end))
        if any(row[5] for row in rows):
            raise UserError(f"bins of {series}: measure {measure!r} is a text; bins are made of numbers")
        return [Bin(_moment(row[0]), row[1], row[2], row[3], row[4]) for row in rows]

    def count(self, series: str | None = None) -> int:
        named = [row[0] for row in self._rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
        chosen = [name for name in named if series in (None, name)]
        return sum(int(self._rows(f'SELECT count(*) FROM "{name}"')[0][0]) for name in chosen)  # noqa: S608

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._of_thread, "connection", None)
        if connection is None:
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                connection = sqlite3.connect(self._file, timeout=_BUSY_SECONDS, isolation_level=None)
                connection.row_factory = sqlite3.Row
                connection.execute("PRAGMA journal_mode=WAL")
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
                connection.execute("ROLLBACK")
                raise
        except (sqlite3.Error, OverflowError) as error:
            raise ServiceError(f"write to time series {self._file}: {error}") from None

    def _ensure_columns(self, connection: sqlite3.Connection, series: str, names: Sequence[str]) -> None:
        connection.execute(
            f'CREATE TABLE IF NOT EXISTS "{series}" (device_id TEXT, time INTEGER, PRIMARY KEY (device_id, time)) WITHOUT ROWID'
        )
        there = {row[1] for row in connection.execute(f'PRAGMA table_info("{series}")')}
        for name in names:
            if name not in there:
                connection.execute(f'ALTER TABLE "{series}" ADD COLUMN "{name}"')

    def _columns(self, series: str) -> set[str]:
        if not _NAME.fullmatch(series):
            raise UserError(f"time series {series!r}: not the name of a series")
        return {row[1] for row in self._rows(f'PRAGMA table_info("{series}")')}

    def _rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        try:
            return self._connection().execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise ServiceError(f"read time series {self._file}: {error}") from None


def _wrong(point: Point) -> str | None:
    bad = [name for name in (point.series, *point.measures) if not _NAME.fullmatch(name)]
    if bad:
        return f"{bad[0]!r} cannot be the name of a series or measure"
    if {"device_id", "time"} & set(point.measures):
        return "a measure cannot be called device_id or time"
    if any(isinstance(value, int) and not -(2**63) <= value < 2**63 for value in point.measures.values()):
        return "a whole number does not fit 64 bits"
    return None


def _ms(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _moment(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)


def _point(series: str, row: sqlite3.Row) -> Point:
    measures: dict[str, Value] = {name: row[name] for name in row.keys() if name not in ("device_id", "time")}  # noqa: SIM118
    return Point(series, row["device_id"], _moment(row["time"]), measures)
