"""Dead letters back to the queue that gave them up, once what stopped them is mended.

All of them at once by SQS's own message move task where the service has it; single ones, and on a laptop, by sending each and
then deleting it. A crash in between leaves the message in both queues, and its readings meet themselves by their event ids.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from lake.dead_letter_queue import DeadLetterQueue, asking
from runtime.errors import ServiceError, UserError
from runtime.platforms import Platform
from runtime.sqs import Message

# How a service says that it does not know an action.
_UNKNOWN_ACTION = {"InvalidAction", "UnknownOperationException", "NotImplemented"}
_POLL_SECONDS = 1.0

# (moved so far, of so many as far as the queue knows)
Watch = Callable[[int, int], None]


def unwatched(_moved: int, _of: int) -> None:
    return None


@dataclass
class Redrive:
    platform: Platform
    queue: DeadLetterQueue
    watch: Watch = unwatched
    pause: Callable[[float], None] = time.sleep
    _urls: dict[str, str] = field(default_factory=dict)

    def all(self) -> int:
        """Move everything that is there now; how many messages. Interrupted, what was moved stays moved."""
        try:
            task = self._running_task() or self._start_task()
        except ClientError as error:
            if error.response["Error"].get("Code") in _UNKNOWN_ACTION:
                return self._by_hand(None)
            with asking(self.queue.name):
                raise
        return self._follow(task)

    def some(self, message_ids: Collection[str]) -> int:
        """Move the messages of these ids. Raises UserError where one is not there; the others are moved."""
        wanted = set(message_ids)
        moved = self._by_hand(wanted)
        if wanted:
            raise UserError(
                f"redrive: {', '.join(sorted(wanted))}: not in dead-letter queue {self.queue.name} (or somebody looks at it now); "
                f"{moved} others were moved; `fleetlake dead-letter list` names what is there"
            )
        return moved

    def _running_task(self) -> dict[str, Any] | None:
        """One that an interrupted redrive or somebody else began: SQS has one at a time for a queue."""
        found = self.queue.sqs.list_message_move_tasks(SourceArn=self.queue.arn, MaxResults=1).get("Results", [])
        return found[0] if found and found[0]["Status"] == "RUNNING" else None

    def _start_task(self) -> dict[str, Any]:
        # Without a destination each message goes to the queue that gave it up.
        started = self.queue.sqs.start_message_move_task(SourceArn=self.queue.arn)
        return {"TaskHandle": started["TaskHandle"]}

    def _follow(self, task: dict[str, Any]) -> int:
        try:
            while True:
                with asking(self.queue.name):
                    now = self.queue.sqs.list_message_move_tasks(SourceArn=self.queue.arn, MaxResults=1)["Results"][0]
                moved = int(now.get("ApproximateNumberOfMessagesMoved", 0))
                self.watch(moved, int(now.get("ApproximateNumberOfMessagesToMove", moved)))
                if now["Status"] == "COMPLETED":
                    return moved
                if now["Status"] in ("FAILED", "CANCELLED"):
                    why = now.get("FailureReason") or "it was cancelled"
                    raise ServiceError(f"redrive of {self.queue.name}: SQS moved {moved} messages, then ended: {why}; run it again")
                self.pause(_POLL_SECONDS)
        except KeyboardInterrupt:
            self.queue.sqs.cancel_message_move_task(TaskHandle=task["TaskHandle"])
            raise

    def _by_hand(self, wanted: set[str] | None) -> int:
        """Send, then delete, those in `wanted` (None: all), which is emptied of what was moved."""
        # No more than were there at the start: what fails again comes here again.
        total = self.queue.waiting()
        moved = 0
        in_hand: list[Message] = []
        try:
            for letters in self.queue.look(total):
                in_hand += letters
                for letter in letters:
                    if wanted is None or letter.message_id in wanted:
                        self._move(letter)
                        in_hand.remove(letter)
                        moved += 1
                        self.watch(moved, total if wanted is None else moved + len(wanted) - 1)
                        if wanted is not None:
                            wanted.discard(letter.message_id)
                if wanted is not None and not wanted:
                    break
        finally:
            self.queue.show_again(in_hand)
        return moved

    def _move(self, letter: Message) -> None:
        with asking(self.queue.name):
            # In this order: a message may be in both queues, but never in none.
            self.queue.sqs.send_message(
                QueueUrl=self._destination(letter), MessageBody=letter.body, MessageAttributes=_sendable(letter.attributes)
            )
        if failed := self.queue.delete(letter):
            raise ServiceError(f"redrive of {self.queue.name}: sent, but not deleted here, so in both queues: {failed[0]}")

    def _destination(self, letter: Message) -> str:
        name = letter.source or self.platform.settings.telemetry_queue
        if name not in self._urls:
            self._urls[name] = self.queue.sqs.get_queue_url(QueueName=name)["QueueUrl"]
        return self._urls[name]


def _sendable(attributes: Any) -> dict[str, Any]:
    """Message attributes as they are received, without the empty lists that no sender may give."""
    kept = ("DataType", "StringValue", "BinaryValue")
    return {name: {key: value[key] for key in kept if key in value} for name, value in attributes.items()}
