"""What a worker did since it started: for `fleetlake status` in a file, for CloudWatch as metrics."""

import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from ingestion.delivery import Delivered
from ingestion.message import Message
from runtime.log import logger
from runtime.metrics import count, latency
from runtime.settings import Settings

_STATUS_SECONDS = 1.0
log = logger("worker")


@dataclass
class Counters:
    """`redelivered` counts messages that had been received before; `failed` those that could not be written and were left to the queue."""

    received: int = 0
    redelivered: int = 0
    deleted: int = 0
    bronze: int = 0
    quarantined: int = 0
    objects: int = 0
    existing: int = 0
    timeseries_failures: int = 0
    batches: int = 0
    extended: int = 0
    split: int = 0
    failed: int = 0
    given_back: int = 0

    def take(self, messages: list[Message]) -> None:
        again = sum(message.receives > 1 for message in messages)
        self.received += len(messages)
        self.redelivered += again
        count(sys.stdout, "messages_received", len(messages))
        count(sys.stdout, "messages_redelivered", again)

    def deliver(self, messages: list[Message], delivered: Delivered, seconds: float, now: float) -> None:
        """Of a batch that is in the lake since `now`, by the wall clock."""
        self.batches += 1
        self.objects += delivered.made
        self.existing += delivered.existing
        self.timeseries_failures += delivered.missed
        self.bronze += delivered.bronze
        self.quarantined += sum(delivered.quarantined.values())
        delivered.count(sys.stdout)
        latency(sys.stdout, "write_seconds", seconds)
        oldest = min((message.sent_at.timestamp() for message in messages if message.sent_at), default=None)
        if oldest is not None:
            latency(sys.stdout, "queue_seconds", max(0.0, now - oldest))

    def delete(self, deleted: int, seconds: float) -> None:
        self.deleted += deleted
        count(sys.stdout, "messages_deleted", deleted)
        latency(sys.stdout, "delete_seconds", seconds)
        sys.stdout.flush()


@dataclass
class StatusFile:
    """The counters as ``{home}/run/worker.json``, once a second at most."""

    settings: Settings
    _told: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def tell(self, counters: Counters, in_hand: int, oldest_sent: Callable[[], float | None], *, force: bool = False) -> None:
        """`oldest_sent` says when the queue got the oldest message that is in hand, in seconds since 1970."""
        if not force and time.monotonic() - self._told < _STATUS_SECONDS:
            return
        self._told = time.monotonic()
        state = asdict(counters) | {"in_hand": in_hand, "oldest_sent": oldest_sent(), "at": time.time()}
        try:
            self._write(state)
        except OSError as error:
            log.warning(f"status: {error}")

    def _write(self, state: dict[str, Any]) -> None:
        file = self.settings.home / "run" / "worker.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".draft")
        draft.write_text(json.dumps(state))
        draft.replace(file)
