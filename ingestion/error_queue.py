"""The reader of the rule's error queue, a thread of the worker: what the rule could not deliver goes the telemetry's way.

Few messages come here, and none as a rule, so they are taken one receive at a time: put, then deleted. What fails comes back,
and after its last try lies in the dead-letter queue.
"""

import random
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from ingestion.failures import CannotGoOn, cannot_go_on
from ingestion.intake import Intake
from ingestion.message import named
from ingestion.rule_error import failures
from ingestion.settling import NOT_DELETED
from ingestion.start_check import try_bucket
from runtime.errors import ServiceError
from runtime.log import logger
from runtime.sqs import Message, Queue

_WAIT_SECONDS = 5
_LONGEST_PAUSE = 20.0
log = logger("error_queue")


@dataclass
class ErrorQueue:
    intake: Intake
    stopping: threading.Event = field(default_factory=threading.Event)
    # Why it ended before it was asked to, and the worker with it.
    why: CannotGoOn | None = None

    def __post_init__(self) -> None:
        # The last take left messages in the queue.
        self._has_failed = False
        self._queue = Queue(self.intake.platform.client("sqs"), self.intake.platform.settings.error_queue)

    def start(self) -> threading.Thread:
        """Read in a thread until `stopping` is set, which it does itself where waiting is no use."""
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
                self.why = cannot_go_on(error, self.intake.platform.settings)
                self.intake.emit(failures=1, retries=int(self.why is None))
                if self.why:
                    log.error(f"error queue: {self.why}; the worker ends")
                    self.stopping.set()
                    return
                log.warning(f"error queue: {error}; trying again")
                self.stopping.wait(random.uniform(0, pause))
                pause = min(_LONGEST_PAUSE, pause * 2)
            except Exception:
                # The loop's edge: the worker's own queue goes on whatever happens here.
                self.intake.emit(failures=1, retries=1)
                log.exception("error queue: unexpected error; trying again")
                self.stopping.wait(pause)

    def step(self, wait_seconds: int = _WAIT_SECONDS) -> int:
        """Take what one receive gives; how many messages that was. Raises where the queue is away."""
        if self._has_failed:
            # While the bucket is away nothing is received: each receive costs a message one of its tries.
            try_bucket(self.intake.platform)
        found = self._queue.receive(wait_seconds, self.intake.platform.settings.visibility_seconds)
        if found:
            self._take(found)
        return len(found)

    def _take(self, found: Sequence[Message]) -> None:
        causes = Counter(cause for message in found for cause in failures(message.body))
        for cause, times in causes.most_common():
            log.warning(f"the rule could not deliver {times} messages: {cause}", extra=named(found))
        self.intake.emit(rule_errors=len(found))
        failed = set(self.intake.take(found))
        self._has_failed = bool(failed)
        self._delete([message for message in found if message.message_id not in failed])

    def _delete(self, messages: Sequence[Message]) -> None:
        failed = self._queue.delete(messages)
        for failure in failed:
            log.warning(f"error queue did not delete {failure}; {NOT_DELETED}", extra=named([failure.message]))
        self.intake.emit(messages_deleted=len(messages) - len(failed), failures=len(failed))
