"""How the worker tries again: pauses with full jitter, so that many workers do not come back at once, and a budget of time.

Below it botocore's standard mode has tried each call up to five times, out of a quota of retries that a client's calls share.
https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import tenacity

from ingestion.failures import away

Value = TypeVar("Value")


@dataclass(frozen=True)
class Patience:
    """The n-th pause is anything up to ``first * 2^n`` seconds, at most `longest`; after `budget` seconds the error is raised."""

    budget: float
    first: float = 0.5
    longest: float = 20.0

    def call(self, do: Callable[[], Value], stopping: threading.Event, say: Callable[[BaseException], None]) -> Value:
        """What `do` returns, tried again while the other side is away. When `stopping` is set it is not tried again."""
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(away),
            wait=tenacity.wait_random_exponential(multiplier=self.first, max=self.longest),
            stop=tenacity.stop_after_delay(self.budget) | tenacity.stop_when_event_set(stopping),
            sleep=tenacity.sleep_using_event(stopping),
            before_sleep=lambda state: say(_error(state)),
            reraise=True,
        )
        return retrying(do)


def _error(state: tenacity.RetryCallState) -> BaseException:
    assert state.outcome is not None
    error = state.outcome.exception()
    assert error is not None
    return error
