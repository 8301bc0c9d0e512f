"""The embedded time-series store of a laptop: SQLite in WAL mode, a row a reading, a column a measure.

Durable, written by several processes at once, read by many meanwhile. A point is known by device and time; the first stays.
"""

import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from runtime.errors import ServiceError, UserError
from runtime.timeseries import Bin, Point, Reject, Value

_NAME = re.compile(r"[a-z][a-z0-9_]{0,79}")
# Columns that no measure can be called, and tables that cannot be taken for SQLite's own.
_KEY = ("_device", "_time")
_TABLE = "series_"
_DECLARED = {bool: "BOOLEAN", int: "INTEGER", float: "REAL", str: "TEXT"}
_BUSY_SECONDS = 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SqliteTimeSeries:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._of_thread = threading.local()

    def write(self, points: Sequence[Point]) -> list[Reject]:
        rejects = []
        groups: dict[tuple[str, tuple[str, ...]], list[Point]] = {}
        for index, point in enumerate(points):
            reason = _wrong(point)
            if reason:
                rejects.append(Reject(index, reason))
            else:
                groups.setdefault((point.series, _measured(point)), []).append(point)
        with self._transaction() as connection:
            for (series, names), members in groups.items():
                _ensure_columns(connection, series, names, members[0])
                columns = ", ".join(f'"{name}"' for name in (*_KEY, *names))
                marks = ", ".join("?" * (len(names) + len(_KEY)))
                rows = ((p.device_id, _ms(p.time), *(p.measures[name] for name in names)) for p in members)
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
        return [_point(series, row, declared) for row in self._rows(sql, device_id, _ms(start), _ms(end))]

    def bins(self, series: str, device_id: str, measure: str, start: datetime, end: datetime, width_seconds: int) -> list[Bin]:
        declared = self._declared(series)
        if not declared:
            return []
        _refuse_measure(series, measure, declared)
        if width_seconds < 1:
            raise UserError(f"bins of {series}: a width of {width_seconds} s; it must be at least 1 s")
        width = width_seconds * 1000
        # SQLite's / rounds towards zero; before 1970 that would be the bin after.
        begin = f"(_time - ((_time % {width}) + {width}) % {width})"
        sql = (
            f'SELECT {begin}, count("{measure}"), min("{measure}"), max("{measure}"), avg("{measure}") '  # noqa: S608
            f'FROM "{_TABLE}{series}" WHERE _device = ? AND _time >= ? AND _time < ? AND "{measure}" IS NOT NULL GROUP BY 1 ORDER BY 1'
        )
        return [Bin(_moment(row[0]), *row[1:]) for row in self._rows(sql, device_id, _ms(start), _ms(end))]

    def count(self, series: str | None = None) -> int:
        named = [row[0] for row in self._rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
        chosen = [name for name in named if series is None or name == f"{_TABLE}{series}"]
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
                # A full disk has rolled back already.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except (sqlite3.Error, ValueError, OverflowError) as error:
            raise ServiceError(f"write to time series {self._file}: {error}") from None

    def _declared(self, series: str) -> dict[str, str]:
        """The columns of a series with their types; none where nothing was written to it."""
        if not _NAME.fullmatch(series):
            raise UserError(f"time series {series!r}: not the name of a series")
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
    return tuple(sorted(name for name, value in point.measures.items() if value is not None))


def _wrong(point: Point) -> str | None:
    for name in (point.series, *point.measures):
        if not _NAME.fullmatch(name):
            return f"{name!r} cannot be the name of a series or measure"
    for name, value in point.measures.items():
        if value is not None and type(value) not in _DECLARED:
            return f"{name} is a {type(value).__name__}, which is no value"
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            return f"{name} does not fit 64 bits"
        if isinstance(value, float) and value != value:
            return f"{name} is not a number"
    return None


def _refuse_measure(series: str, measure: str, declared: dict[str, str]) -> None:
    measures = declared.keys() - set(_KEY)
    if measure not in measures:
        raise UserError(f"bins of {series}: there is no measure {measure!r}; there are {', '.join(sorted(measures))}")
    if declared[measure] not in ("INTEGER", "REAL"):
        raise UserError(f"bins of {series}: measure {measure!r} is no number; bins are made of numbers")


def _ms(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _moment(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)


def _point(series: str, row: sqlite3.Row, declared: dict[str, str]) -> Point:
    measures: dict[str, Value] = {
        name: bool(row[name]) if kind == "BOOLEAN" else row[name]
        for name, kind in declared.items()
        if name not in _KEY and row[name] is not None
    }
    return Point(series, row["_device"], _moment(row["_time"]), measures)
