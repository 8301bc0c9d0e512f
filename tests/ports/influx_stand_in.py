"""A stand-in for InfluxDB 2.7 over real HTTP, because no registry has a server: /api/v2/write, /query, buckets, orgs.

What it does not do: tasks, Flux, deletes by more than one tag, authorisations beyond one token, nanosecond times, limits of size or rate of its own,
shards (an expired point is refused when written, and one that expires later stays). Its answers to faults are those of the
public documentation and of InfluxDB 2.7's source, not of a run against the real one. It shares no code with the adapter.
"""

import gzip
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.ports.influx_lines import BadLine, Line, read_line, split_lines
from tests.ports.influxql import BadQuery, Measurement, answer

ORG, TOKEN = "acme", "s3cret-token=="


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    status: int
    document: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Bucket:
    id: str
    name: str
    keeps_seconds: int = 0
    measurements: dict[str, Measurement] = field(default_factory=dict)


class InfluxStandIn:
    """`replies` are given to the next requests in place of an answer; `now_ms` is the time by which points expire."""

    def __init__(self) -> None:
        self.buckets: dict[str, Bucket] = {}
        self.requests: list[Request] = []
        self.replies: list[Reply] = []
        self.now_ms = 0
        self.url = ""
        self._lock = threading.Lock()

    def reply(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            if self.replies:
                return self.replies.pop(0)
            if request.headers.get("Authorization") != f"Token {TOKEN}":
                return _fault(401, "unauthorized", "unauthorized access")
            return self._route(request)

    def _route(self, request: Request) -> Reply:
        match request.method, request.path.rpartition("/")[0] if request.method == "PATCH" else request.path:
            case "POST", "/api/v2/write":
                return self._write(request)
            case "POST", "/api/v2/delete":
                return self._delete(request)
            case "GET", "/query":
                return self._query(request)
            case "GET", "/api/v2/orgs":
                known = request.query.get("org") == ORG
                return (
                    Reply(200, {"orgs": [{"id": "0rg", "name": ORG}]}) if known else _fault(404, "not found", "organization name not found")
                )
            case "GET", "/api/v2/buckets":
                start, limit = int(request.query.get("offset", 0)), int(request.query.get("limit", 20))
                return Reply(200, {"buckets": [_described(bucket) for bucket in list(self.buckets.values())[start : start + limit]]})
            case "POST", "/api/v2/buckets":
                return self._make(json.loads(request.body))
            case "PATCH", "/api/v2/buckets":
                bucket = next(b for b in self.buckets.values() if b.id == request.path.rpartition("/")[2])
                bucket.keeps_seconds = json.loads(request.body)["retentionRules"][0]["everySeconds"]
                return Reply(200, _described(bucket))
        return _fault(404, "not found", "path not found")

    def _make(self, wanted: dict[str, Any]) -> Reply:
        if wanted["orgID"] != "0rg" or wanted["name"].startswith("_"):
            return _fault(400, "invalid", "invalid bucket")
        if wanted["name"] in self.buckets:
            return _fault(422, "conflict", f"bucket with name {wanted['name']} already exists")
        bucket = Bucket(f"b{len(self.buckets)}", wanted["name"])
        self.buckets[bucket.name] = bucket
        return Reply(201, _described(bucket))

    def _delete(self, request: Request) -> Reply:
        bucket = self.buckets.get(request.query.get("bucket", ""))
        wanted = json.loads(request.body)
        told = re.fullmatch(r'(\w+)="((?:[^"\\]|\\.)*)"', wanted["predicate"])
        if bucket is None or request.query.get("org") != ORG:
            return _fault(404, "not found", "bucket not found")
        if told is None or not wanted["start"].endswith("Z") or not wanted["stop"].endswith("Z"):
            return _fault(400, "invalid", "the delete request is invalid")
        tag = (told[1], re.sub(r"\\(.)", r"\1", told[2]))
        for measurement in bucket.measurements.values():
            for tags, time in [key for key in measurement.points if tag in key[0]]:
                del measurement.points[tags, time]
        return Reply(204)

    def _write(self, request: Request) -> Reply:
        if request.query.get("precision") != "ms":
            return _fault(400, "invalid", "this stand-in takes precision=ms")
        if request.query.get("org") != ORG:
            return _fault(404, "not found", "organization name not found")
        bucket = self.buckets.get(request.query.get("bucket", ""))
        if bucket is None:
            return _fault(404, "not found", f'bucket "{request.query.get("bucket")}" not found')
        try:
            lines = [read_line(text) for text in split_lines(request.body.decode())]
        except BadLine as bad:
            return _fault(400, "invalid", f"unable to parse: {bad}")
        dropped, why = 0, ""
        for line in lines:
            fault = self._put(bucket, line)
            dropped, why = (dropped + 1, why or fault) if fault else (dropped, why)
        if dropped:
            words = f"failure writing points to database: partial write: {why} dropped={dropped}"
            return _fault(422, "unprocessable entity", words)
        return Reply(204)

    def _put(self, bucket: Bucket, line: Line) -> str:
        if bucket.keeps_seconds and line.time < self.now_ms - bucket.keeps_seconds * 1000:
            return "points beyond retention policy"
        measurement = bucket.measurements.setdefault(line.measurement, Measurement())
        for name, value in line.fields.items():
            if name == "time":
                return 'input field "time" is invalid'
            known = measurement.types.get(name, type(value))
            if known is not type(value):
                return f'field type conflict: input field "{name}" on measurement "{line.measurement}" is type {type(value)}'
        measurement.types |= {name: type(value) for name, value in line.fields.items() if name not in measurement.types}
        measurement.points.setdefault((tuple(sorted(line.tags.items())), line.time), {}).update(line.fields)
        return ""

    def _query(self, request: Request) -> Reply:
        bucket = self.buckets.get(request.query["db"])
        if request.query.get("epoch") != "ms":
            return _fault(400, "invalid", "this stand-in answers epoch=ms")
        if bucket is None:
            return Reply(200, {"results": [{"statement_id": 0, "error": f"database not found: {request.query['db']}"}]})
        try:
            return Reply(200, {"results": [{"statement_id": 0, "series": _as_go(answer(request.query["q"], bucket.measurements))}]})
        except BadQuery as bad:
            return Reply(400, {"results": [{"statement_id": 0, "error": str(bad)}]})


def _as_go(value: Any) -> Any:
    """Go's JSON has no 1.0: a whole float comes as 1."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return int(value)
    if isinstance(value, dict):
        return {name: _as_go(member) for name, member in value.items()}
    return [_as_go(member) for member in value] if isinstance(value, list) else value


def _described(bucket: Bucket) -> dict[str, Any]:
    rules = [{"type": "expire", "everySeconds": bucket.keeps_seconds}] if bucket.keeps_seconds else []
    return {"id": bucket.id, "orgID": "0rg", "name": bucket.name, "retentionRules": rules}


def _fault(status: int, code: str, message: str) -> Reply:
    return Reply(status, {"code": code, "message": message})


@contextmanager
def influx_stand_in() -> Iterator[InfluxStandIn]:
    """On a free port of the loopback, until the block ends."""
    stand_in = InfluxStandIn()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body leave in one segment, or each answer would wait for the client's delayed acknowledgement.
        wbufsize = -1

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
            reply = stand_in.reply(Request(self.command, parts.path, query, dict(self.headers.items()), body))
            content = b"" if reply.document is None else json.dumps(reply.document).encode()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = _answer

        def log_message(self, format: str, *arguments: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stand_in.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield stand_in
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
