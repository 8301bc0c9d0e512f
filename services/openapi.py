"""What the OpenAPI document says of problems, and nothing that FastAPI adds of its own and this API never answers."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, Field

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


class DocumentedApi(FastAPI):
    """Its document names the problem once, and has a 422 only where one is declared: for wrong parameters, where FastAPI would put one to each
    operation that has any, the answer here is a 400."""

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        document.setdefault("components", {}).setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
        for operations in document.get("paths", {}).values():
            for operation in operations.values():
                if MEDIA_TYPE not in operation["responses"].get("422", {}).get("content", {MEDIA_TYPE: {}}):
                    del operation["responses"]["422"]
        return document
