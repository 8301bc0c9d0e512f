"""Every error of the APIs as RFC 9457's problem details, with the AWS error code that clients know; the one place that maps to HTTP.

ApiError                 status, AWS error code
 ├─ Invalid              400 ValidationException (or a finer code of AWS)
 ├─ Unauthenticated      401 NotAuthorizedException
 ├─ Forbidden            403 AccessDeniedException
 ├─ NotFound             404 ResourceNotFoundException
 ├─ Conflict             409 ConflictException (or a finer one, such as VersionConflictException)
 ├─ Stale                412 PreconditionFailed: If-Match names another version
 ├─ TooLarge             413 RequestEntityTooLargeException
 ├─ WrongType            415 UnsupportedMediaTypeException
 ├─ Throttled            429 ThrottlingException, with Retry-After
 └─ Unavailable          503 ServiceUnavailableException
"""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Route

from runtime.errors import FleetlakeError, RetryLater, ServiceError, UserError
from runtime.log import logger

MEDIA_TYPE = "application/problem+json"

_log = logger("api")


class ApiError(FleetlakeError):
    status = 500
    code = "InternalFailureException"

    def __init__(
        self,
        detail: str,
        *,
        code: str = "",
        status: int = 0,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        """`more` are further members of the problem, such as `errors` with the place of each."""
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.code
        self.status = status or self.status
        self.headers = dict(headers or {})
        self.more = dict(more or {})


class Invalid(ApiError):
    status, code = 400, "ValidationException"


class Unauthenticated(ApiError):
    status, code = 401, "NotAuthorizedException"


class Forbidden(ApiError):
    status, code = 403, "AccessDeniedException"


class NotFound(ApiError):
    status, code = 404, "ResourceNotFoundException"


class Conflict(ApiError):
    status, code = 409, "ConflictException"


class Stale(ApiError):
    status, code = 412, "PreconditionFailed"


class TooLarge(ApiError):
    status, code = 413, "RequestEntityTooLargeException"


class WrongType(ApiError):
    status, code = 415, "UnsupportedMediaTypeException"


class Throttled(ApiError):
    status, code = 429, "ThrottlingException"


class Unavailable(ApiError):
    status, code = 503, "ServiceUnavailableException"


_OF_HTTP = {404: NotFound, 405: ApiError, 413: TooLarge, 415: WrongType}
_WORDS = {405: "MethodNotAllowedException"}


def of_error(error: Exception) -> ApiError:
    """What a caller is told of any error. One that nobody foresaw tells nothing of itself."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, RequestValidationError):
        return Invalid("the request is not as the operation asks for it; see errors", more={"errors": _places(error.errors())})
    if isinstance(error, HTTPException):
        kind = _OF_HTTP.get(error.status_code, ApiError)
        return kind(str(error.detail), status=error.status_code, code=_WORDS.get(error.status_code, ""), headers=error.headers)
    if isinstance(error, UserError):
        return Invalid(str(error))
    if isinstance(error, RetryLater | ServiceError) or type(error).__module__.startswith("botocore."):
        return Unavailable("a service behind this API does not answer; try again", headers={"Retry-After": "1"})
    return ApiError("something failed that nobody foresaw; its request id finds it in the log")


def _places(errors: Sequence[Any]) -> list[dict[str, str]]:
    return [{"at": ".".join(str(part) for part in each["loc"]), "message": str(each["msg"])} for each in errors[:20]]


def answer(error: ApiError, request_id: str, path: str) -> JSONResponse:
    body = {
        "type": "about:blank",
        "title": error.code.removesuffix("Exception"),
        "status": error.status,
        "detail": error.detail,
        "instance": path,
        "code": error.code,
        "request_id": request_id,
        **error.more,
    }
    headers = {**error.headers, "x-amzn-ErrorType": error.code}
    if error.status == 401:
        headers.setdefault("WWW-Authenticate", "Bearer")
    return JSONResponse(body, error.status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """What nobody foresaw `services.manners` answers: FastAPI would do so outside of every middleware, without id and headers."""

    async def handle(request: Request, error: Exception) -> JSONResponse:
        if isinstance(error, HTTPException) and error.status_code == 405:
            error = HTTPException(405, error.detail, {"Allow": ", ".join(_methods(app, request))})
        return told(error, request.state.request_id, request.url.path)

    for kind in (FleetlakeError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, handle)


def _methods(app: FastAPI, request: Request) -> list[str]:
    """All that there is an operation of at the path: Starlette tells of its first one alone, and RFC 9110 (15.5.6) asks for all."""
    asked = request.scope["route"].path
    return sorted({method for route in app.routes if isinstance(route, Route) and route.path == asked for method in route.methods or ()})


def told(error: Exception, request_id: str, path: str) -> JSONResponse:
    """The answer to a request that failed, and a line in the log where it is the API that did."""
    problem = of_error(error)
    if problem.status >= 500:
        _log.error("request failed", exc_info=error, extra={"request_id": request_id})
    return answer(problem, request_id, path)
