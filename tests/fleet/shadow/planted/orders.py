"""Of several faults another is told than the first."""

from collections.abc import Callable
from typing import Any

from tests.fleet.shadow import payloads
from tests.fleet.shadow.flat import REPORTED, Flat
from tests.fleet.shadow.payloads import Refused
from tests.fleet.shadow.reference import Reference

Check = Callable[[dict[str, Any]], object]


def _sooner(checks: list[Check], number: int) -> list[Check]:
    """The check of that number before the one that it follows."""
    return [*checks[: number - 1], checks[number], checks[number - 1], *checks[number + 1 :]]


class TheVersionComesBeforeTheState(Reference):
    def checks(self) -> list[Check]:
        return _sooner(super().checks(), 1)


class TheTokenComesBeforeTheVersion(Reference):
    def checks(self) -> list[Check]:
        return _sooner(super().checks(), 2)


class TheDepthComesBeforeTheToken(Reference):
    def checks(self) -> list[Check]:
        return _sooner(super().checks(), 3)


class UnknownNodesComeBeforeTheDepth(Reference):
    def checks(self) -> list[Check]:
        return _sooner(super().checks(), 4)


class ArraysComeBeforeUnknownNodes(Reference):
    def checks(self) -> list[Check]:
        return _sooner(super().checks(), 5)


class TheConflictComesBeforeArrays(Reference):
    def check_arrays(self, asked: dict[str, Any]) -> None:
        self.check_version(self.version(asked))
        super().check_arrays(asked)


class TheSizeComesBeforeTheConflict(Reference):
    def check_against(self, asked: dict[str, Any], merged: Flat) -> None:
        self.check_size(merged)
        super().check_against(asked, merged)


class ReportedComesBeforeDesired(Reference):
    def checks(self) -> list[Check]:
        def check_reported(asked: dict[str, Any]) -> None:
            state = asked.get("state")
            if isinstance(state, dict):
                payloads.check_state({"state": {name: state.get(name) for name in (REPORTED,)}})

        return [check_reported, *super().checks()]


class TheDepthOfUnknownNodesCounts(Reference):
    def check_depth(self, asked: dict[str, Any]) -> None:
        if any(self.is_deeper(section, self.depth) for section in (asked["state"] or {}).values() if isinstance(section, dict)):
            raise payloads.too_deep(self.depth)


class TheAbsenceComesBeforeTheToken(Reference):
    def _existing(self, asked: dict[str, Any]) -> dict[str, Any]:
        super()._existing({})
        return super()._existing(asked)


class TheLastUnknownNodeIsTold(Reference):
    def check_nodes(self, asked: dict[str, Any]) -> None:
        super().check_nodes({"state": dict(reversed((asked["state"] or {}).items()))})


class AWrongTokenIsGivenBack(Reference):
    def token_of_refusal(self, asked: dict[str, Any]) -> str | None:
        given = asked.get("clientToken")
        return given if isinstance(given, str) else None


class ATokenIsGivenBackForItselfAlone(Reference):
    """Not beside another fault of the request's form."""

    def token_of_refusal(self, asked: dict[str, Any]) -> str | None:
        try:
            for check in self.checks() if "state" in asked else ():
                check(asked)
        except Refused:
            return None
        return super().token_of_refusal(asked)
