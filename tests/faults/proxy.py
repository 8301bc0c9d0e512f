"""A proxy before SQS and S3 that puts faults into the traffic: one HTTP server, its upstream a function of a request.

The upstream is the stand-in in memory, or, by `forward`, the emulator.
"""

import http.client
import json
import random
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.faults.stand_in import Request, Response, s3_error, sqs_error

Upstream = Callable[[Request], Response]


class Kind(StrEnum):
    """What goes wrong with one call. Those before `RESET` never reach the service."""

    REFUSED = "refused"  # the connection is cut before anything is done
    ERROR_500 = "error_500"
    ERROR_503 = "error_503"
    THROTTLED = "throttled"
    INSUFFICIENT_STORAGE = "insufficient_storage"
    ACCESS_DENIED = "access_denied"
    EXPIRED_TOKEN = "expired_token"
    UNKNOWN = "unknown"  # refused for a reason that the worker does not know
    RESET = "reset"  # done; the connection is reset in the midst of the answer
    LOST_ANSWER = "lost_answer"  # done; no answer comes
    TWICE = "twice"  # done twice, as by a network that repeats: of a receive, what it gave is visible to others at once
    PARTIAL = "partial"  # half of a batch is done; of a put: another put of the key is under way (409)
    SLOW = "slow"  # done, after `seconds`
    KILLED_BEFORE = "killed_before"  # the worker is dead before the call arrives …
    KILLED_AFTER = "killed_after"  # … or after it was done, before the answer


@dataclass
class Fault:
    """Of calls of `operation`: after `skip` of them, the next `times`, each with the chance `share`."""

    kind: Kind
    operation: str
    skip: int = 0
    times: int = 1
    seconds: float = 0.0
    share: float = 1.0
    fired: int = 0
    seen: int = 0


@dataclass
class Proxy:
    """`cut`: what comes from this worker no longer arrives, as if it were dead. `on_kill` is told when that happens."""

    upstream: Upstream
    faults: list[Fault] = field(default_factory=list)
    seed: int = 0
    cut: threading.Event = field(default_factory=threading.Event)
    done: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(self.seed)
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="fault-proxy", daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def again(self, upstream: Upstream, faults: list[Fault]) -> None:
        """The same proxy for another case."""
        with self._lock:
            self.upstream, self.faults, self.done = upstream, faults, Counter()
            self.cut.clear()

    def due(self, operation: str) -> Fault | None:
        """The fault that this call is to have."""
        with self._lock:
            for fault in self.faults:
                if fault.operation not in (operation, "any"):
                    continue
                fault.seen += 1
                if fault.seen > fault.skip and fault.fired < fault.times and self._random.random() < fault.share:
                    fault.fired += 1
                    return fault
        return None

    def answer(self, request: Request) -> Response | None:
        """None: the connection is cut."""
        if self.cut.is_set():
            return None
        fault = self.due(request.operation)
        if fault is None:
            return self._pass(request)
        if fault.kind in (Kind.KILLED_BEFORE, Kind.KILLED_AFTER):
            if fault.kind is Kind.KILLED_AFTER:
                self._pass(request)
            self.cut.set()
            return None
        return self._faulty(request, fault)

    def _pass(self, request: Request) -> Response:
        self.done[request.operation] += 1
        return self.upstream(request)

    def _faulty(self, request: Request, fault: Fault) -> Response | None:
        if fault.kind in _REFUSALS:
            return _REFUSALS[fault.kind]("x-amz-target" in request.headers)
        if fault.kind is Kind.REFUSED:
            return None
        if fault.kind is Kind.PARTIAL:
            return self._partly(request)
        if fault.kind is Kind.SLOW:
            time.sleep(fault.seconds)
        response = self._pass(request)
        if fault.kind is Kind.TWICE:
            return self._repeated(request, response)
        if fault.kind is Kind.LOST_ANSWER:
            return None
        if fault.kind is Kind.RESET:
            return Response(response.status, response.body, response.headers | {"x-cut": "1"})
        return response

    def _repeated(self, request: Request, response: Response) -> Response:
        if request.operation != "receive":
            return self._pass(request)
        entries = [
            {"Id": str(i), "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0}
            for i, message in enumerate(json.loads(response.body or b"{}").get("Messages", ()))
        ]
        if entries:
            self.upstream(_changed(request, "ChangeMessageVisibilityBatch", Entries=entries))
        return response

    def _partly(self, request: Request) -> Response:
        if "x-amz-target" not in request.headers:
            return s3_error(409, "ConditionalRequestConflict", "another put of this key is under way")
        asked = json.loads(request.body)
        if request.operation == "receive":
            return self._pass(_changed(request, "ReceiveMessage", MaxNumberOfMessages=1))
        entries = asked["Entries"]
        done, failed = entries[: len(entries) // 2], entries[len(entries) // 2 :]
        answer = {"Successful": []} if not done else json.loads(self._pass(_changed(request, None, Entries=done)).body)
        words = {"SenderFault": False, "Code": "InternalError", "Message": "We encountered an internal error. Please try again."}
        answer["Failed"] = [*answer.get("Failed", ()), *({"Id": entry["Id"], **words} for entry in failed)]
        return Response(200, json.dumps(answer).encode())


def _changed(request: Request, action: str | None, **members: Any) -> Request:
    headers = request.headers | ({"x-amz-target": f"AmazonSQS.{action}"} if action else {})
    keep = {"QueueUrl", "VisibilityTimeout", "WaitTimeSeconds", "AttributeNames", "MaxNumberOfMessages"}
    asked = {name: value for name, value in json.loads(request.body).items() if name in keep}
    return Request(request.method, request.path, headers, json.dumps(asked | members).encode())


def _refusal(status: int, sqs: str, s3: str, words: str) -> Callable[[bool], Response]:
    return lambda is_sqs: sqs_error(status if status != 503 else 500, sqs, words) if is_sqs else s3_error(status, s3, words)


_REFUSALS: dict[Kind, Callable[[bool], Response]] = {
    Kind.ERROR_500: _refusal(500, "InternalError", "InternalError", "We encountered an internal error. Please try again."),
    Kind.ERROR_503: _refusal(503, "ServiceUnavailable", "SlowDown", "Please reduce your request rate."),
    Kind.THROTTLED: _refusal(400, "ThrottlingException", "RequestTimeout", "Rate exceeded"),
    Kind.INSUFFICIENT_STORAGE: _refusal(507, "InsufficientStorage", "InsufficientStorage", "No space left on device"),
    Kind.ACCESS_DENIED: _refusal(403, "AccessDeniedException", "AccessDenied", "not authorized to perform this action"),
    Kind.UNKNOWN: _refusal(400, "InvalidRequest", "InvalidRequest", "nobody foresaw this"),
    Kind.EXPIRED_TOKEN: _refusal(403, "ExpiredTokenException", "ExpiredToken", "The security token included in the request is expired"),
}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A killed worker resets its connections: that is what is being tested."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body are two writes: the second would wait 40 ms for the first one's acknowledgement.
    disable_nagle_algorithm = True
    proxy: Proxy

    def log_message(self, format: str, *args: Any) -> None:
        return

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            # Who asked was killed in the midst of it.
            self._cut()
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        response = self.proxy.answer(Request(self.command, self.path, headers, body))
        if response is None:
            self._cut()
            return
        self.send_response(response.status)
        for name, value in response.headers.items():
            if name != "x-cut":
                self.send_header(name, value)
        is_cut = "x-cut" in response.headers
        # A body that is announced longer than it is: the reader is cut off in its midst.
        self.send_header("Content-Length", str(len(response.body) + 64 * is_cut))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body[: len(response.body) // 2] if is_cut else response.body)
        if is_cut:
            self.wfile.flush()
            self._cut()

    def _cut(self) -> None:
        """With a reset rather than a polite end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _serve


def forward(host: str, port: int) -> Upstream:
    """To a server on this machine: a connection for each thread."""
    of_thread = threading.local()

    def ask(request: Request) -> Response:
        connection = getattr(of_thread, "connection", None)
        if connection is None:
            connection = of_thread.connection = http.client.HTTPConnection(host, port, timeout=60)
        try:
            connection.request(request.method, request.path, request.body, {k: v for k, v in request.headers.items() if k != "expect"})
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            of_thread.connection = None
            return Response(502)
        kept = {
            name: value for name, value in answer.getheaders() if name.lower() not in ("content-length", "connection", "transfer-encoding")
        }
        return Response(answer.status, content, kept)

    return ask
