"""The reference model of one device shadow, written from AWS's semantics alone: plain, slow, and built unlike an engine."""

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
        self.shown_name = thing if name is None else name
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
            token = self.token(asked)
            return answer(asked, now)
        except Refused as refusal:
            return Outcome(refusal.code, refusal.message, client_token=token)

    def _updated(self, asked: dict[str, Any], now: int) -> Outcome:
        version, state = payloads.version(asked), self.asked_state(asked)
        self.check_version(version)
        merged = self.merged(dict(self.flat or {}), state, now)
        self.check_size(merged)
        previous, self.flat, self.number = self.described(), merged, self.number + 1
        head = {"version": self.number, "timestamp": now} | self.echoed(asked)
        return Outcome(200, "", head | self.given(state, now), self.delta_message(head), self.documents(previous, head))

    def given(self, state: dict[str, Any] | None, now: int) -> dict[str, Any]:
        """The request's own sections: as they were given, and the metadata of what they gave."""
        return {"state": state or {}, "metadata": self.metadata_of(self.merged({}, state, now))}

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
        told = self._existing()
        differing = self.differing()
        if differing:
            told["state"]["delta"] = self.state_of(differing)[DESIRED]
            told["metadata"]["delta"] = self.metadata_of(differing)[DESIRED]
        return Outcome(200, "", told | {"timestamp": now} | self.echoed(asked))

    def _deleted(self, asked: dict[str, Any], now: int) -> Outcome:
        self._existing()
        self.flat = None
        return Outcome(200, "", {"version": self.number, "timestamp": now} | self.echoed(asked))

    def _existing(self) -> dict[str, Any]:
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

    def asked_state(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        state = payloads.state(asked)
        self.check_sections(state or {})
        return state

    def check_sections(self, state: dict[str, Any]) -> None:
        if any(payloads.is_deeper(section, self.depth) for section in state.values()):
            raise payloads.too_deep(self.depth)
        if payloads.has_null_in_array(state):
            raise Refused(400, "Invalid JSON")

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
