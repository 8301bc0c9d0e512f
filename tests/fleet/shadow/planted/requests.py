"""What an engine may get wrong of requests: versions, tokens, nodes, JSON."""

import json
from typing import Any

from tests.fleet.shadow import flat
from tests.fleet.shadow.flat import SECTIONS
from tests.fleet.shadow.payloads import Refused
from tests.fleet.shadow.reference import Outcome, Reference


class VersionsAreNotCompared(Reference):
    def check_version(self, version: int | None) -> None:
        pass


class AnOlderVersionAloneConflicts(Reference):
    def check_version(self, version: int | None) -> None:
        if self.flat is None or version is None or version <= self.number:
            super().check_version(version)


class TrueIsVersionOne(Reference):
    def _updated(self, asked: dict[str, Any], now: int) -> Outcome:
        asked = dict(asked, version=1) if asked.get("version") is True else asked
        return super()._updated(asked, now)


class NullIsNoVersion(Reference):
    def version(self, asked: dict[str, Any]) -> int | None:
        if "version" in asked and asked["version"] is None:
            raise Refused(400, "Invalid version")
        return super().version(asked)


class NullIsVersionNought(Reference):
    def version(self, asked: dict[str, Any]) -> int | None:
        return 0 if "version" in asked and asked["version"] is None else super().version(asked)


class ANegativeVersionConflicts(Reference):
    def version(self, asked: dict[str, Any]) -> int | None:
        given = asked.get("version")
        return given if type(given) is int else super().version(asked)


class AnotherTypeOfVersionConflicts(Reference):
    def version(self, asked: dict[str, Any]) -> int | None:
        given = asked.get("version")
        return super().version(asked) if given is None or type(given) is int or self.flat is None else -1


class AWholeFloatIsAVersion(Reference):
    def version(self, asked: dict[str, Any]) -> int | None:
        given = asked.get("version")
        return int(given) if isinstance(given, float) and given.is_integer() else super().version(asked)


class TextIsAVersion(Reference):
    def version(self, asked: dict[str, Any]) -> int | None:
        given = asked.get("version")
        return int(given) if isinstance(given, str) and given.isdecimal() else super().version(asked)


class NullIsNoToken(Reference):
    def token(self, asked: dict[str, Any]) -> str | None:
        if "clientToken" in asked and asked["clientToken"] is None:
            raise Refused(400, "Invalid clientToken")
        return super().token(asked)


class ANullForATokenIsEchoed(Reference):
    def echoed(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"clientToken": asked["clientToken"]} if "clientToken" in asked else {}


class AnUnknownNodeIsDropped(Reference):
    def _updated(self, asked: dict[str, Any], now: int) -> Outcome:
        if isinstance(asked.get("state"), dict):
            asked = asked | {"state": {name: asked["state"][name] for name in SECTIONS if name in asked["state"]}}
        return super()._updated(asked, now)


class TheLastOfTwoKeysCounts(Reference):
    def document(self, payload: bytes) -> dict[str, Any]:
        try:
            return super().document(payload)
        except Refused:
            found = _found(payload)
            if (
                not isinstance(found, dict)
                or any(word in flat.compact(found) for word in ("NaN", "Infinity"))
                or b"\\ud" in payload.lower()
            ):
                raise
            return found


class NotANumberIsTaken(Reference):
    def document(self, payload: bytes) -> dict[str, Any]:
        found = _found(payload)
        return found if isinstance(found, dict) and "NaN" in flat.compact(found) else super().document(payload)


class WhatIsNotFiniteIsTaken(Reference):
    def document(self, payload: bytes) -> dict[str, Any]:
        found = _found(payload)
        return found if isinstance(found, dict) and b"e999" in payload else super().document(payload)


def _found(payload: bytes) -> Any:
    try:
        return json.loads(payload.decode())
    except (ValueError, RecursionError):
        return None


class AHalfOfAPairIsTaken(Reference):
    def document(self, payload: bytes) -> dict[str, Any]:
        return dict(json.loads(payload)) if b"\\ud8" in payload.lower() else super().document(payload)


class LatinIsTaken(Reference):
    def document(self, payload: bytes) -> dict[str, Any]:
        try:
            return super().document(payload)
        except Refused as refusal:
            if refusal.code != 415:
                raise
            return super().document(payload.decode("latin-1").encode())
