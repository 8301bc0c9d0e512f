"""What an engine may get wrong of a document: merge, stamps, delta, size, depth."""

import json
from typing import Any

from tests.fleet.shadow import flat
from tests.fleet.shadow.flat import DESIRED, GONE, HOLLOW, Flat, Leaf
from tests.fleet.shadow.reference import Outcome, Reference


class OneDiffersFromOnePointNought(Reference):
    def is_same(self, wanted: Leaf, reported: Leaf | None) -> bool:
        return reported is not None and super().is_same(wanted, reported) and repr(wanted.value) == repr(reported.value)


class NumbersAreDoubles(Reference):
    def is_same(self, wanted: Leaf, reported: Leaf | None) -> bool:
        numbers = [leaf.value for leaf in (wanted, reported) if leaf and type(leaf.value) in (int, float)]
        return super().is_same(wanted, reported) or (len(numbers) == 2 and float(numbers[0]) == float(numbers[1]))


class TheDeltaHasOnlyWhatIsNew(Reference):
    def _updated(self, asked: dict[str, Any], now: int) -> Outcome:
        self.before = self.differing()
        return super()._updated(asked, now)

    def delta_message(self, head: dict[str, Any]) -> dict[str, Any] | None:
        new = {path: leaf for path, leaf in self.differing().items() if self.before.get(path) != leaf}
        return head | {"state": self.state_of(new)[DESIRED], "metadata": self.metadata_of(new)[DESIRED]} if new else None


class AReportSendsNoDelta(Reference):
    def _updated(self, asked: dict[str, Any], now: int) -> Outcome:
        done = super()._updated(asked, now)
        return done if DESIRED in (asked["state"] or ()) else Outcome(200, "", done.accepted, None, done.documents)


class TheDeltaHasWhatIsOnlyReported(Reference):
    def differing(self) -> Flat:
        known = self.flat or {}
        only = {path: leaf for path, leaf in known.items() if path[0] != DESIRED and (DESIRED, *path[1:]) not in known}
        return super().differing() | {(DESIRED, *path[1:]): leaf for path, leaf in only.items() if path[1:]}


class AnEmptyObjectIsADifference(Reference):
    def counts(self, wanted: Leaf) -> bool:
        return True

    def is_same(self, wanted: Leaf, reported: Leaf | None) -> bool:
        return (
            wanted.value is HOLLOW and reported is not None if not reported or wanted.value is HOLLOW else super().is_same(wanted, reported)
        )


class AnEqualValueIsNotStamped(Reference):
    def apply(self, into: Flat, path: flat.Path, value: Any, now: int) -> None:
        known = into.get(path)
        if known is None or repr(known.value) != repr(value):
            super().apply(into, path, value, now)


class TheWholeSectionIsStamped(Reference):
    def merged(self, into: Flat, state: dict[str, Any] | None, now: int) -> Flat:
        merged = super().merged(into, state, now)
        return {path: Leaf(leaf.value, now if path[0] in (state or ()) else leaf.at) for path, leaf in merged.items()}


class AKeyNamedTimestampIsTakenForAStamp(Reference):
    def metadata_of(self, leaves: Flat) -> dict[str, Any]:
        kept = super().metadata_of({path: leaf for path, leaf in leaves.items() if "timestamp" not in path})
        return {path[0]: {} for path in leaves} | kept


class SizeIsInCharacters(Reference):
    def size(self, merged: Flat) -> int:
        return sum(len(flat.compact(section)) for section in self.state_of(merged).values())


class SizeIsOfEscapedText(Reference):
    def size(self, merged: Flat) -> int:
        return sum(len(json.dumps(section, separators=(",", ":"))) for section in self.state_of(merged).values())


class SizeIsOfEachSection(Reference):
    def size(self, merged: Flat) -> int:
        return max((len(flat.compact(section).encode()) for section in self.state_of(merged).values()), default=0)


class SizeIsWithMetadata(Reference):
    def size(self, merged: Flat) -> int:
        return flat.sizes(merged) + len(flat.compact(self.metadata_of(merged)))


class SizeIsOfTheRequest(Reference):
    def _updated(self, asked: dict[str, Any], now: int) -> Outcome:
        self.request = asked
        return super()._updated(asked, now)

    def size(self, merged: Flat) -> int:
        return len(flat.compact(self.request["state"]).encode())


class OneByteLess(Reference):
    def size(self, merged: Flat) -> int:
        return super().size(merged) + 1


class OneByteMore(Reference):
    def size(self, merged: Flat) -> int:
        return super().size(merged) - 1


class OneLevelLess(Reference):
    def is_deeper(self, section: dict[str, Any], than: int) -> bool:
        return super().is_deeper(section, than - 1)


class OneLevelMore(Reference):
    def is_deeper(self, section: dict[str, Any], than: int) -> bool:
        return super().is_deeper(section, than + 1)


class NamesAreLevels(Reference):
    """The other reading of AWS's page: a plain value has a level too where it has a name."""

    def is_deeper(self, section: dict[str, Any], than: int) -> bool:
        return super().is_deeper(section, than) or super().is_deeper(_named_as_objects(section), than)


def _named_as_objects(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _named_as_objects(member) if isinstance(member, dict | list) else {} for key, member in value.items()}
    return [_named_as_objects(element) for element in value] if isinstance(value, list) else value


class ArraysHaveNoDepth(Reference):
    def is_deeper(self, section: dict[str, Any], than: int) -> bool:
        return super().is_deeper(section, than + 6) or super().is_deeper(_without(list, section), than)


class AnEmptyObjectHasNoDepth(Reference):
    def is_deeper(self, section: dict[str, Any], than: int) -> bool:
        return super().is_deeper(section, than + 6) or super().is_deeper({"a": _without({}, section)}, than + 1)


def _without(what: Any, value: Any) -> Any:
    """Nought in the place of each value that is `what` or of that type."""
    if value == what or type(value) is what:
        return 0
    if isinstance(value, dict):
        return {key: _without(what, member) for key, member in value.items()}
    return [_without(what, element) for element in value] if isinstance(value, list) else value


class ArraysAreMerged(Reference):
    def apply(self, into: Flat, path: flat.Path, value: Any, now: int) -> None:
        known = into.get(path)
        if isinstance(value, list) and known is not None and isinstance(known.value, list):
            value = value + known.value[len(value) :]
        super().apply(into, path, value, now)


class AnObjectIsReplaced(Reference):
    def apply(self, into: Flat, path: flat.Path, value: Any, now: int) -> None:
        if len(path) == 3:
            flat.cut(into, path[:2])
        super().apply(into, path, value, now)


class AnEmptiedObjectGoes(Reference):
    def apply(self, into: Flat, path: flat.Path, value: Any, now: int) -> None:
        if value is GONE:
            flat.cut(into, path)
        else:
            super().apply(into, path, value, now)


class AnEmptyObjectIsNotKept(Reference):
    def apply(self, into: Flat, path: flat.Path, value: Any, now: int) -> None:
        if value is not HOLLOW:
            super().apply(into, path, value, now)


class AnEmptiedSectionStays(Reference):
    def apply(self, into: Flat, path: flat.Path, value: Any, now: int) -> None:
        super().apply(into, path, value, now)
        if value is GONE and len(path) == 2 and not any(known[0] == path[0] for known in into):
            flat.put(into, path[:1], Leaf(HOLLOW, now))


class AnEmptySectionIsMade(Reference):
    def apply(self, into: Flat, path: flat.Path, value: Any, now: int) -> None:
        super().apply(into, path, value, now)
        if value is HOLLOW and len(path) == 1 and not any(known[0] == path[0] for known in into):
            flat.put(into, path, Leaf(HOLLOW, now))
