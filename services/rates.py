"""How often a user may call, and a device be called, in a sliding window of a second; how often a sign-in may be tried in five minutes, from
the first try that failed. Each process counts by itself.

On Lambda and on several containers API Gateway's and the load balancer's own limits stand before these, and Cognito's own behind.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from limits import RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter, SlidingWindowCounterRateLimiter

from runtime.settings import Settings
from services.problems import Throttled

if TYPE_CHECKING:
    from services.identity import Caller

_TRIES_MINUTES = 5


@dataclass
class Rates:
    """Each limit 0 for any number."""

    per_user: int
    per_device: int
    tries: int = 0

    def __post_init__(self) -> None:
        storage = MemoryStorage()
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        # It knows to the second when the next try is free.
        self._tries_limiter = FixedWindowRateLimiter(storage)
        self._tries = RateLimitItemPerMinute(self.tries, _TRIES_MINUTES) if self.tries else None
        self._user = RateLimitItemPerSecond(self.per_user) if self.per_user else None
        self._device = RateLimitItemPerSecond(self.per_device) if self.per_device else None

    @classmethod
    def of(cls, settings: Settings) -> "Rates":
        return cls(settings.api_user_rate, settings.api_device_rate, settings.api_sign_in_tries)

    def take_user(self, caller: "Caller") -> None:
        """Raises Throttled for a user who calls more often than the limit."""
        self._take(self._user, "user", caller.user_id)

    def take_device(self, device_id: str) -> None:
        """Raises Throttled where all callers together ask for one device more often than the limit."""
        self._take(self._device, "device", device_id)

    @contextmanager
    def trying(self, what: str, name: str) -> Iterator[None]:
        """A try at something secret of `name`, whether there is such a user or not: it counts before it is made, and one that succeeds ends
        the count. Raises Throttled after too many."""
        if self._tries is None:
            yield
            return
        if not self._tries_limiter.hit(self._tries, what, name):
            seconds = max(1, math.ceil(self._tries_limiter.get_window_stats(self._tries, what, name).reset_time - time.time()))
            words = f"{what}: more than {self.tries} tries for this user in {_TRIES_MINUTES} minutes; wait {seconds} s"
            raise Throttled(words, code="TooManyRequestsException", headers={"Retry-After": str(seconds)})
        yield
        self._tries_limiter.clear(self._tries, what, name)

    def _take(self, limit: RateLimitItemPerSecond | None, kind: str, name: str) -> None:
        if limit and not self._limiter.hit(limit, kind, name):
            raise Throttled(f"more than {limit.amount} calls a second for this {kind}; wait a second", headers={"Retry-After": "1"})
