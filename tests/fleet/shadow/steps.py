"""Random steps by a seed: of which kind each is, and what may be answered to it, written by hand."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.fleet.shadow import documents, faults, refused
from tests.fleet.shadow.documents import written
from tests.fleet.shadow.flat import DESIRED, REPORTED, SECTIONS
from tests.fleet.shadow.reference import Reference

Made = tuple[str, bytes]


@dataclass(frozen=True)
class Spot:
    """Where a shadow is, and its limits."""

    thing: str
    name: str | None
    document_bytes: int = 8192
    depth: int = 6


@dataclass(frozen=True)
class Step:
    verb: str
    payload: bytes
    now: int
    kind: str
    traits: frozenset[str] = frozenset()


class Steps:
    """Over several shadows at once; each is left for a new one some time, so that there always are new ones.

    How the shadow is, the caller's model tells: a right version and a size at the limit follow from it.
    """

    def __init__(self, seed: str) -> None:
        self._rng = Random(seed)
        self._now = 1_700_000_000
        self._numbers = itertools.count(1)
        self._spots: list[Spot] = [self._new(place) for place in range(6)]

    def spot(self) -> Spot:
        place = self._rng.randrange(len(self._spots))
        if self._rng.random() < 0.03:
            self._spots[place] = self._new(place)
        return self._spots[place]

    def _new(self, place: int) -> Spot:
        """Two of a thing, four of things of their own; two are classic; two have little room, and one of them is deep."""
        number = next(self._numbers)
        name = None if place in (0, 3) else f"config_{number}"
        thing = f"engine:{number}" if name is None else "engine-1" if place in (1, 2) else f"pump:{number}"
        return (Spot(thing, name), Spot(thing, name, 150), Spot(thing, name, 90, 8))[max(0, place - 3)]

    def step(self, known: Reference) -> Step:
        self._now += self._rng.choice((0, 0, 0, 1, 1, 7))
        verb, (kind, payload) = self._chosen(known)
        return Step(verb, payload, self._now, kind)

    def _chosen(self, known: Reference) -> tuple[str, Made]:
        """Of a shadow that is not there a version is told more often than else."""
        chance = self._rng.random()
        if chance < 0.08:
            return "get", self._asking("get")
        if chance < 0.14:
            return "delete", self._asking("delete")
        if known.flat is None and chance < 0.6:
            return "update", self._version(known)
        (make,) = self._rng.choices(self._MAKERS, self._WEIGHTS)
        return "update", make(self, known)

    def _asking(self, verb: str) -> Made:
        """What a get or a delete brings along: nothing, a token, or something wrong."""
        rng, chance = self._rng, self._rng.random()
        if chance < 0.3:
            return verb, rng.choice((b"", b"{}"))
        if chance < 0.48:
            return f"{verb} with token", written(rng, {"clientToken": rng.choice(("t", "t" * 64, "é" * 32))})
        if chance < 0.56:
            return f"{verb} with null for a token", written(rng, {"clientToken": None})
        if chance < 0.63:
            return f"{verb} with wrong token", written(rng, {"clientToken": refused.long_token(rng)})
        kind = rng.choice(refused.OF_ANY_VERB)
        return f"{verb} with {kind}", refused.BYTES[kind](rng) or b"{"

    def _asked(self, state: Any, **beside: Any) -> bytes:
        """An update to `state`, some of them with a token."""
        token = {"clientToken": f"t-{self._now}"} if self._rng.random() < 0.3 else {}
        return written(self._rng, token | {"state": state} | beside)

    def _state(self, known: Reference) -> dict[str, Any]:
        state = documents.state(self._rng, known.depth)
        if self._rng.random() < 0.5:
            # What fills a shadow to its limit goes again.
            for name in SECTIONS:
                if "fill" in known.state().get(name, ()):
                    state[name] = (state.get(name) or {}) | {"fill": None}
        return state

    def _merge(self, known: Reference) -> Made:
        return "merge", self._asked(self._state(known))

    def _same_again(self, known: Reference) -> Made:
        return "same again", self._asked(known.state())

    def _look_alike(self, known: Reference) -> Made:
        return "look-alike", self._asked(documents.look_alike(self._rng, known.state()))

    def _report(self, known: Reference) -> Made:
        """The device does what is desired, or nearly."""
        desired = known.state().get(DESIRED, {})
        reported = documents.look_alike(self._rng, desired) if self._rng.random() < 0.3 else desired
        return "reported follows desired", self._asked({REPORTED: reported})

    def _section(self, known: Reference) -> Made:
        names, what = self._rng.choice(((DESIRED,), (REPORTED,), SECTIONS)), self._rng.choice(("null", "empty"))
        state: dict[str, Any] = {name: None if what == "null" else {} for name in names}
        other = DESIRED if names == (REPORTED,) else REPORTED
        if other not in names and self._rng.random() < 0.3:
            state[other] = documents.members(self._rng, 1, known.depth, nulls=True)
        return f"section {what}", self._asked(state)

    def _whole_state(self, known: Reference) -> Made:
        return self._rng.choice((("state null", self._asked(None)), ("state empty", self._asked({}))))

    def _spelled(self, known: Reference) -> Made:
        """One number in two spellings, or two that one double cannot tell apart."""
        spellings = self._rng.choice(documents.SPELLINGS if self._rng.random() < 0.8 else documents.NEIGHBOURS)
        one, other = (self._rng.choice(spellings).encode() for _ in range(2))
        return "numbers spelled", b'{"state": {"desired": {"a": %s}, "reported": {"a": %s}}}' % (one, other)

    def _depth(self, known: Reference) -> Made:
        """The innermost object or array stands so many levels from the deepest there may be; the section is the first, plain values have none."""
        off, words = self._rng.choice(((-1, "one above"), (0, "at"), (1, "one below"), (2, "two below")))
        value: Any = self._rng.choice((77, None, True, {}, [], [77]))
        for _ in range(known.depth + off - isinstance(value, dict | list)):
            value = {self._rng.choice("ab"): value}
        return f"depth {words} the deepest", self._asked({self._rng.choice(SECTIONS): value})

    def _depth_in_array(self, known: Reference) -> Made:
        off, words = self._rng.choice(((-1, "one above"), (0, "at"), (1, "one below"), (2, "two below")))
        value: Any = self._rng.choice(({}, [], {"a": 77}, [77]))
        for _ in range(known.depth + off - 3):
            value = [value] if self._rng.random() < 0.7 else {"a": value}
        return f"depth in arrays {words} the deepest", self._asked({self._rng.choice(SECTIONS): {"a": [value]}})

    def _size(self, known: Reference) -> Made:
        """As much as makes both sections together so many bytes long."""
        off, words = self._rng.choice(((-1, "one below"), (0, "at"), (1, "one above")))
        sections, name = known.state(), self._rng.choice(SECTIONS)
        bare = documents.bytes_of(sections | {name: sections.get(name, {}) | {"fill": ""}})
        left = known.document_bytes + off - bare
        if left < 0:
            return "state null", self._asked(None)
        letter = self._rng.choice(("x", "é", "漢", "𝄞", '"'))
        many = self._rng.randrange(1 + left // len(documents.letter_bytes(letter)))
        fill = letter * many + "y" * (left - many * len(documents.letter_bytes(letter)))
        return f"size {words} the limit", self._asked({name: {"fill": fill}})

    def _version(self, known: Reference) -> Made:
        standing = "there" if known.flat is not None else "deleted" if known.number else "new"
        words, version = self._rng.choice(self._versions(known.number))
        right = version == known.number or (standing != "there" and version in (0, 1))
        words = words or ("right version" if right else "wrong version")
        return f"{words}, {standing}", self._asked(documents.state(self._rng, 3), version=version)

    def _versions(self, number: int) -> tuple[tuple[str, Any], ...]:
        whole = [("", version) for version in (number, number, number, 0, 1, number + 1, max(0, number - 1), number + 2**64)]
        others = [("negative version", -1), ("negative version", -(number or 7)), ("null for a version", None)]
        wrong = [str(number), "", True, False, float(number), number + 0.5, [number], {}, [], {"version": number}]
        return (*whole, *others, ("version is no integer", self._rng.choice(wrong)), ("version is no integer", self._rng.choice(wrong)))

    def _token(self, known: Reference) -> Made:
        rng = self._rng
        kind, token = rng.choice(
            (
                ("token of 64 bytes", rng.choice(("t" * 64, "é" * 32, "𝄞" * 16, "漢" * 21 + "t"))),
                ("token of more than 64 bytes", refused.long_token(rng)),
                ("token is no text", refused.token_no_text(rng)),
                ("token is odd", rng.choice(("", " ", '"', "\u0000", "null"))),
                ("null for a token", None),
            )
        )
        return kind, written(rng, {"state": documents.state(rng, 3), "clientToken": token})

    def _bytes(self, known: Reference) -> Made:
        kind = self._rng.choice(tuple(refused.BYTES))
        return kind, refused.BYTES[kind](self._rng)

    def _document(self, known: Reference) -> Made:
        kind = self._rng.choice(tuple(refused.DOCUMENTS))
        token = {"clientToken": "t" * self._rng.randrange(65)} if self._rng.random() < 0.5 else {}
        return kind, written(self._rng, refused.DOCUMENTS[kind](self._rng) | token)

    def _faults(self, known: Reference) -> Made:
        many, words = self._rng.choice(((2, "two"), (2, "two"), (3, "three")))
        return f"{words} faults", written(self._rng, faults.request(self._rng, known, many))

    def _unknown_at_root(self, known: Reference) -> Made:
        beside = {self._rng.choice(("metadata", "timestamp", "desired", "x")): self._rng.choice(({"a": 77}, 77, None, [None]))}
        return "unknown key beside state", self._asked(documents.state(self._rng, 3), **beside)

    _MAKERS: tuple[Callable[["Steps", Reference], Made], ...] = (
        *(_merge, _same_again, _look_alike, _report, _section, _whole_state, _spelled, _depth, _depth_in_array),
        *(_size, _version, _token, _bytes, _document, _faults, _unknown_at_root),
    )
    _WEIGHTS = (30, 3, 4, 8, 5, 3, 3, 4, 3, 6, 9, 5, 8, 7, 9, 1)
