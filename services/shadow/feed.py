"""Feeds the cache from the queue of shadows' changes: ``python -m services.shadow.feed``, and on Lambda the handler ``services.shadow.feed.handler``.

Kept, then deleted from the queue: what is told again changes nothing. A message that is no change goes to the dead-letter queue by itself.
"""

import signal
import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from fleet.shadow_feed import read
from runtime import log
from runtime.errors import UserError
from runtime.platforms import Platform, current_platform
from runtime.settings import Settings
from services.heartbeat import beat
from services.shadow.cache import ShadowCache

_BATCH = 10
_WAIT_SECONDS = 5
_PAUSE_SECONDS = 2.0
_log = log.logger("shadow-feed")


def feed(cache: ShadowCache, messages: Iterable[tuple[str, str]]) -> list[str]:
    """Take each message, an id and a body; the ids of those that could not be."""
    failed = []
    for message_id, body in messages:
        try:
            cache.take(read(body))
        except UserError as error:
            _log.error(str(error), extra={"message_id": message_id})
            failed.append(message_id)
        except (ClientError, BotoCoreError) as error:
            _log.warning(f"keep a change of a shadow: {error}; it comes again", extra={"message_id": message_id})
            failed.append(message_id)
    return failed


class Feed:
    """The loop on a laptop; on AWS Lambda calls `handler`."""

    def __init__(self, platform: Platform) -> None:
        self._sqs = platform.client("sqs")
        self._url = self._sqs.get_queue_url(QueueName=platform.settings.shadow_queue)["QueueUrl"]
        self._cache = ShadowCache(platform)

    def run(self, stopping: threading.Event, tell: Callable[[], None]) -> None:
        """Until it is asked to stop; `tell` says each time that it goes on."""
        while not stopping.is_set():
            tell()
            try:
                self.take_once()
            except (ClientError, BotoCoreError) as error:
                _log.warning(f"take changes of shadows: {error}; trying again")
                stopping.wait(_PAUSE_SECONDS)

    def take_once(self, wait_seconds: int = _WAIT_SECONDS) -> int:
        """Take a batch of messages; how many there were."""
        answer = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=_BATCH, WaitTimeSeconds=wait_seconds)
        messages = answer.get("Messages", [])
        failed = set(feed(self._cache, ((message["MessageId"], message["Body"]) for message in messages)))
        done = [message for message in messages if message["MessageId"] not in failed]
        if done:
            entries = [{"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]} for number, message in enumerate(done)]
            self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)
        return len(messages)


_of_function: list[ShadowCache] = []


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Of Lambda, with SQS as its source and ReportBatchItemFailures."""
    if not _of_function:
        settings = Settings.from_environment()
        log.configure(settings.log_level)
        _of_function.append(ShadowCache(current_platform(settings)))
    failed = feed(_of_function[0], ((record["messageId"], record["body"]) for record in event["Records"]))
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def main() -> None:
    settings = Settings.from_environment()
    log.configure(settings.log_level)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    Feed(current_platform(settings)).run(stopping, partial(beat, settings, "shadow-feed"))


if __name__ == "__main__":
    main()
