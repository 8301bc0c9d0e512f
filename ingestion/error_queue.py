"""The reader of the rule's error queue, a thread of the worker: what the rule could not deliver goes the telemetry's way.

Few messages come here, and none as a rule, so they are taken one receive at a time: put, then deleted. What fails comes back,
and after its last try lies in the dead-letter queue.
"""

import random
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ingestion.intake import Arrival, Intake
from ingestion.rule_error import failures
from runtime.errors import ServiceError
from runtime.log import logger
from runtime.metrics import count
from runtime.sqs import receives, sent_time

_WAIT_SECONDS = 5
_LONGEST_PAUSE = 20.0
log = logger("error_queue")


@dataclass
class ErrorQueue:
    intake: Intake
    stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        settings = self.intake.platform.settings
        self._sqs = self.intake.platform.client("sqs")
        self._queue = self._sqs.get_queue_url(QueueName=settings.error_queue)["QueueUrl"]

    def start(self) -> threading.Thread:
        """Read in a thread until `stopping` is set."""
        # Not waited for at the end of the process: what it has in hand comes back.
        thread = threading.Thread(target=self.run, name="error-queue", daemon=True)
        thread.start()
        return thread

    def run(self) -> None:
        pause = 0.5
        while not self.stopping.is_set():
            try:
                self.step()
                pause = 0.5
            except (ClientError, BotoCoreError, ServiceError) as error:
                log.warning(f"error queue: {error}; trying again")
                self.stopping.wait(random.uniform(0, pause))
                pause = min(_LONGEST_PAUSE, pause * 2)
            except Exception:
                # The loop's edge: the worker's own queue goes on whatever happens here.
                log.exception("error queue: unexpected error; trying again")
                self.stopping.wait(pause)

    def step(self, wait_seconds: int = _WAIT_SECONDS) -> int:
        """Take what one receive gives; how many messages that was. Raises where the queue is away."""
        answer = self._sqs.receive_message(
            QueueUrl=self._queue,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=wait_seconds,
            VisibilityTimeout=self.intake.platform.settings.visibility_seconds,
            AttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
        )
        found: list[dict[str, Any]] = answer.get("Messages", [])
        if found:
            self._take(found)
        return len(found)

    def _take(self, found: Sequence[dict[str, Any]]) -> None:
        causes = Counter(cause for entry in found for cause in failures(entry["Body"]))
        for cause, times in causes.most_common():
            log.warning(f"the rule could not deliver {times} messages: {cause}")
        count(sys.stdout, "rule_errors", len(found))
        failed = set(self.intake.take([_arrival(entry) for entry in found]))
        self._delete([entry for entry in found if entry["MessageId"] not in failed])

    def _delete(self, entries: Sequence[dict[str, Any]]) -> None:
        if not entries:
            return
        asked = [{"Id": str(i), "ReceiptHandle": entry["ReceiptHandle"]} for i, entry in enumerate(entries)]
        answer = self._sqs.delete_message_batch(QueueUrl=self._queue, Entries=asked)
        for failure in answer.get("Failed", ()):
            log.warning(f"error queue did not delete: {failure.get('Code')}: {failure.get('Message')}; the message comes back")
        count(sys.stdout, "messages_deleted", len(answer.get("Successful", ())))
        sys.stdout.flush()


def _arrival(entry: dict[str, Any]) -> Arrival:
    attributes = entry.get("Attributes", {})
    return Arrival(entry["MessageId"], entry["Body"], sent_time(attributes), receives(attributes))
