"""The worker: receives from the telemetry queue, puts bronze and quarantine, writes the time series, deletes. In this order.

``python -m ingestion.worker`` runs until SIGTERM, then finishes the batch it holds. What it dies with comes back from the
queue, and is met by the same object name or by silver's event id.
"""

import json
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ingestion.batch import Batch, Message
from ingestion.bronze import put_bronze
from ingestion.contract_folder import ContractFolder
from lake.quarantine import put_quarantined
from runtime import log as logging
from runtime.clock import Clock, SystemClock
from runtime.errors import FleetlakeError, RetryLater, ServiceError
from runtime.metrics import count
from runtime.platforms import Platform, current_platform
from runtime.settings import Settings
from runtime.timeseries import Point

BOUNDARIES = ("received", "decoded", "put_bronze", "put_quarantine", "wrote_timeseries", "deleted")
_WAIT_SECONDS = 1
_STATUS_SECONDS = 1.0
_LONGEST_PAUSE = 20.0
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
        self._batch = Batch(settings)
        self._told = 0.0
        self._got_nothing = False

    def run(self) -> None:
        """Until `stopping` is set; then the batch in hand is finished."""
        pause = 0.5
        while not self.stopping.is_set():
            try:
                self.step()
                pause = 0.5
            except (ClientError, BotoCoreError, RetryLater, ServiceError) as error:
                # The queue or S3 is away: the batch stays in hand, or comes back. Full jitter keeps workers apart.
                log.warning(f"telemetry queue: {error}; trying again")
                self.stopping.wait(random.uniform(0, pause))
                pause = min(_LONGEST_PAUSE, pause * 2)
        self.drain()

    def step(self) -> None:
        """Write the batch when it is full or old enough; else receive once. A batch that cannot be written takes no more in."""
        self._batch.extend(self._sqs, self._queue, time.monotonic())
        if self._batch.is_due(time.monotonic()) or (self._batch.messages and self._got_nothing):
            self.flush()
        else:
            self._receive(_WAIT_SECONDS if self._batch.is_empty else 0)
        self._tell()

    def drain(self) -> None:
        """Finish the batch in hand. What cannot be written comes back from the queue."""
        try:
            self.flush()
        except (ClientError, BotoCoreError, RetryLater) as error:
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
        contracts = self.folder.contracts()
        for message in found:
            self._batch.add(message, contracts)
        self.boundary("decoded")

    def flush(self) -> None:
        """Put, project, delete. The batch is emptied only when all of it is put."""
        if self._batch.is_empty:
            return
        contracts, put_at = self.folder.contracts(), self.clock.now()
        made, existing = put_bronze(self.platform, self._batch.rows, contracts, put_at)
        self.boundary("put_bronze")
        put_quarantined(self.platform, self._batch.quarantined, put_at, contracts)
        self.boundary("put_quarantine")
        self._project()
        self.boundary("wrote_timeseries")
        deleted = self._delete([message.receipt for message in self._batch.messages])
        self.boundary("deleted")
        self._count(made, existing, deleted)
        self._batch = Batch(self.platform.settings)

    def _project(self) -> None:
        """The time series is rebuilt from the lake where it missed something; it never holds the lake up."""
        points = [
            Point(envelope.contract, envelope.device_id, reading.event_time, {k: v for k, v in reading.values.items() if k != "_extra"})
            for reading, envelope in self._batch.rows
        ]
        try:
            for reject in self.platform.time_series().write(points):
                log.warning(f"time series: {points[reject.index].device_id} refused: {reject.reason}")
                self.counters.timeseries_failures += 1
        except FleetlakeError as error:
            log.warning(f"time series: {len(points)} readings are only in the lake: {error}")
            self.counters.timeseries_failures += len(points)

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

    def _count(self, made: int, existing: int, deleted: int) -> None:
        counters, batch = self.counters, self._batch
        counters.batches += 1
        counters.objects += made
        counters.existing += existing
        counters.deleted += deleted
        counters.bronze += len(batch.rows)
        counters.quarantined += len(batch.quarantined)
        for name, value in (
            ("messages_received", len(batch.messages)),
            ("messages_redelivered", sum(message.receives > 1 for message in batch.messages)),
            ("readings_bronze", len(batch.rows)),
            ("readings_quarantined", len(batch.quarantined)),
            ("objects_put", made),
            ("objects_existing", existing),
            ("messages_deleted", deleted),
        ):
            count(sys.stdout, name, value)
        sys.stdout.flush()

    def _tell(self, force: bool = False) -> None:
        """Counters for `fleetlake status`, once a second."""
        if force or time.monotonic() - self._told >= _STATUS_SECONDS:
            self._told = time.monotonic()
            write_state(self.platform.settings, asdict(self.counters))


def write_state(settings: Settings, state: dict[str, Any]) -> None:
    file = settings.home / "run" / "worker.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps(state))
    draft.replace(file)


def main() -> int:
    settings = Settings.from_environment()
    logging.configure(settings.log_level)
    try:
        worker = Worker(current_platform(settings), ContractFolder(settings.contracts_folder))
    except FleetlakeError as error:
        log.error(f"start: {error}")
        return error.exit_code
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stopping.set())
    worker.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
