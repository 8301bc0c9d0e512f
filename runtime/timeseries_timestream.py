"""Timestream for LiveAnalytics as the time-series store: a table a contract, a multi-measure record a reading.

AWS takes no new accounts for it since 2025-06-20. It keeps the values of the highest version and refuses the others, record by
record. A text without a letter cannot be written there (a value has at least one); it is left out, as a null is.
https://docs.aws.amazon.com/timestream/latest/developerguide/API_WriteRecords.html
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

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

# The most that one WriteRecords takes.
_RECORDS = 100
_DEVICE, _PRESENT = "device_id", "x_is"
_OWN = re.compile(r"device_id|time|measure_name|measure_value.*|ts_.*|x_.*")
_LATER = {"ThrottlingException", "InternalServerException", "RequestLimitExceeded", "ServiceUnavailable"}
_SENT: dict[type, str] = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", str: "VARCHAR"}
_TYPES: dict[str, type] = {name.lower(): kind for kind, name in _SENT.items()}
# What the memory tier keeps when a table is made, and the magnetic tier until the contract's policy says otherwise.
_MEMORY_HOURS, _MAGNETIC_DAYS = 24, 73_000
_MAX_DEVICE = 2048


class TimestreamTimeSeries:
    rejects_stale = True
    can_erase = False

    def __init__(self, write: Any, query: Any, database: str) -> None:
        self._write, self._query, self._database = write, query, database

    def write(self, points: Sequence[Point]) -> list[Reject]:
        rejects: list[Reject] = []
        series: dict[str, list[tuple[int, Point]]] = {}
        for index, point in enumerate(points):
            reason = _unwritable(point)
            if reason:
                rejects.append(Reject(index, reason))
            else:
                series.setdefault(point.series, []).append((index, point))
        for name, members in series.items():
            for start in range(0, len(members), _RECORDS):
                rejects += self._send(name, members[start : start + _RECORDS])
        return sorted(rejects, key=lambda reject: reject.index)

    def _send(self, series: str, members: list[tuple[int, Point]]) -> list[Reject]:
        """One WriteRecords. Of a call with rejected records the others are stored; a call that is not valid stores none, so it is halved."""
        common = {"MeasureName": "reading", "MeasureValueType": "MULTI", "TimeUnit": "MILLISECONDS"}
        records = [_record(point) for _, point in members]
        try:
            self._call(self._write.write_records, series, CommonAttributes=common, Records=records)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "RejectedRecordsException":
                told = error.response["RejectedRecords"]
                return [Reject(members[one["RecordIndex"]][0], one.get("Reason", "rejected")) for one in told]
            if code == "ResourceNotFoundException":
                self._make_table(series)
                return self._send(series, members)
            if code != "ValidationException":
                raise self._failure(f"write of {series}", error) from None
            if len(members) == 1:
                return [Reject(members[0][0], error.response["Error"]["Message"])]
            half = len(members) // 2
            return self._send(series, members[:half]) + self._send(series, members[half:])
        return []

    def latest(self, series: str, device_ids: Sequence[str]) -> dict[str, Point]:
        """It reads what the table keeps of these devices: LiveAnalytics has no index by time alone."""
        if not device_ids or not self._exists(series):
            return {}
        chosen = ", ".join(_text(device) for device in device_ids)
        ranked = f"SELECT *, row_number() OVER (PARTITION BY {_DEVICE} ORDER BY time DESC) AS x_rank FROM {self._table(series)}"  # noqa: S608
        rows = self._rows(f"SELECT * FROM ({ranked} WHERE {_DEVICE} IN ({chosen})) WHERE x_rank = 1")  # noqa: S608
        return {row[_DEVICE]: _point(series, row) for row in rows}

    def range(self, series: str, device_id: str, start: datetime, end: datetime) -> list[Point]:
        if not self._exists(series):
            return []
        where = f"{_DEVICE} = {_text(device_id)} AND {_during(start, end)}"
        return [_point(series, row) for row in self._rows(f"SELECT * FROM {self._table(series)} WHERE {where} ORDER BY time")]  # noqa: S608

    def bins(self, series: str, device_id: str, measure: str, start: datetime, end: datetime, width_seconds: int) -> list[Bin]:
        types = self._types(series)
        if not types:
            return []
        check_bins(series, measure, width_seconds, types)
        where = f'{_DEVICE} = {_text(device_id)} AND {_during(start, end)} AND "{_column(measure)}" IS NOT NULL'
        sql = f"SELECT {_begin(width_seconds)} AS x_begin, {_statistics(0, measure)} FROM {self._table(series)} WHERE {where} GROUP BY 1 ORDER BY 1"  # noqa: S608
        return [Bin(moment(row["x_begin"]), *(row[f"x_{word}_0"] for word in STATISTICS)) for row in self._rows(sql)]

    def windows(self, series: str, start: datetime, end: datetime, width_seconds: int) -> list[Point]:
        check_width(series, width_seconds)
        names = list(numbers(self._types(series)))
        if not names:
            return []
        columns = ", ".join(_statistics(place, name) for place, name in enumerate(names))
        sql = f"SELECT {_DEVICE}, {_begin(width_seconds)} AS x_begin, {columns} FROM {self._table(series)} WHERE {_during(start, end)} GROUP BY 1, 2"  # noqa: S608
        points = []
        for row in self._rows(sql):
            filled = [(place, name) for place, name in enumerate(names) if row[f"x_count_{place}"]]
            measures = {f"{name}_{word}": row[f"x_{word}_{place}"] for place, name in filled for word in STATISTICS}
            points += [Point(series, row[_DEVICE], moment(row["x_begin"]), measures)] if measures else []
        return points

    def span(self, series: str) -> tuple[datetime, datetime] | None:
        if not self._exists(series):
            return None
        (row,) = self._rows(f"SELECT min(time) AS x_oldest, max(time) AS x_newest FROM {self._table(series)}")  # noqa: S608
        return (row["x_oldest"], row["x_newest"]) if row["x_oldest"] else None

    def retain(self, series: str, days: int, now: datetime) -> None:
        if not self._exists(series):
            return
        wanted = {"MemoryStoreRetentionPeriodInHours": _MEMORY_HOURS, "MagneticStoreRetentionPeriodInDays": days}
        table = self._guarded(f"retention of {series}", self._write.describe_table, series)["Table"]
        if table.get("RetentionProperties") != wanted:
            self._guarded(f"retention of {series}", self._write.update_table, series, RetentionProperties=wanted)

    def erase(self, device_id: str) -> None:
        raise ServiceError("time series: Timestream for LiveAnalytics deletes no record; shorten `timeseries: keep_days` of the contract")

    def count(self, series: str | None = None) -> int:
        names = self._all() if series is None else [series] if self._exists(series) else []
        return sum(row["x_points"] for name in names for row in self._rows(f"SELECT count(*) AS x_points FROM {self._table(name)}"))  # noqa: S608

    def _all(self) -> list[str]:
        try:
            pages = self._write.get_paginator("list_tables").paginate(DatabaseName=self._database)
            names = [table["TableName"] for page in pages for table in page["Tables"]]
        except (ClientError, BotoCoreError) as error:
            raise self._failure("list of tables", error) from None
        prefix = _table_name("")
        return [name.removeprefix(prefix) for name in names if name.startswith(prefix)]

    def _exists(self, series: str) -> bool:
        check_series(series)
        try:
            self._call(self._write.describe_table, series)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return False
            raise self._failure(f"look at {series}", error) from None
        return True

    def _types(self, series: str) -> dict[str, type]:
        """The measures of a table with their types; none where there is no table."""
        if not self._exists(series):
            return {}
        rows = self._rows(f"DESCRIBE {self._table(series)}")
        found = {row["Column"]: row["Type"] for row in rows if row["Timestream attribute type"] == "MULTI"}
        return {_measure(name): _TYPES[kind] for name, kind in found.items() if name != _PRESENT}

    def _rows(self, sql: str) -> Iterator[dict[str, Any]]:
        try:
            for page in self._query.get_paginator("query").paginate(QueryString=sql):
                columns = [(column["Name"], column["Type"].get("ScalarType", "")) for column in page["ColumnInfo"]]
                for row in page["Rows"]:
                    yield {name: _value(kind, datum) for (name, kind), datum in zip(columns, row["Data"], strict=True)}
        except (ClientError, BotoCoreError) as error:
            raise self._failure("query", error) from None

    def _make_table(self, series: str) -> None:
        """Late readings are welcome, so the magnetic tier takes writes too."""
        retention = {"MemoryStoreRetentionPeriodInHours": _MEMORY_HOURS, "MagneticStoreRetentionPeriodInDays": _MAGNETIC_DAYS}
        late = {"EnableMagneticStoreWrites": True}
        try:
            self._call(self._write.create_table, series, RetentionProperties=retention, MagneticStoreWriteProperties=late)
        except ClientError as error:
            # ConflictException: another writer has just made it.
            if error.response["Error"]["Code"] != "ConflictException":
                raise self._failure(f"table of {series} in the database {self._database}", error) from None

    def _guarded(self, doing: str, method: Any, series: str, **arguments: Any) -> Any:
        try:
            return self._call(method, series, **arguments)
        except ClientError as error:
            raise self._failure(doing, error) from None

    def _call(self, method: Any, series: str, **arguments: Any) -> Any:
        try:
            return method(DatabaseName=self._database, TableName=_table_name(series), **arguments)
        except BotoCoreError as error:
            raise self._failure(method.__name__, error) from None

    def _failure(self, doing: str, error: ClientError | BotoCoreError) -> ServiceError:
        is_later = isinstance(error, BotoCoreError) or error.response["Error"]["Code"] in _LATER
        kind, advice = (RetryLater, "; try again later") if is_later else (ServiceError, "")
        return kind(f"time series: {doing} in Timestream: {error}{advice}")

    def _table(self, series: str) -> str:
        return f'"{self._database}"."{_table_name(series)}"'


def _table_name(series: str) -> str:
    # A table's name has at least three letters, a contract's one.
    return f"series_{series}"


def _unwritable(point: Point) -> str | None:
    if not 1 <= len(point.device_id.encode()) <= _MAX_DEVICE:
        return f"device id {point.device_id[:40]!r}: Timestream takes 1 to {_MAX_DEVICE} bytes"
    return fault_of(point)


def _record(point: Point) -> dict[str, Any]:
    values = [
        {"Name": _column(name), "Value": _written(value), "Type": _SENT[type(value)]}
        for name, value in sorted(point.measures.items())
        if value is not None and value != ""
    ]
    return {
        "Dimensions": [{"Name": _DEVICE, "Value": point.device_id}],
        # A record has at least one value.
        "MeasureValues": values or [{"Name": _PRESENT, "Value": "true", "Type": "BOOLEAN"}],
        "Time": str(epoch_ms(point.time)),
        "Version": point.version,
    }


def _written(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _column(measure: str) -> str:
    """What Timestream or we have a use for gets our mark, and so does what has it already: two measures never share a column."""
    return f"x_{measure}" if _OWN.fullmatch(measure) else measure


def _measure(column: str) -> str:
    return column.removeprefix("x_")


def _value(kind: str, datum: dict[str, Any]) -> Any:
    text = datum.get("ScalarValue")
    if text is None:
        return None
    if kind == "TIMESTAMP":
        # Nanoseconds, of which there are none.
        return datetime.fromisoformat(text[:26]).replace(tzinfo=UTC)
    return text == "true" if kind == "BOOLEAN" else _TYPES.get(kind.lower(), str)(text)


def _point(series: str, row: dict[str, Any]) -> Point:
    ours = {_DEVICE, "time", "measure_name", "x_rank", _PRESENT}
    measures = {_measure(name): value for name, value in row.items() if value is not None and name not in ours}
    return Point(series, row[_DEVICE], row["time"], measures)


def _statistics(place: int, measure: str) -> str:
    function = {"mean": "avg"}
    return ", ".join(f'{function.get(word, word)}("{_column(measure)}") AS x_{word}_{place}' for word in STATISTICS)


def _begin(width_seconds: int) -> str:
    """The start of a record's window in epoch milliseconds, before 1970 too."""
    width = width_seconds * 1000
    return f"to_milliseconds(time) - mod(mod(to_milliseconds(time), {width}) + {width}, {width})"


def _during(start: datetime, end: datetime) -> str:
    return f"time >= from_milliseconds({epoch_ms(start)}) AND time < from_milliseconds({epoch_ms(end)})"


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
