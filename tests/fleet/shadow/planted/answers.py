"""What an engine may get wrong of its answers: their parts, their versions and moments."""

from typing import Any

from tests.fleet.shadow import flat
from tests.fleet.shadow.flat import DESIRED, Flat
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


class AcceptedForgetsNulls(Reference):
    def given(self, state: dict[str, Any] | None, now: int) -> dict[str, Any]:
        return super().given(_without_nulls(state), now)


class ANullHasNoStamp(Reference):
    def given(self, state: dict[str, Any] | None, now: int) -> dict[str, Any]:
        return super().given(state, now) | {"metadata": flat.stamped(_without_nulls(state) or {}, now)}


class ANullSectionHasNoStamp(Reference):
    def given(self, state: dict[str, Any] | None, now: int) -> dict[str, Any]:
        told = {name: section for name, section in (state or {}).items() if section is not None}
        return super().given(state, now) | ({} if state is None else {"metadata": flat.stamped(told, now)})


class ANullStateIsToldAsAnEmptyOne(Reference):
    def given(self, state: dict[str, Any] | None, now: int) -> dict[str, Any]:
        return super().given(state or {}, now)


def _without_nulls(value: Any) -> Any:
    """Arrays have none."""
    if not isinstance(value, dict):
        return value
    return {key: _without_nulls(member) for key, member in value.items() if member is not None}


class TheClockStandsStill(Reference):
    def update(self, payload: bytes, now: int) -> Outcome:
        self.first = getattr(self, "first", now)
        return super().update(payload, self.first)


class ARefusalForgetsTheToken(Reference):
    def update(self, payload: bytes, now: int) -> Outcome:
        done = super().update(payload, now)
        return Outcome(done.code, done.message) if done.code != 200 else done
