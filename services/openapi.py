"""What an operation declares of the problems that it can give."""

from typing import Any

from pydantic import BaseModel, Field

from services.problems import MEDIA_TYPE

_WORDS = {
    400: "The request is not as the operation asks for it",
    401: "No valid access token",
    403: "The caller may not do this",
    404: "There is none, or none that the caller may see",
    409: "It conflicts with what is there",
    412: "If-Match names another version",
    413: "The body is too large",
    415: "The body is no JSON",
    422: "The idempotency key was used with another request",
    428: "If-Match is missing",
    429: "Too many calls; Retry-After says when",
    503: "A service behind this API does not answer",
}


class Place(BaseModel):
    at: str
    message: str


class Problem(BaseModel):
    """RFC 9457, with the AWS error code."""

    type: str = Field(examples=["about:blank"])
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    errors: list[Place] | None = None


def problems_of(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For `responses=` of an operation."""
    return {status: {"description": _WORDS.get(status, "A problem"), "model": Problem, "content": {MEDIA_TYPE: {}}} for status in statuses}
