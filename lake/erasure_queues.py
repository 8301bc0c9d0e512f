"""Waiting messages of a device taken out of the three queues. To look is to receive: each other message has one receive more."""

from dataclasses import dataclass

from lake.erased_device import Device
from lake.law_queues import message_of, queue_names
from runtime.errors import RetryLater
from runtime.log import logger
from runtime.platforms import Platform
from runtime.sqs import Message, Queue, tens

# As long as a look at a full queue may take; who is killed meanwhile has hidden the messages for the rest of it.
_HIDDEN_SECONDS = 120
_MOST = 10_000
_MISSES = 3
log = logger("erase")


@dataclass(frozen=True)
class Looked:
    """Messages seen and deleted; `unseen`: those that somebody else has in hand."""

    queue: str
    seen: int
    deleted: int
    unseen: int


def erase_queued(platform: Platform, device: Device) -> list[Looked]:
    """Raises RetryLater where a message of the device could not be deleted."""
    return [_erase(platform, Queue(platform.client("sqs"), name), device) for name in queue_names(platform).values()]


def _erase(platform: Platform, queue: Queue, device: Device) -> Looked:
    others: dict[str, Message] = {}
    deleted = misses = 0
    expected = queue.waiting()
    try:
        while expected and len(others) < _MOST and misses < _MISSES:
            found = queue.receive(1, _HIDDEN_SECONDS)
            ours = [message for message in found if is_of(platform, device, message.body)]
            failed = queue.delete(ours)
            if failed:
                raise RetryLater(f"erase from {queue.name}: {failed[0]}; run it again")
            deleted += len(ours)
            others |= {message.message_id: message for message in found if message not in ours}
            misses = 0 if found else misses + 1
            if deleted + len(others) >= expected and not found:
                break
    finally:
        for part in tens(others.values()):
            for failure in queue.hide(part, 0):
                log.warning(f"queue {queue.name}: stays hidden for up to {_HIDDEN_SECONDS} s: {failure}")
    return Looked(queue.name, deleted + len(others), deleted, max(0, queue.waiting() - len(others)))


def is_of(platform: Platform, device: Device, body: str) -> bool:
    """Whether a message is the device's, by its topic, or says to be. One that nobody's rule wrote is, where the id stands in it by itself."""
    message, prefix = message_of(body, platform), f"{platform.settings.topic_prefix}/"
    sender = message.topic.removeprefix(prefix).partition("/")[0] if message.topic.startswith(prefix) else ""
    return device.sent(sender, message.payload) or (not sender and device.sent(None, body.encode()))
