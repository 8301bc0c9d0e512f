"""What every answer has: a request id, headers that browsers heed, a line in the access log without anything secret."""

import re
import time
import uuid
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime.log import logger
from services import problems

_log = logger("access")
_GIVEN_ID = re.compile(rb"[A-Za-z0-9_.:-]{1,128}")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


class Manners:
    """ASGI middleware, the outermost: whatever fails below still has an id, the headers and a line."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        begun = time.perf_counter()
        status, is_begun = 500, False

        async def with_headers(message: Message) -> None:
            nonlocal status, is_begun
            if message["type"] == "http.response.start":
                status, is_begun = message["status"], True
                headers = MutableHeaders(scope=message)
                headers["x-amzn-RequestId"] = request_id
                for name, value in _HEADERS.items():
                    if name not in headers:
                        headers[name] = value
            await send(message)

        try:
            await self._app(scope, receive, with_headers)
        except Exception as error:
            # The edge: it is logged, and the caller gets an id to ask with.
            if is_begun:
                raise
            await problems.told(error, request_id, scope["path"])(scope, receive, with_headers)
        finally:
            _tell(scope, request_id, status, time.perf_counter() - begun)


def _request_id(scope: Scope) -> str:
    """The caller's own, so that its log and ours meet; one that could break a log line is not taken."""
    given = dict(scope["headers"]).get(b"x-request-id", b"")
    return given.decode() if _GIVEN_ID.fullmatch(given) else str(uuid.uuid4())


def _tell(scope: Scope, request_id: str, status: int, seconds: float) -> None:
    # Neither query nor headers: they may hold what nobody else should read.
    route = scope.get("route")
    facts: dict[str, Any] = {
        "request_id": request_id,
        "method": scope["method"],
        "path": scope["path"],
        "route": getattr(route, "path", ""),
        "status": status,
        "milliseconds": round(seconds * 1000, 1),
        "from": (scope.get("client") or ("",))[0],
    }
    if caller := scope["state"].get("caller"):
        facts |= {"user_id": caller.user_id, "role": str(caller.role)}
    _log.info("request", extra=facts)
