"""What botocore tries again below the worker, made visible: each service that does not answer, since when, and a line now and then."""

import threading
import time
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from ingestion.failures import away
from runtime.log import logger

# A line for each service at most so often: many threads try at once.
_LINE_SECONDS = 10.0
log = logger("worker")


class Attempts:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failing: dict[str, str] = {}
        self._told: dict[str, float] = {}

    def watch(self, client: Any) -> None:
        """Hear of each attempt of each call of this boto3 client."""
        client.meta.events.register("needs-retry", self._after)

    def retrying(self) -> str | None:
        """What fails and since when; None while every service answers."""
        with self._lock:
            return "; ".join(self._failing.values()) or None

    def _after(self, operation: Any, attempts: int, response: Any = None, caught_exception: Any = None, **_: Any) -> None:
        error = caught_exception or ClientError(response[1], operation.name)
        service = operation.service_model.service_name
        is_told = False
        with self._lock:
            if not away(error):
                self._failing.pop(service, None)
                return
            since = datetime.now(UTC).isoformat(timespec="seconds")
            what = self._failing.setdefault(service, f"{operation.name} since {since}: {type(error).__name__}")
            if time.monotonic() - self._told.get(service, float("-inf")) >= _LINE_SECONDS:
                self._told[service] = time.monotonic()
                is_told = True
        if is_told:
            log.warning(f"{operation.name}: attempt {attempts} failed: {error}; retrying {what}")
