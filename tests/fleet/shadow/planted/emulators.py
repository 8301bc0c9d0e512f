"""What emulators of AWS IoT were seen to do."""

from typing import Any

from tests.fleet.shadow import flat, payloads
from tests.fleet.shadow.flat import GONE, Flat, Leaf
from tests.fleet.shadow.payloads import Refused
from tests.fleet.shadow.reference import Outcome, Reference


class AVersionOnANewShadowCrashes(Reference):
    def check_version(self, version: int | None) -> None:
        if self.flat is None and version is not None:
            raise AttributeError("'NoneType' object has no attribute 'version'")
        super().check_version(version)


class TrueEqualsOne(Reference):
    def is_same(self, wanted: Leaf, reported: Leaf | None) -> bool:
        return reported is not None and bool(wanted.value == reported.value)


class TheTokenIsNotEchoed(Reference):
    def echoed(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {}


class TheTokenIsNotLimited(Reference):
    def token(self, asked: dict[str, Any]) -> str | None:
        return payloads.token(asked, 10_000)


class NullLeavesTheSection(Reference):
    def apply(self, into: Flat, path: flat.Path, value: Any, now: int) -> None:
        if len(path) > 1 or value is not GONE:
            super().apply(into, path, value, now)


class AnySizeIsTaken(Reference):
    def check_size(self, merged: Flat) -> None:
        pass


class AnyDepthIsTaken(Reference):
    """Nearly: what is much deeper could not be merged."""

    def is_deeper(self, section: dict[str, Any], than: int) -> bool:
        return super().is_deeper(section, 50)


class NullInAnArrayIsKept(Reference):
    def check_arrays(self, asked: dict[str, Any]) -> None:
        pass


class ASecondDeleteMovesTheVersion(Reference):
    def _deleted(self, asked: dict[str, Any], now: int) -> Outcome:
        if self.flat is None and self.number:
            self.number, self.flat = self.number + 1, {}
        return super()._deleted(asked, now)


class StateNullIsRefused(Reference):
    def check_against(self, asked: dict[str, Any], merged: Flat) -> None:
        if asked["state"] is None:
            raise Refused(400, "State node must be an object")
        super().check_against(asked, merged)


class AnArrayHasOneStamp(Reference):
    def metadata_of(self, leaves: Flat) -> dict[str, Any]:
        return flat.tree(leaves, lambda leaf: {"timestamp": leaf.at})


class NullUnderNothingIsStored(Reference):
    def apply(self, into: Flat, path: flat.Path, value: Any, now: int) -> None:
        if value is GONE and len(path) > 2 and not any(known[: len(path) - 1] == path[:-1] for known in into):
            flat.put(into, path, Leaf(None, now))
        else:
            super().apply(into, path, value, now)
