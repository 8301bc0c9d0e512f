"""What a worker did since it started: for `fleetlake status` in a file, for CloudWatch as metrics."""

import json
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ingestion.delivery import Delivered
from runtime.log import logger
from runtime.metrics import Source, Value, emit
from runtime.settings import Settings
from runtime.sqs import Message

_STATUS_SECONDS = 1.0
log = logger("worker")


@dataclass
class Counters:
    """`redelivered` counts messages that had been received before; `failed` those that could not be written and were left to the queue;
    `extended` those whose invisibility was extended, as often as it was."""

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
        _emit(messages_received=len(messages), messages_redelivered=again)

    def deliver(self, messages: list[Message], delivered: Delivered, seconds: float, now: float) -> None:
        """Of a batch that is in the lake since `now`, by the wall clock."""
        self.batches += 1
        self.objects += delivered.made
        self.existing += delivered.existing
        self.timeseries_failures += delivered.missed
        self.bronze += delivered.bronze
        self.quarantined += sum(delivered.quarantined.values())
        delivered.emit(sys.stdout, Source.WORKER, {"write_seconds": seconds, "queue_seconds": queue_seconds(messages, now)})

    def delete(self, deleted: int, seconds: float) -> None:
        self.deleted += deleted
        _emit(messages_deleted=deleted, delete_seconds=seconds)

    def fail(self, messages: list[Message]) -> None:
        """They could not be taken, and are left to the queue."""
        self.failed += len(messages)
        _emit(messages_failed=len(messages))

    def halve(self) -> None:
        self.split += 1
        _emit(batches_split=1)

    def give_back(self, messages: int) -> None:
        self.given_back += messages
        _emit(messages_given_back=messages)

    def extend(self, messages: int) -> None:
        self.extended += messages
        _emit(visibility_extensions=messages)


def call_failed(*, is_tried_again: bool) -> None:
    """A call or a write of the worker."""
    _emit(failures=1, retries=int(is_tried_again))


def _emit(**values: Value) -> None:
    emit(sys.stdout, Source.WORKER, values)


def queue_seconds(messages: Sequence[Message], now: float) -> list[float]:
    """How long each message took from the queue's getting it until `now`, by the wall clock."""
    return [max(0.0, now - message.sent_at.timestamp()) for message in messages if message.sent_at]


@dataclass
class StatusFile:
    """The counters as ``{home}/run/worker.json``, once a second at most."""

    settings: Settings
    _told: float = 0.0
    _is_refused: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def tell(self, counters: Counters, more: Mapping[str, Any], *, force: bool = False) -> None:
        """`more` is what else is told beside the counters."""
        with self._lock:
            if not force and time.monotonic() - self._told < _STATUS_SECONDS:
                return
            self._told = time.monotonic()
            try:
                self._write(asdict(counters) | dict(more) | {"at": time.time()})
                self._is_refused = False
            except OSError as error:
                # Once, not each second.
                if not self._is_refused:
                    log.warning(f"status: it cannot be written: {error}")
                self._is_refused = True

    def _write(self, state: dict[str, Any]) -> None:
        file = self.settings.home / "run" / "worker.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        # Two workers of one home must not write one draft; the last to write is the one that is shown.
        draft = file.with_suffix(f".{os.getpid()}-{id(self)}.draft")
        try:
            draft.write_text(json.dumps(state))
            draft.replace(file)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
