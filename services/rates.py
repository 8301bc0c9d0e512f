"""How often a user may call, and a device be called, in a sliding window of a second; each process counts by itself.

On Lambda and on several containers API Gateway's and the load balancer's own limits stand before these.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from runtime.settings import Settings
from services.problems import Throttled

if TYPE_CHECKING:
    from services.identity import Caller


@dataclass
class Rates:
    per_user: int
    per_device: int

    def __post_init__(self) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._user = RateLimitItemPerSecond(self.per_user) if self.per_user else None
        self._device = RateLimitItemPerSecond(self.per_device) if self.per_device else None

    @classmethod
    def of(cls, settings: Settings) -> "Rates":
        return cls(settings.api_user_rate, settings.api_device_rate)

    def take_user(self, caller: "Caller") -> None:
        """Raises Throttled for a user who calls more often than the limit."""
        self._take(self._user, "user", caller.user_id)

    def take_device(self, device_id: str) -> None:
        """Raises Throttled where all callers together ask for one device more often than the limit."""
        self._take(self._device, "device", device_id)

    def _take(self, limit: RateLimitItemPerSecond | None, kind: str, name: str) -> None:
        if limit and not self._limiter.hit(limit, kind, name):
            raise Throttled(f"more than {limit.amount} calls a second for this {kind}; wait a second", headers={"Retry-After": "1"})
