"""A request's body is looked at before anything parses it: its size, its type, and what JSON may hide (duplicate keys, depth, NaN).

It runs before any router, so that no endpoint can forget it. Shadow documents go through it as well, and are refused in AWS IoT's words; what
AWS IoT says of bytes that this has let pass is said by the shadow's own rules.
"""

import json
import re
from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fleet.shadow.errors import ShadowError
from fleet.shadow.request import DEFAULT_LIMITS, Limits, parse_update
from runtime.strict_json import KeyTwice, unique_keys
from services import problems
from services.problems import ApiError, Invalid, TooLarge, WrongType

# The bulk operations' own limit; everything else is far below it.
BULK_BYTES = 8 * 1024 * 1024
BODY_BYTES = 256 * 1024
DEPTH = 32
_BULK = ("/batch", "/api/v1/devices/import")
_SHADOW = re.compile(r"/devices/[^/]+/shadow(/[^/]+)?")
_JSON = ("application/json", "application/merge-patch+json")


def check_json(content: bytes) -> None:
    """Raises Invalid where the body is no JSON, nested more than DEPTH deep, has a key twice, or a number that is none."""
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"the body is no JSON: {str(error)[:120]}", code="SerializationException") from None
    if (texts := _count_texts(document, DEPTH)) is None:
        raise Invalid(f"the body is nested more than {DEPTH} levels deep", code="SerializationException")
    # Each text has two quotes: where none is escaped, a key that stands twice shows in their number.
    if b"\\" in content or 2 * texts != content.count(b'"'):
        _check_keys(content)


def _count_texts(value: Any, left: int) -> int | None:
    if isinstance(value, str):
        return 1
    if not isinstance(value, dict | list):
        return 0
    if left == 0:
        return None
    count = len(value) if isinstance(value, dict) else 0
    for member in value.values() if isinstance(value, dict) else value:
        of_member = _count_texts(member, left - 1)
        if of_member is None:
            return None
        count += of_member
    return count


# Numbers were looked at by orjson; as texts they cost nothing.
_KEYS = json.JSONDecoder(object_pairs_hook=unique_keys, parse_int=str, parse_float=str)


def _check_keys(content: bytes) -> None:
    try:
        # Its depth is known by now: the parser cannot recurse further.
        _KEYS.decode(content.decode("utf-8"))
    except KeyTwice as fault:
        raise Invalid(f"the body has {fault}", code="SerializationException") from None


class BodyGuard:
    """ASGI middleware: reads the body once, within its limit, checks it, and gives it on. `limits` are those of a shadow's document."""

    def __init__(self, app: ASGIApp, limits: Limits = DEFAULT_LIMITS) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            body = await _read(scope, receive)
            if body:
                _check(scope, body, self._limits)
        except ApiError as error:
            answer = problems.answer(error, scope["state"]["request_id"], scope["path"])
            await answer(scope, receive, send)
            return
        await self._app(scope, _replayed(body, receive), send)


async def _read(scope: Scope, receive: Receive) -> bytes:
    limit = BULK_BYTES if scope["path"] in _BULK else BODY_BYTES
    declared = dict(scope["headers"]).get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > limit:
        raise TooLarge(f"the body has {int(declared)} bytes; this operation takes {limit}")
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"the body has more than the {limit} bytes that this operation takes")
        chunks.append(chunk)
        if not message.get("more_body"):
            break
    return b"".join(chunks)


def _check(scope: Scope, body: bytes, limits: Limits) -> None:
    headers = dict(scope["headers"])
    if (coding := headers.get(b"content-encoding", b"").decode("latin-1")).strip().lower() not in ("", "identity"):
        raise WrongType(f"the body is sent with Content-Encoding: {coding}; send it as it is", headers={"Accept-Encoding": "identity"})
    kind = headers.get(b"content-type", b"").decode("latin-1")
    media, _, parameters = kind.partition(";")
    if media.strip().lower() not in _JSON:
        raise WrongType(f"the body is sent as {kind or 'nothing'!r}; send Content-Type: application/json")
    charset = parameters.strip().lower().replace('"', "")
    if charset and charset != "charset=utf-8":
        raise WrongType(f"the body is sent with {parameters.strip()}; JSON is UTF-8")
    try:
        check_json(body)
    except Invalid as fault:
        if scope["method"] == "PUT" and _SHADOW.fullmatch(scope["path"]):
            raise _in_aws_words(body, limits) from None
        raise fault


def _in_aws_words(body: bytes, limits: Limits) -> ApiError:
    """What AWS IoT says of a document that is no strict JSON, or nested too deep."""
    try:
        parse_update(body, limits)
    except ShadowError as refused:
        if refused.code == WrongType.status:
            return WrongType(refused.message, code="UnsupportedDocumentEncodingException")
        return Invalid(refused.message, code="InvalidRequestException")
    return Invalid("Invalid JSON", code="InvalidRequestException")


def _replayed(body: bytes, receive: Receive) -> Receive:
    told = False

    async def again() -> Message:
        nonlocal told
        if told:
            # What is left is the end of the connection.
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
