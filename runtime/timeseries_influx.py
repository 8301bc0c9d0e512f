"""InfluxDB 2 as the time-series store: Timestream for InfluxDB on AWS. A bucket a contract, so that each has its own retention.

Written by line protocol, read by InfluxQL: it is what InfluxDB 1, 2 and 3 all answer, in JSON; Flux is in maintenance and gone
from 3. Values of a point that is there already are replaced. Reads never make anything; a bucket is made by the first write to it.
"""

import json
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from runtime.errors import ServiceError
from runtime.influx_http import Answer, InfluxHttp
from runtime.influx_lines import DEVICE, PRESENT, field_of, line_of, measure_of, unwritable
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
    moment,
    numbers,
)

# What InfluxData recommends for one write. https://docs.influxdata.com/influxdb/v2/write-data/best-practices/optimize-writes/
_LINES = 5_000
_DEVICES = 200
_DAY_SECONDS = 86_400
_TYPES: dict[str, type] = {"float": float, "integer": int, "boolean": bool, "string": str}

_Line = tuple[int, str]


class InfluxTimeSeries:
    rejects_stale = False
    can_erase = True

    def __init__(self, http: InfluxHttp, bucket: str) -> None:
        self._http = http
        self._prefix = f"{bucket}_"
        self._lock = threading.Lock()
        self._fields: dict[str, dict[str, type]] = {}

    def write(self, points: Sequence[Point]) -> list[Reject]:
        rejects: list[Reject] = []
        lines: dict[str, list[_Line]] = {}
        for index, point in enumerate(points):
            reason = unwritable(point)
            if reason:
                rejects.append(Reject(index, reason))
            else:
                lines.setdefault(point.series, []).append((index, line_of(point)))
        for series, members in lines.items():
            for start in range(0, len(members), _LINES):
                rejects += self._send(series, members[start : start + _LINES])
        return sorted(rejects, key=lambda reject: reject.index)

    def _send(self, series: str, lines: list[_Line]) -> list[Reject]:
        """Writes lines. InfluxDB 2 tells of one wrong line only: halves find them all, and writing a line twice changes nothing."""
        answer = self._post(series, lines)
        if answer.status == 404:
            self._make_bucket(series)
            answer = self._post(series, lines)
        if answer.status == 204:
            return []
        if answer.status not in (400, 413, 422):
            raise self._http.fail(f"write of {series}", answer)
        refused = _refused(answer, lines)
        if refused is not None:
            return refused
        half = len(lines) // 2
        return self._send(series, lines[:half]) + self._send(series, lines[half:])

    def _post(self, series: str, lines: list[_Line]) -> Answer:
        query = {"org": self._http.org, "bucket": self._prefix + series, "precision": "ms"}
        return self._http.call("POST", "/api/v2/write", query, "\n".join(line for _, line in lines).encode())

    def latest(self, series: str, device_ids: Sequence[str]) -> dict[str, Point]:
        found: dict[str, Point] = {}
        for start in range(0, len(device_ids), _DEVICES):
            chosen = " OR ".join(f'"{DEVICE}" = {_text(device)}' for device in device_ids[start : start + _DEVICES])
            # LIMIT is for each device, by the grouping.
            found |= {p.device_id: p for p in self._points(series, f"({chosen})", "DESC LIMIT 1")}
        return found

    def range(self, series: str, device_id: str, start: datetime, end: datetime) -> list[Point]:
        return self._points(series, f'"{DEVICE}" = {_text(device_id)} AND {_during(start, end)}', "ASC")

    def _points(self, series: str, where: str, order: str) -> list[Point]:
        types = self._types(series)
        answer = list(self._select(series, f'SELECT * FROM "{series}" WHERE {where} GROUP BY "{DEVICE}" ORDER BY time {order}'))  # noqa: S608
        if any(name not in types for _, row in answer for name in _measures(row)):
            # Somebody wrote a measure since we asked for the types.
            types = self._types(series, ask=True)
        return [
            Point(series, device, moment(row["time"]), {name: _typed(value, types[name]) for name, value in _measures(row).items()})
            for device, row in answer
        ]

    def bins(self, series: str, device_id: str, measure: str, start: datetime, end: datetime, width_seconds: int) -> list[Bin]:
        types = self._types(series)
        if measure not in types:
            types = self._types(series, ask=True)
        if not types:
            return []
        check_bins(series, measure, width_seconds, types)
        where = f'"{DEVICE}" = {_text(device_id)} AND {_during(start, end)}'
        sql = f'SELECT {_statistics(measure)} FROM "{series}" WHERE {where} GROUP BY time({width_seconds}s), "{DEVICE}" fill(none)'  # noqa: S608
        rows = (row for _, row in self._select(series, sql) if row[f"{measure}_count"])
        return [Bin(moment(row["time"]), *(row[f"{measure}_{word}"] for word in STATISTICS)) for row in rows]

    def windows(self, series: str, start: datetime, end: datetime, width_seconds: int) -> list[Point]:
        check_width(series, width_seconds)
        types = self._types(series, ask=True)
        names = list(numbers(types))
        if not names:
            return []
        columns = ", ".join(_statistics(name) for name in names)
        sql = f'SELECT {columns} FROM "{series}" WHERE {_during(start, end)} GROUP BY time({width_seconds}s), "{DEVICE}" fill(none)'  # noqa: S608
        points = []
        for device, row in self._select(series, sql):
            kept: dict[str, Value] = {}
            for name in names:
                if row[f"{name}_count"]:
                    kinds = dict(zip(STATISTICS, (int, types[name], types[name], float), strict=True))
                    kept |= {f"{name}_{word}": _typed(row[f"{name}_{word}"], kind) for word, kind in kinds.items()}
            points += [Point(series, device, moment(row["time"]), kept)] if kept else []
        return points

    def span(self, series: str) -> tuple[datetime, datetime] | None:
        check_series(series)
        ends = []
        for order in ("ASC", "DESC"):
            sql = f'SELECT "{PRESENT}" FROM "{series}" ORDER BY time {order} LIMIT 1'  # noqa: S608
            ends += [moment(row["time"]) for _, row in self._select(series, sql)]
        return (ends[0], ends[1]) if ends else None

    def retain(self, series: str, days: int, now: datetime) -> None:
        bucket = self._bucket(series)
        if bucket is None:
            return
        rules = [{"type": "expire", "everySeconds": days * _DAY_SECONDS}]
        if [rule["everySeconds"] for rule in bucket.get("retentionRules", ())] != [days * _DAY_SECONDS]:
            self._api("PATCH", f"/api/v2/buckets/{bucket['id']}", {"retentionRules": rules}, f"retention of {series}")

    def erase(self, device_id: str) -> None:
        """https://docs.influxdata.com/influxdb/v2/write-data/delete-data/: the predicate is about tags, and the server compacts later."""
        predicate = f'{DEVICE}="' + device_id.replace("\\", "\\\\").replace('"', '\\"') + '"'
        body = json.dumps({"start": "1677-09-22T00:00:00Z", "stop": "2262-04-11T00:00:00Z", "predicate": predicate}).encode()
        for bucket in self._buckets():
            query = {"org": self._http.org, "bucket": bucket["name"]}
            answer = self._http.call("POST", "/api/v2/delete", query, body, "application/json")
            if answer.status != 204:
                raise self._http.fail(f"erase from {bucket['name']}", answer)

    def count(self, series: str | None = None) -> int:
        if series is not None:
            check_series(series)
        chosen = [series] if series is not None else [bucket["name"].removeprefix(self._prefix) for bucket in self._buckets()]
        sql = 'SELECT count("{}") AS "points" FROM "{}"'
        return sum(int(row["points"]) for name in chosen for _, row in self._select(name, sql.format(PRESENT, name)))

    def _types(self, series: str, ask: bool = False) -> dict[str, type]:
        """The measures of a series with their types: JSON has one kind of number, and a float of 1.0 comes as 1."""
        check_series(series)
        if ask or not self._fields.get(series):
            rows = self._select(series, f'SHOW FIELD KEYS FROM "{series}"')
            self._fields[series] = {measure_of(r["fieldKey"]): _TYPES[r["fieldType"]] for _, r in rows if r["fieldKey"] != PRESENT}
        return self._fields[series]

    def _select(self, series: str, sql: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Device (where grouped by it) and row of each row; none where the bucket is not there."""
        # GET: the v1 interface takes a read by POST for a write by some tokens.
        answer = self._http.call("GET", "/query", {"db": self._prefix + series, "epoch": "ms", "q": sql})
        document = answer.document
        (result,) = document.get("results", [{"error": answer.message}])
        wrong = str(result.get("error", ""))
        if "not found" in wrong or answer.status == 404:
            return
        if wrong or answer.status != 200:
            raise ServiceError(f"time series: read of {series} at {self._http.url}: {answer.status} {wrong}")
        for found in result.get("series", ()):
            device = found.get("tags", {}).get(DEVICE, "")
            for values in found["values"]:
                yield device, dict(zip(found["columns"], values, strict=True))

    def _buckets(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            query = {"org": self._http.org, "limit": 100, "offset": len(found)}
            answer = self._http.call("GET", "/api/v2/buckets", query)
            if answer.status != 200:
                raise self._http.fail("list of buckets", answer)
            page = answer.document["buckets"]
            found += page
            if len(page) < 100:
                return [bucket for bucket in found if bucket["name"].startswith(self._prefix)]

    def _bucket(self, series: str) -> dict[str, Any] | None:
        check_series(series)
        return next((bucket for bucket in self._buckets() if bucket["name"] == self._prefix + series), None)

    def _make_bucket(self, series: str) -> None:
        with self._lock:
            organisations = self._http.call("GET", "/api/v2/orgs", {"org": self._http.org}).document.get("orgs", ())
            if not organisations:
                raise ServiceError(f"time series: {self._http.url} has no organisation {self._http.org}; set FLEETLAKE_INFLUX_ORG")
            # Kept for ever until the contract's policy says otherwise.
            wanted = {"orgID": organisations[0]["id"], "name": self._prefix + series, "retentionRules": []}
            self._api("POST", "/api/v2/buckets", wanted, f"bucket of {series}")

    def _api(self, method: str, path: str, document: dict[str, Any], doing: str) -> None:
        answer = self._http.call(method, path, {}, json.dumps(document).encode(), "application/json")
        # 422: another writer has just made the bucket.
        if answer.status not in (200, 201) and not (method == "POST" and answer.status == 422):
            raise self._http.fail(doing, answer)


def _refused(answer: Answer, lines: list[_Line]) -> list[Reject] | None:
    """The rejects that an answer tells of; None where it does not tell which lines are wrong."""
    document = answer.document
    told = document.get("data")
    if isinstance(told, list) and told and all(isinstance(one, dict) and "line_number" in one for one in told):
        # InfluxDB 3: every line that was not written.
        return [Reject(lines[int(one["line_number"]) - 1][0], str(one.get("error_message", answer.message))) for one in told]
    everything = f"dropped={len(lines)}" in answer.message.split() and "partial write" in answer.message
    if len(lines) == 1 or everything:
        return [Reject(index, answer.message or str(answer.status)) for index, _ in lines]
    return None


def _statistics(measure: str) -> str:
    return ", ".join(f'{word}("{field_of(measure)}") AS "{measure}_{word}"' for word in STATISTICS)


def _during(start: datetime, end: datetime) -> str:
    return f"time >= {epoch_ms(start)}ms AND time < {epoch_ms(end)}ms"


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"


def _measures(row: dict[str, Any]) -> dict[str, Any]:
    return {measure_of(name): value for name, value in row.items() if value is not None and name not in ("time", PRESENT)}


def _typed(value: Any, kind: type) -> Value:
    typed: Value = kind(value)
    return typed
