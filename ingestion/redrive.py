"""Dead letters back to the queue that gave them up, once what stopped them is mended.

All of them at once by SQS's own message move task where the service has it; single ones, and on a laptop, by sending each and
then deleting it. A crash in between leaves the message in both queues, and its readings meet themselves by their event ids.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lake.dead_letter_queue import DeadLetterQueue, asking
from runtime.errors import ServiceError, UserError
from runtime.log import logger
from runtime.platforms import Platform
from runtime.sqs import Message

# How a service says that it does not know an action.
_UNKNOWN_ACTION = {"InvalidAction", "UnknownOperationException", "NotImplemented"}
_POLL_SECONDS = 1.0
# As many as SQS tells of a queue; and so often it is asked for one that it does not list yet.
_LISTED = 10
_UNSEEN_POLLS = 60
log = logger("redrive")

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
            known = self._listed()
            # SQS has one at a time for a queue: somebody else's, or that of a redrive that was killed, is followed to its end.
            running = next((one for one in known if one["Status"] == "RUNNING"), None)
            task = _Task(None, _started(running)) if running else self._start(known)
        except ClientError as error:
            if error.response["Error"].get("Code") in _UNKNOWN_ACTION:
                return self._by_hand(None)
            with asking(self.queue.name, self.platform.settings):
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

    def _listed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.queue.sqs.list_message_move_tasks(SourceArn=self.queue.arn, MaxResults=_LISTED).get(
            "Results", []
        )
        return found

    def _start(self, known: list[dict[str, Any]]) -> "_Task":
        # Without a destination each message goes to the queue that gave it up.
        handle = self.queue.sqs.start_message_move_task(SourceArn=self.queue.arn)["TaskHandle"]
        return _Task(handle, None, after=max(map(_started, known), default=-1))

    def _follow(self, task: "_Task") -> int:
        unseen = 0
        try:
            while True:
                with asking(self.queue.name, self.platform.settings):
                    now = task.among(self._listed())
                if now and (moved := self._ended(now)) is not None:
                    return moved
                unseen = 0 if now else unseen + 1
                if unseen == _UNSEEN_POLLS:
                    raise ServiceError(
                        f"redrive of {self.queue.name}: SQS does not list the move that was begun; ask again what is left there"
                    )
                self.pause(_POLL_SECONDS)
        except KeyboardInterrupt:
            # Not one that somebody else began.
            if task.handle:
                self._cancel(task.handle)
            raise

    def _ended(self, now: dict[str, Any]) -> int | None:
        """How many messages it moved, None while it goes on. Raises ServiceError where it ended otherwise."""
        moved = int(now.get("ApproximateNumberOfMessagesMoved", 0))
        self.watch(moved, int(now.get("ApproximateNumberOfMessagesToMove", moved)))
        if now["Status"] in ("FAILED", "CANCELLED"):
            why = now.get("FailureReason") or "it was cancelled"
            raise ServiceError(f"redrive of {self.queue.name}: SQS moved {moved} messages, then ended: {why}; run it again")
        return moved if now["Status"] == "COMPLETED" else None

    def _cancel(self, handle: str) -> None:
        try:
            self.queue.sqs.cancel_message_move_task(TaskHandle=handle)
        except (ClientError, BotoCoreError) as error:
            log.warning(f"redrive of {self.queue.name}: it may go on, its move could not be cancelled: {error}")

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
        with asking(self.queue.name, self.platform.settings):
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


@dataclass
class _Task:
    """A message move task in SQS's list, which lags, and names the handle only of one that runs: others are known by their start."""

    # Of one that was begun here.
    handle: str | None
    started: int | None
    # The newest start that was listed before it was begun.
    after: int = -1

    def among(self, listed: list[dict[str, Any]]) -> dict[str, Any] | None:
        if self.started is None:
            self.started = self._start_of(listed)
        return next((one for one in listed if _started(one) == self.started), None)

    def _start_of(self, listed: list[dict[str, Any]]) -> int | None:
        mine = [one for one in listed if self.handle and one.get("TaskHandle") == self.handle]
        # It ended before it was seen running: whoever began another since did so later.
        ended = [one for one in listed if one["Status"] != "RUNNING" and _started(one) > self.after]
        return min(map(_started, mine or ended), default=None)


def _started(task: dict[str, Any]) -> int:
    return int(task.get("StartedTimestamp", 0))


def _sendable(attributes: Any) -> dict[str, Any]:
    """Message attributes as they are received, without the empty lists that no sender may give."""
    kept = ("DataType", "StringValue", "BinaryValue")
    return {name: {key: value[key] for key in kept if key in value} for name, value in attributes.items()}
