"""Shadows as AWS IoT has them: its data plane is the truth, on a laptop too, where our own engine answers in its place.

Documents go through as bytes, both ways: what AWS IoT says of one is what the caller gets, its message and code as well.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from runtime.platforms import Platform
from services.identity import Right
from services.problems import ApiError, Conflict, Invalid, NotFound, Throttled, TooLarge, Unavailable, WrongType
from services.shadow.cache import ShadowCache, Version
from services.shadow.restore import restoring

CLASSIC = ""
_NAMES_A_PAGE = 100
# What a caller asks for by AWS's own names. A refusal of the API's own credentials is no fault of the caller's.
_OF_AWS: dict[str, type[ApiError]] = {
    "ResourceNotFoundException": NotFound,
    "ConflictException": Conflict,
    "RequestEntityTooLargeException": TooLarge,
    "InvalidRequestException": Invalid,
    "ThrottlingException": Throttled,
    "UnsupportedDocumentEncodingException": WrongType,
    "ServiceUnavailableException": Unavailable,
}


@dataclass(frozen=True)
class Shadows:
    data: Any
    cache: ShadowCache

    @classmethod
    def of(cls, platform: Platform) -> "Shadows":
        return cls(platform.client("iot-data"), ShadowCache(platform))

    def get(self, device_id: str, name: str) -> bytes:
        """The document with its delta. Raises NotFound where there is no such shadow."""
        return self._call(self.data.get_thing_shadow, device_id, name)

    def update(self, device_id: str, name: str, document: bytes, user: str) -> bytes:
        """What AWS IoT accepted. Raises Conflict for another version than the document names, TooLarge, Invalid."""
        accepted = self._call(self.data.update_thing_shadow, device_id, name, payload=document)
        self.cache.note_author(device_id, name, _version_of(accepted), user)
        return accepted

    def delete(self, device_id: str, name: str, user: str) -> bytes:
        accepted = self._call(self.data.delete_thing_shadow, device_id, name)
        self.cache.note_author(device_id, name, _version_of(accepted), user, deleted=True)
        return accepted

    def names(self, device_id: str) -> Iterator[str]:
        """Of the named shadows, sorted; the classic one is not among them."""
        token: dict[str, str] = {}
        while True:
            with _in_aws_words():
                answer = self.data.list_named_shadows_for_thing(thingName=device_id, pageSize=_NAMES_A_PAGE, **token)
            yield from answer["results"]
            if not answer.get("nextToken"):
                return
            token = {"nextToken": answer["nextToken"]}

    def delete_all(self, device_id: str, user: str) -> list[str]:
        """Delete every shadow of a device; the names of those there were, the classic one's being empty."""
        gone = []
        for name in [CLASSIC, *self._named(device_id)]:
            with suppress(NotFound):
                self.delete(device_id, name, user)
                gone.append(name)
        return gone

    def _named(self, device_id: str) -> list[str]:
        try:
            return list(self.names(device_id))
        except NotFound:
            # A creation that broke off early has left no thing.
            return []

    def restore(self, device_id: str, name: str, version: int, user: str, sections: tuple[str, ...]) -> bytes:
        """Make `sections` what they were at `version`. Raises NotFound for a version without a document, Conflict where another was quicker."""
        old = self.cache.version(device_id, name, version)
        if old is None or old.document is None:
            raise NotFound(f"restore shadow {label(device_id, name)}: no document of version {version} is kept")
        present = self._present(device_id, name)
        change = {section: restoring(present["state"].get(section) or {}, old.document["state"].get(section) or {}) for section in sections}
        wanted = {"state": change} | ({"version": present["version"]} if "version" in present else {})
        return self.update(device_id, name, json.dumps(wanted).encode(), user)

    def _present(self, device_id: str, name: str) -> dict[str, Any]:
        try:
            return dict(json.loads(self.get(device_id, name)))
        except NotFound:
            return {"state": {}}

    def history(self, device_id: str, name: str, *, before: int | None, limit: int) -> list[Version]:
        return self.cache.history(device_id, name, before=before, limit=limit)

    def _call(self, operation: Callable[..., dict[str, Any]], device_id: str, name: str, **more: Any) -> bytes:
        if name:
            more["shadowName"] = name
        with _in_aws_words():
            return bytes(operation(thingName=device_id, **more)["payload"].read())


@contextmanager
def _in_aws_words() -> Iterator[None]:
    """What AWS IoT refuses is told by its own message and code."""
    try:
        yield
    except ClientError as error:
        code = str(error.response["Error"]["Code"])
        if code not in _OF_AWS:
            raise
        raise _OF_AWS[code](_message(error), code=code) from None


def _message(error: ClientError) -> str:
    # Older answers name it in lower case.
    told = error.response.get("message") or error.response["Error"].get("Message")
    return str(told or error.response["Error"]["Code"])


def _version_of(accepted: bytes) -> int:
    return int(json.loads(accepted)["version"])


def label(device_id: str, name: str) -> str:
    return f"{device_id}~{name}" if name else device_id


def rights_of(document: Any) -> set[Right]:
    """What an update asks for: to desire is to command, to report is to write. One that is no update asks for both."""
    state = document.get("state") if isinstance(document, dict) else None
    if not isinstance(state, dict):
        return {Right.COMMAND, Right.WRITE}
    asked = {Right.COMMAND} if "desired" in state else set()
    if "reported" in state or not asked:
        asked.add(Right.WRITE)
    return asked
