"""What an engine may get wrong of requests and answers: versions, tokens, payloads, messages."""

import json
from typing import Any

from tests.fleet.shadow import flat
from tests.fleet.shadow.flat import DESIRED, SECTIONS, Flat
from tests.fleet.shadow.payloads import Refused
from tests.fleet.shadow.reference import Outcome, Reference


class ADeletionRestartsTheVersion(Reference):
    def _deleted(self, asked: dict[str, Any], now: int) -> Outcome:
        done = super()._deleted(asked, now)
        self.number = 0
        return done


class ADeletionMovesTheVersion(Reference):
    def _deleted(self, asked: dict[str, Any], now: int) -> Outcome:
        done = super()._deleted(asked, now)
        self.number += 1
        return done


class ADeletedShadowIsShownAsPrevious(Reference):
    def documents(self, previous: dict[str, Any] | None, head: dict[str, Any]) -> dict[str, Any]:
        past = {"state": {}, "metadata": {}, "version": self.number - 1} if self.number > 1 else None
        return super().documents(previous or past, head)


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


class ARefusedUpdateMovesTheVersion(Reference):
    def check_size(self, merged: Flat) -> None:
        self.number += flat.sizes(merged) > self.document_bytes
        super().check_size(merged)


class ATooLargeUpdateIsKept(Reference):
    def check_size(self, merged: Flat) -> None:
        if self.flat is not None and flat.sizes(merged) > self.document_bytes:
            self.flat = merged
        super().check_size(merged)


class DocumentsHaveTheDelta(Reference):
    def described(self) -> dict[str, Any] | None:
        told, differing = super().described(), self.differing()
        if told is not None and differing:
            told["state"]["delta"] = self.state_of(differing)[DESIRED]
            told["metadata"]["delta"] = self.metadata_of(differing)[DESIRED]
        return told


class PreviousIsCurrent(Reference):
    def documents(self, previous: dict[str, Any] | None, head: dict[str, Any]) -> dict[str, Any]:
        return super().documents(previous and self.described(), head)


class GetHasNoDelta(Reference):
    def _got(self, asked: dict[str, Any], now: int) -> Outcome:
        done = super()._got(asked, now)
        for part in ("state", "metadata"):
            (done.accepted or {})[part].pop("delta", None)
        return done


class AcceptedHasTheWholeSection(Reference):
    def given(self, state: dict[str, Any] | None, now: int) -> dict[str, Any]:
        now_there = {path: leaf for path, leaf in (self.flat or {}).items() if path[0] in (state or ())}
        return {"state": self.state_of(now_there), "metadata": self.metadata_of(now_there)}


class AnUnknownNodeIsDropped(Reference):
    def asked_state(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        if isinstance(asked.get("state"), dict):
            asked = asked | {"state": {name: asked["state"][name] for name in SECTIONS if name in asked["state"]}}
        return super().asked_state(asked)


class TheLastOfTwoKeysCounts(Reference):
    def document(self, payload: bytes) -> dict[str, Any]:
        try:
            return super().document(payload)
        except Refused:
            found = _found(payload)
            if not isinstance(found, dict) or any(word in flat.compact(found) for word in ("NaN", "Infinity")):
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


class TheClockStandsStill(Reference):
    def update(self, payload: bytes, now: int) -> Outcome:
        self.first = getattr(self, "first", now)
        return super().update(payload, self.first)


class ARefusalForgetsTheToken(Reference):
    def update(self, payload: bytes, now: int) -> Outcome:
        done = super().update(payload, now)
        return Outcome(done.code, done.message) if done.code != 200 else done
