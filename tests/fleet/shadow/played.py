"""A shadow that a test plays with: one request after another, at moments of the test's own."""

import json
from typing import Any

from fleet.shadow import engine
from fleet.shadow.engine import Address, Deletion, Limits, Shadow, ShadowError, Update

ADDRESS = Address("engine-7")
START = 1_700_000_000


class Played:
    """Requests are objects, or bytes where their form matters; each is made at `now`, and what is accepted is kept."""

    def __init__(self, address: Address = ADDRESS, limits: Limits | None = None) -> None:
        self.address, self.limits = address, limits or Limits()
        self.shadow: Shadow | None = None
        self.now = START

    def update(self, state: Any = None, /, **members: Any) -> Update:
        return self.send(json.dumps({"state": state} | members).encode())

    def send(self, payload: bytes) -> Update:
        updated = engine.update(self.address, self.shadow, payload, self.now, self.limits)
        self.shadow = updated.shadow
        return updated

    def get(self, payload: bytes = b"") -> dict[str, Any]:
        return engine.get(self.address, self.shadow, payload, self.now)

    def delete(self, payload: bytes = b"") -> Deletion:
        deleted = engine.delete(self.address, self.shadow, payload, self.now)
        self.shadow = deleted.shadow
        return deleted

    def refusal(self, payload: bytes) -> tuple[int, str]:
        """Code and message with which an update is refused; nothing is kept of it."""
        try:
            engine.update(self.address, self.shadow, payload, self.now, self.limits)
        except ShadowError as error:
            return error.code, error.message
        raise AssertionError(f"accepted: {payload!r}")


def at(seconds: int) -> dict[str, int]:
    """The metadata of a leaf that was touched so many seconds after the start."""
    return {"timestamp": START + seconds}
