"""The reference model of one device shadow, written from AWS's semantics alone: plain, slow, and built unlike an engine.

Where a request has several faults AWS does not state which of them is told. Here it is the first of: the encoding, the JSON, nodes that are
missing or no objects, the form of the version, the token, the nesting, nodes that are unknown, nulls in arrays; then the shadow's absence
or another version; and the size last.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.fleet.shadow import flat, payloads
from tests.fleet.shadow.flat import DESIRED, GONE, HOLLOW, REPORTED, Flat, Leaf
from tests.fleet.shadow.payloads import Refused


@dataclass(frozen=True)
class Outcome:
    """One answer. `accepted` is the body of get's, update's or delete's `accepted`; `client_token` what a refusal gives back."""

    code: int
    message: str = ""
    accepted: dict[str, Any] | None = None
    delta: dict[str, Any] | None = None
    documents: dict[str, Any] | None = None
    client_token: str | None = None


class Reference:
    """`number` is the version that the shadow has or, deleted, had; `flat` is None while there is no shadow."""

    def __init__(self, thing: str, name: str | None = None, *, document_bytes: int = 8192, depth: int = 6, token_bytes: int = 64) -> None:
        self.shown_name = thing if name is None else f"{thing}~{name}"
        self.document_bytes, self.depth, self.token_bytes = document_bytes, depth, token_bytes
        self.number = 0
        self.flat: Flat | None = None

    def update(self, payload: bytes, now: int) -> Outcome:
        return self._answered(payload, now, self._updated)

    def get(self, payload: bytes, now: int) -> Outcome:
        return self._answered(payload or b"{}", now, self._got)

    def delete(self, payload: bytes, now: int) -> Outcome:
        return self._answered(payload or b"{}", now, self._deleted)

    def state(self) -> dict[str, Any]:
        return self.state_of(self.flat or {})

    def _answered(self, payload: bytes, now: int, answer: Callable[[dict[str, Any], int], Outcome]) -> Outcome:
        token = None
        try:
            asked = self.document(payload)
            token = self.token_of_refusal(asked)
            return answer(asked, now)
        except Refused as refusal:
            return Outcome(refusal.code, refusal.message, client_token=token)

    def token_of_refusal(self, asked: dict[str, Any]) -> str | None:
        """A refusal gives back a token that is right, whatever else is wrong."""
        try:
            return self.token(asked)
        except Refused:
            return None

    def _updated(self, asked: dict[str, Any], now: int) -> Outcome:
        for check in self.checks():
            check(asked)
        state = asked["state"]
        merged = self.merged(dict(self.flat or {}), state, now)
        self.check_against(asked, merged)
        previous, self.flat, self.number = self.described(), merged, self.number + 1
        head = {"version": self.number, "timestamp": now} | self.echoed(asked)
        return Outcome(200, "", head | self.given(state, now), self.delta_message(head), self.documents(previous, head))

    def given(self, state: dict[str, Any] | None, now: int) -> dict[str, Any]:
        """The request's own state, as it was given, nulls and all; and a stamp for each plain value and null in it."""
        return {"state": state, "metadata": flat.stamped(state, now)}

    def delta_message(self, head: dict[str, Any]) -> dict[str, Any] | None:
        differing = self.differing()
        if not differing:
            return None
        return head | {"state": self.state_of(differing)[DESIRED], "metadata": self.metadata_of(differing)[DESIRED]}

    def documents(self, previous: dict[str, Any] | None, head: dict[str, Any]) -> dict[str, Any]:
        """`previous` is None where there was no shadow before."""
        told = {"previous": previous, "current": self.described()}
        return told | {key: value for key, value in head.items() if key != "version"}

    def described(self) -> dict[str, Any] | None:
        if self.flat is None:
            return None
        return {"state": self.state(), "metadata": self.metadata_of(self.flat), "version": self.number}

    def _got(self, asked: dict[str, Any], now: int) -> Outcome:
        told = self._existing(asked)
        differing = self.differing()
        if differing:
            told["state"]["delta"] = self.state_of(differing)[DESIRED]
            told["metadata"]["delta"] = self.metadata_of(differing)[DESIRED]
        return Outcome(200, "", told | {"timestamp": now} | self.echoed(asked))

    def _deleted(self, asked: dict[str, Any], now: int) -> Outcome:
        self._existing(asked)
        self.flat = None
        return Outcome(200, "", {"version": self.number, "timestamp": now} | self.echoed(asked))

    def _existing(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.token(asked)
        described = self.described()
        if described is None:
            raise Refused(404, f"No shadow exists with name: {self.shown_name}")
        return described

    # The rules, one by one; the tests plant a bug in each.

    def document(self, payload: bytes) -> dict[str, Any]:
        return payloads.document(payload, self.depth)

    def token(self, asked: dict[str, Any]) -> str | None:
        return payloads.token(asked, self.token_bytes)

    def echoed(self, asked: dict[str, Any]) -> dict[str, Any]:
        token = self.token(asked)
        return {} if token is None else {"clientToken": token}

    def checks(self) -> list[Callable[[dict[str, Any]], object]]:
        """Of a request by itself, in their order."""
        return [payloads.check_state, self.version, self.token, self.check_depth, self.check_nodes, self.check_arrays]

    def version(self, asked: dict[str, Any]) -> int | None:
        return payloads.version(asked)

    def check_depth(self, asked: dict[str, Any]) -> None:
        if any(self.is_deeper(section, self.depth) for section in payloads.sections(asked)):
            raise payloads.too_deep(self.depth)

    def is_deeper(self, section: dict[str, Any], than: int) -> bool:
        return payloads.is_deeper(section, than)

    def check_nodes(self, asked: dict[str, Any]) -> None:
        payloads.check_nodes(asked)

    def check_arrays(self, asked: dict[str, Any]) -> None:
        if payloads.has_null_in_array(asked["state"]):
            raise Refused(400, "Invalid JSON")

    def check_against(self, asked: dict[str, Any], merged: Flat) -> None:
        """The request against the shadow that is there, and what would become of it."""
        self.check_version(self.version(asked))
        self.check_size(merged)

    def check_version(self, version: int | None) -> None:
        """A shadow that never was has 0 or 1; one that was deleted has these too, and the number it had."""
        if version is None or version == self.number or (self.flat is None and version in (0, 1)):
            return
        raise Refused(409, "Version conflict") if self.number else Refused(400, "Invalid version")

    def check_size(self, merged: Flat) -> None:
        if self.size(merged) > self.document_bytes:
            raise Refused(413, "The payload exceeds the maximum size allowed")

    def size(self, merged: Flat) -> int:
        return flat.sizes(merged)

    def merged(self, into: Flat, state: dict[str, Any] | None, now: int) -> Flat:
        if state is None:
            return {}
        for section, asked in state.items():
            for path, value in flat.edits(asked, (section,)):
                self.apply(into, path, value, now)
        return into

    def apply(self, into: Flat, path: flat.Path, value: Any, now: int) -> None:
        if value is GONE:
            flat.take_away(into, path, now)
        elif value is HOLLOW:
            flat.make_object(into, path, now)
        else:
            flat.put(into, path, Leaf(value, now))

    def differing(self) -> Flat:
        """The desired leaves that reported has not, or has with another value."""
        known = self.flat or {}
        wanted = {path: leaf for path, leaf in known.items() if path[0] == DESIRED and self.counts(leaf)}
        return {path: leaf for path, leaf in wanted.items() if not self.is_same(leaf, known.get((REPORTED, *path[1:])))}

    def counts(self, wanted: Leaf) -> bool:
        return wanted.value is not HOLLOW

    def is_same(self, wanted: Leaf, reported: Leaf | None) -> bool:
        if reported is None or reported.value is HOLLOW:
            return False
        return bool(flat.comparable(wanted.value) == flat.comparable(reported.value))

    def state_of(self, leaves: Flat) -> dict[str, Any]:
        return flat.tree(leaves, flat.value_of)

    def metadata_of(self, leaves: Flat) -> dict[str, Any]:
        return flat.tree(leaves, flat.stamps_of)
