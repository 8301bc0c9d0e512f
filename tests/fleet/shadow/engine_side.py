"""The engine behind the model's interface: what it keeps goes through its record after every step."""

import json
from collections.abc import Callable
from typing import Any

from fleet.shadow import engine
from tests.fleet.shadow.duel import Differs
from tests.fleet.shadow.reference import Outcome
from tests.fleet.shadow.steps import Spot


class EngineSide:
    def __init__(self, spot: Spot) -> None:
        self._address = engine.Address(spot.thing, spot.name)
        self._limits = engine.Limits(document_bytes=spot.document_bytes, depth=spot.depth)
        self._shadow: engine.Shadow | None = None

    def update(self, payload: bytes, now: int) -> Outcome:
        def updated() -> Outcome:
            done = engine.update(self._address, self._shadow, payload, now, self._limits)
            self._shadow = _read_again(done.shadow)
            return Outcome(200, "", done.accepted, done.delta, done.documents)

        return self._answered(updated, now)

    def get(self, payload: bytes, now: int) -> Outcome:
        return self._answered(lambda: Outcome(200, "", engine.get(self._address, self._shadow, payload, now)), now)

    def delete(self, payload: bytes, now: int) -> Outcome:
        def deleted() -> Outcome:
            done = engine.delete(self._address, self._shadow, payload, now)
            self._shadow = _read_again(done.shadow)
            return Outcome(200, "", done.accepted)

        return self._answered(deleted, now)

    def _answered(self, ask: Callable[[], Outcome], now: int) -> Outcome:
        before, record = self._shadow, _record(self._shadow)
        try:
            return ask()
        except engine.ShadowError as error:
            return _refusal(error, now)
        finally:
            if _record(before) != record:
                raise Differs(f"the engine changed the shadow that it was given: {record} is {_record(before)}")


def _refusal(error: engine.ShadowError, now: int) -> Outcome:
    token = {} if error.client_token is None else {"clientToken": error.client_token}
    body = {"code": error.code, "message": error.message, "timestamp": now} | token
    if error.body(now) != body:
        raise Differs(f"the body of a refusal is {error.body(now)}, its parts give {body}")
    return Outcome(error.code, error.message, client_token=error.client_token)


def _record(shadow: "engine.Shadow | None") -> str:
    return "" if shadow is None else json.dumps(shadow.to_record(), sort_keys=True)


def _read_again(shadow: "engine.Shadow") -> Any:
    """As a restart finds it: from its record, which was written as JSON."""
    again = engine.Shadow.from_record(json.loads(json.dumps(shadow.to_record())))
    if _record(again) != _record(shadow):
        raise Differs(f"the record {_record(shadow)} is read as {_record(again)}")
    return again
