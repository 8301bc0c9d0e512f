"""The worker: receives from the telemetry queue, puts bronze and quarantine, writes the time series, deletes. In this order.

``python -m ingestion.worker`` runs until SIGTERM, then finishes the batch it holds. What it dies with comes back from the
queue, and is met by the same object name or by silver's event id.
"""

import json
import math
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ingestion.batch import Batch, Message
from ingestion.bronze import put_bronze
from ingestion.contract_folder import ContractFolder
from ingestion.projection import Projection
from lake.quarantine import put_quarantined
from runtime import log as logging
from runtime.clock import Clock, SystemClock
from runtime.errors import FleetlakeError, ServiceError
from runtime.metrics import count
from runtime.platforms import Platform, current_platform
from runtime.settings import Settings

BOUNDARIES = ("received", "decoded", "put_bronze", "put_quarantine", "wrote_timeseries", "deleted")
_LONGEST_WAIT = 1
_STATUS_SECONDS = 1.0
_LONGEST_PAUSE = 20.0
# The queue, S3 or the laptop's cloud is away: what is in hand stays there, or comes back.
_AWAY = (ClientError, BotoCoreError, ServiceError)
log = logging.logger("worker")


@dataclass
class Counters:
    """What the worker did since it started; `redelivered` counts messages that had been received before."""

    received: int = 0
    redelivered: int = 0
    deleted: int = 0
    bronze: int = 0
    quarantined: int = 0
    objects: int = 0
    existing: int = 0
    timeseries_failures: int = 0
    batches: int = 0


@dataclass(frozen=True)
class Written:
    """Bronze objects made and met, readings that the time series missed, messages deleted."""

    made: int
    existing: int
    missed: int
    deleted: int


def _pass(_boundary: str) -> None:
    return None


@dataclass
class Worker:
    platform: Platform
    folder: ContractFolder
    clock: Clock = field(default_factory=SystemClock)
    boundary: Callable[[str], None] = _pass
    stopping: threading.Event = field(default_factory=threading.Event)
    counters: Counters = field(default_factory=Counters)

    def __post_init__(self) -> None:
        settings = self.platform.settings
        self._sqs = self.platform.client("sqs")
        self._queue = self._sqs.get_queue_url(QueueName=settings.telemetry_queue)["QueueUrl"]
        self._batch = Batch(settings, self.folder.contracts())
        self._projection = Projection(self.platform)
        # The time series has something to catch up: an empty queue is not waited for then.
        self._is_behind = False
        self._told = 0.0
        self._got_nothing = False

    def run(self) -> None:
        """Until `stopping` is set; then the batch in hand is finished."""
        pause = 0.5
        while not self.stopping.is_set():
            try:
                self.step()
                pause = 0.5
            except _AWAY as error:
                log.warning(f"telemetry queue: {error}; trying again")
                self._tell()
                # Full jitter keeps several workers apart.
                self.stopping.wait(random.uniform(0, pause))
                pause = min(_LONGEST_PAUSE, pause * 2)
        self.drain()

    def step(self) -> None:
        """Write the batch when it is full, old enough, or nothing more waits; else receive once more."""
        now = time.monotonic()
        self._batch.extend(self._sqs, self._queue, now)
        if self._batch.is_due(now) or (self._got_nothing and not self._batch.is_empty):
            self.flush()
            self._keep_up()
        else:
            wait = 0 if self._is_behind else _LONGEST_WAIT
            self._receive(wait if self._batch.is_empty else self._patience(now))
            if self.is_idle:
                self._keep_up()
        self._tell()

    def _keep_up(self) -> None:
        self._is_behind = self._projection.keep_up(self._batch.contracts, self.clock.now())

    def _patience(self, now: float) -> int:
        """Seconds that what is in hand can wait for more: it must be written in time, and its visibility be extended in time."""
        return min(_LONGEST_WAIT, math.ceil(self._batch.seconds_left(now)), self.platform.settings.visibility_seconds // 4)

    @property
    def is_idle(self) -> bool:
        """Nothing is in hand, and the last look at the queue found nothing."""
        return self._got_nothing and self._batch.is_empty

    def drain(self) -> None:
        """Finish the batch in hand. What cannot be written comes back from the queue."""
        try:
            self.flush()
        except _AWAY as error:
            log.warning(f"stopping: the batch in hand comes back from the queue: {error}")
        self._tell(force=True)

    def _receive(self, wait_seconds: int) -> None:
        answer = self._sqs.receive_message(
            QueueUrl=self._queue,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=wait_seconds,
            VisibilityTimeout=self.platform.settings.visibility_seconds,
            AttributeNames=["ApproximateReceiveCount"],
        )
        found = [Message.of(entry, time.monotonic()) for entry in answer.get("Messages", ())]
        self._got_nothing = not found
        if not found:
            return
        self.counters.received += len(found)
        self.counters.redelivered += sum(message.receives > 1 for message in found)
        self.boundary("received")
        self._take_new_contracts()
        for message in found:
            self._batch.add(message)
        self.boundary("decoded")

    def _take_new_contracts(self) -> None:
        contracts = self.folder.contracts()
        if contracts is not self._batch.contracts:
            self.flush()
            self._batch = Batch(self.platform.settings, contracts)

    def flush(self) -> None:
        """Put, project, delete. The batch is emptied only when all of it is put; raises where the queue or S3 is away."""
        if self._batch.is_empty:
            return
        try:
            self._write(self._batch)
        except _AWAY:
            raise
        except Exception:
            log.exception("write: unexpected error; the messages of the batch are written one by one")
            self._write_apart(self._batch)
        self._batch = Batch(self.platform.settings, self.folder.contracts())

    def _write_apart(self, batch: Batch) -> None:
        """So that the one message that cannot be written costs no other; it goes back to the queue, which gives it up in time."""
        for message in batch.messages:
            try:
                self._write(batch.alone(message))
            except Exception:
                log.exception("write: unexpected error; the message goes back to the queue")

    def _write(self, batch: Batch) -> None:
        put_at = self.clock.now()
        made, existing = put_bronze(self.platform, batch.rows, batch.contracts, put_at)
        self.boundary("put_bronze")
        put_quarantined(self.platform, batch.quarantined, put_at, batch.contracts)
        self.boundary("put_quarantine")
        missed = self._projection.project(batch.rows, put_at)
        self.boundary("wrote_timeseries")
        deleted = self._delete([message.receipt for message in batch.messages])
        self.boundary("deleted")
        self._count(batch, Written(made, existing, missed, deleted))

    def _delete(self, receipts: list[str]) -> int:
        """How many the queue deleted. One that it did not delete comes back, and changes nothing."""
        deleted = 0
        for start in range(0, len(receipts), 10):
            entries = [{"Id": str(i), "ReceiptHandle": receipt} for i, receipt in enumerate(receipts[start : start + 10])]
            answer = self._sqs.delete_message_batch(QueueUrl=self._queue, Entries=entries)
            for failure in answer.get("Failed", ()):
                log.warning(f"telemetry queue did not delete: {failure.get('Code')}: {failure.get('Message')}; the message comes back")
            deleted += len(answer.get("Successful", ()))
        return deleted

    def _count(self, batch: Batch, written: Written) -> None:
        counters = self.counters
        counters.batches += 1
        counters.objects += written.made
        counters.existing += written.existing
        counters.deleted += written.deleted
        counters.timeseries_failures += written.missed
        counters.bronze += len(batch.rows)
        counters.quarantined += len(batch.quarantined)
        values = {
            "messages_received": len(batch.messages),
            "messages_redelivered": sum(message.receives > 1 for message in batch.messages),
            "readings_bronze": len(batch.rows),
            "objects_put": written.made,
            "objects_existing": written.existing,
            "messages_deleted": written.deleted,
            "timeseries_failures": written.missed,
        }
        for name, value in values.items():
            count(sys.stdout, name, value)
        for reason, rows in Counter(row.reason for row in batch.quarantined).items():
            count(sys.stdout, "readings_quarantined", rows, reason=reason.value)
        sys.stdout.flush()

    def _tell(self, force: bool = False) -> None:
        """Counters for `fleetlake status`, once a second."""
        if force or time.monotonic() - self._told >= _STATUS_SECONDS:
            self._told = time.monotonic()
            try:
                write_state(self.platform.settings, asdict(self.counters))
            except OSError as error:
                log.warning(f"status: {error}")


def write_state(settings: Settings, state: dict[str, Any]) -> None:
    file = settings.home / "run" / "worker.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps(state))
    draft.replace(file)


def main() -> int:
    settings = Settings.from_environment()
    logging.configure(settings.log_level)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        worker = Worker(current_platform(settings), ContractFolder(settings.contracts_folder), stopping=stopping)
    except FleetlakeError as error:
        log.error(f"start: {error}")
        return error.exit_code
    except (ClientError, BotoCoreError) as error:
        log.error(f"start: telemetry queue {settings.telemetry_queue}: {error}; are the queues there? `fleetlake up` makes them")
        return 1
    worker.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
