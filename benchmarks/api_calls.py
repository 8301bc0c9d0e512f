"""Every request that boto3 really sends, tries again included, with the bytes of its payload: what AWS would put on the bill."""

import threading
from collections import Counter
from typing import Any

from benchmarks.price_table import SQS_UNIT, units
from runtime.local import LocalPlatform
from runtime.settings import Settings

# What S3 bills as a PUT, the dear kind of request.
_PUTS = {"PutObject", "ListObjectsV2"}
# These come by the clock, however few readings do: they are counted, and no part of what a reading costs.
BY_THE_CLOCK = {"ListObjectsV2", "EmptyReceive"}


class CountingPlatform(LocalPlatform):
    """The laptop's platform with a look at each request. `requests` by operation; `billed` by the names of prices."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.requests: Counter[str] = Counter()
        self.billed: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()
        self._counting = threading.Lock()

    def _make_client(self, service: str) -> Any:
        client = super()._make_client(service)
        client.meta.events.register("before-send", self._sent)
        client.meta.events.register("after-call.sqs.ReceiveMessage", self._received)
        return client

    def forget(self) -> None:
        """Begin to count anew."""
        with self._counting:
            self.requests.clear()
            self.billed.clear()
            self.bytes.clear()

    def _sent(self, request: Any, event_name: str, **_: Any) -> None:
        # "before-send.sqs.ReceiveMessage"
        service, operation = event_name.split(".")[1:]
        size = _payload(operation, request.body)
        with self._counting:
            self.requests[operation] += 1
            self.bytes[operation] += size
            if operation in BY_THE_CLOCK:
                return
            if service == "sqs" and operation != "ReceiveMessage":
                self.billed["sqs"] += units(size, SQS_UNIT)
            elif service == "s3":
                # DELETE and HEAD cost nothing or a GET; the dearer one is counted.
                self.billed["put" if operation in _PUTS else "get"] += 1

    def _received(self, parsed: dict[str, Any], **_: Any) -> None:
        """A receive is billed by what it brings. One that brings nothing is the price of waiting, which is told apart."""
        messages = parsed.get("Messages", [])
        size = sum(len(message["Body"]) for message in messages)
        with self._counting:
            self.bytes["ReceiveMessage"] += size
            if messages:
                self.billed["sqs"] += units(size, SQS_UNIT)
            else:
                self.requests["ReceiveMessage"] -= 1
                self.requests["EmptyReceive"] += 1


def _payload(operation: str, body: Any) -> int:
    """Of SQS what is billed is messages; handles of a delete are no payload, and far below a unit."""
    if body is None or operation == "ReceiveMessage":
        return 0
    if hasattr(body, "seek"):
        here = body.tell()
        end = int(body.seek(0, 2))
        body.seek(here)
        return end
    return len(body)
