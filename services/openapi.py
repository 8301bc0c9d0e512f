"""What the OpenAPI document says of the API as a whole and of its problems, with whole examples, and nothing that FastAPI adds of its own and
this API never answers."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, Field

from services.examples import example_of, used
from services.problems import MEDIA_TYPE


class Problem(BaseModel):
    """RFC 9457's problem details with the AWS error code."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(description="The code without its ending", examples=["ResourceNotFound"])
    status: int = Field(description="The status of the answer", examples=[404])
    detail: str = Field(
        description="What was being done to what, and how to mend it", examples=["device engine-7: there is none that you may see"]
    )
    instance: str = Field(description="The path that was asked for", examples=["/api/v1/devices/engine-7"])
    code: str = Field(description="AWS's error code", examples=["ResourceNotFoundException"])
    request_id: str = Field(description="Finds the call in the log", examples=["2c9c1b1e-6f0e-4f5e-9d9f-0d8f3a3b7c11"])


# Status: when, AWS's code, what a problem says for example.
_KINDS = {
    400: (
        "The request is not as the operation asks for it",
        "ValidationException",
        "the request is not as the operation asks for it; see errors",
    ),
    401: (
        "No access token, or none that is valid",
        "NotAuthorizedException",
        "the access token is not valid: it has expired; sign in again or refresh it",
    ),
    403: ("The caller's role or rights do not reach so far", "AccessDeniedException", "this operation is for admins; anna is viewer"),
    404: ("There is none that the caller may see", "ResourceNotFoundException", "device engine-7: there is none that you may see"),
    405: ("No operation of this path", "MethodNotAllowedException", "Method Not Allowed"),
    406: (
        "None of the forms that it can answer in is accepted",
        "NotAcceptableException",
        "answer as text/html: there are application/json, text/csv",
    ),
    408: ("It took longer than it may", "RequestTimeoutException", "the query took longer than 30 s"),
    409: ("It does not fit to what is there", "ConflictException", "device engine-7: there is one already"),
    412: ("If-Match names another version", "PreconditionFailed", "device engine-7: version 4 given, current is 6"),
    413: ("The body is too large", "RequestEntityTooLargeException", "the body has more than the 262144 bytes that this operation takes"),
    415: (
        "The body is no UTF-8 JSON",
        "UnsupportedMediaTypeException",
        "the body is sent as 'text/plain'; send Content-Type: application/json",
    ),
    422: ("The idempotency key was used for another request", "IdempotentParameterMismatchException", "the key was used with another body"),
    428: ("The operation needs If-Match", "PreconditionRequired", "send If-Match with the version that you have read"),
    429: ("Too many calls; see Retry-After", "ThrottlingException", "more than 100 calls a second for this user; wait a second"),
    500: (
        "Something failed that nobody foresaw",
        "InternalFailureException",
        "something failed that nobody foresaw; its request id finds it in the log",
    ),
    501: ("Not on this platform", "NotImplementedException", "this operation does not exist on this platform"),
    503: (
        "A service behind the API does not answer; see Retry-After",
        "ServiceUnavailableException",
        "a service behind this API does not answer; try again",
    ),
}
_PROBLEM = "#/components/schemas/Problem"
# What any operation may answer.
_ALWAYS = (400, 401, 413, 415, 429, 500, 503)
_RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "string"}}}


def problems_of(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses=` of an operation: the problems that it gives, and those that every operation may give."""
    return {status: _response(status) for status in sorted({*_ALWAYS, *statuses})}


def _response(status: int) -> dict[str, Any]:
    phrase = HTTPStatus(status).phrase
    when, code, detail = _KINDS.get(status, (phrase, f"{phrase.title().replace(' ', '')}Exception", phrase))
    example = {
        "type": "about:blank",
        "title": code.removesuffix("Exception"),
        "status": status,
        "detail": detail,
        "instance": "/api/v1/devices/engine-7",
        "code": code,
        "request_id": "2c9c1b1e-6f0e-4f5e-9d9f-0d8f3a3b7c11",
    }
    content = {MEDIA_TYPE: {"schema": {"$ref": _PROBLEM}, "example": example}}
    return {"description": when, "content": content, **({"headers": _RETRY_AFTER} if status in (429, 503) else {})}


# For who writes a client; the long form is docs/apis.md.
DESCRIPTION = """Users and permissions, devices, shadows, telemetry and SQL over the lake of an IoT fleet.

**Signing in.** `POST /auth/login` gives tokens, or a challenge for `POST /auth/challenge`. Every call but those of signing in carries
`Authorization: Bearer` with the **access** token, once; `POST /auth/refresh` gives a new one before it ends.

**Errors** are problems of RFC 9457 with AWS's error code in `code` and in the header `x-amzn-ErrorType`. A device that is not there and one that you
may not see get the same 404. After 429 and 503 wait as `Retry-After` says.

**Request ids.** Each answer has one in `x-amzn-RequestId`. `X-Request-Id` gives your own, 1 to 128 letters, digits and `_.:-`; anything else is
replaced.

**Bodies** are JSON in UTF-8 without any Content-Encoding, at most 256 KiB (8 MiB for the bulk operations), without duplicate keys.

**Lists** come in pages: while `next_token` is not null, send it with the same query. A token is its caller's alone.

**Versions.** A device's is its `ETag`; changes need `If-Match`. **Repetition:** what takes an `Idempotency-Key` is done once for a key, for a day.
"""
SERVERS = [{"url": "/", "description": "Where this document is served: on a laptop as `fleetlake status` says"}]


class DocumentedApi(FastAPI):
    """Its document names the problem once, has whole examples and only schemas that are used, and has a 422 only where one is declared: for wrong
    parameters, where FastAPI would put one to each operation that has any, the answer here is a 400."""

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas["Problem"] = Problem.model_json_schema()
        for operations in document.get("paths", {}).values():
            for operation in operations.values():
                if MEDIA_TYPE not in operation["responses"].get("422", {}).get("content", {MEDIA_TYPE: {}}):
                    del operation["responses"]["422"]
                _exemplify(operation, schemas)
        document["components"]["schemas"] = {name: schemas[name] for name in sorted(used(document))}
        return document


def _exemplify(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
    for place in [operation.get("requestBody", {}), *answers]:
        body = place.get("content", {}).get("application/json")
        if body and not {"example", "examples"} & body.keys():
            body["example"] = example_of(body["schema"], schemas)
