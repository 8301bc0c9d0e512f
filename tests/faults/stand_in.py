"""A stand-in of SQS and S3 in memory, for what the worker asks of them: a request in, a response out.

Its queue hands messages out in an order that a seed shuffles, as SQS promises none; its clock can be moved ahead, so that a
dead worker's messages need not be waited for.
"""

import base64
import hashlib
import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

MAX_RECEIVES = 5
QUEUES = ("fleetlake-telemetry", "fleetlake-telemetry-errors", "fleetlake-telemetry-dead")


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def operation(self) -> str:
        """The name of what is asked: ``receive``, ``delete``, ``extend``, ``give_back``, ``put_bronze``, ``put_quarantine``, or another."""
        action = self.headers.get("x-amz-target", "").rpartition(".")[2]
        if action == "ChangeMessageVisibilityBatch":
            hides = any(entry.get("VisibilityTimeout") for entry in json.loads(self.body)["Entries"])
            return "extend" if hides else "give_back"
        if self.method == "PUT":
            return f"put_{self.path.split('/')[2]}"
        return {"ReceiveMessage": "receive", "DeleteMessageBatch": "delete"}.get(action, action or self.method)


@dataclass(frozen=True)
class Response:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def sqs_error(status: int, code: str, words: str) -> Response:
    return Response(status, json.dumps({"__type": f"com.amazonaws.sqs#{code}", "message": words}).encode())


def s3_error(status: int, code: str, words: str) -> Response:
    return Response(status, f"<Error><Code>{code}</Code><Message>{words}</Message></Error>".encode())


@dataclass
class Queued:
    body: str
    message_id: str
    sent_at: float
    visible_at: float = 0.0
    receives: int = 0
    receipt: str = ""


class StandIn:
    """`redelivered` counts receives of a message that had been received before, `deleted` the messages that were deleted."""

    def __init__(self, seed: int = 0) -> None:
        self.objects: dict[str, bytes] = {}
        self.dead: list[str] = []
        # Names of queues that somebody deleted.
        self.gone: set[str] = set()
        self.redelivered = 0
        self.deleted = 0
        self._random = random.Random(seed)
        self._messages: dict[str, Queued] = {}
        self._ahead = 0.0
        self._changed = threading.Condition()

    # ---- for the harness

    def send(self, body: str) -> None:
        with self._changed:
            name = f"m-{len(self._messages) + self.deleted}-{self._random.getrandbits(32):08x}"
            self._messages[name] = Queued(body, name, time.time())
            self._changed.notify_all()

    def advance(self, seconds: float) -> None:
        with self._changed:
            self._ahead += seconds
            self._changed.notify_all()

    def left(self) -> list[str]:
        with self._changed:
            return [message.body for message in self._messages.values()]

    def is_anything_visible(self) -> bool:
        with self._changed:
            return bool(self._visible())

    def wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Whether `condition` became true; it is asked whenever something changes here, and every 50 ms."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            with self._changed:
                self._changed.wait(0.05)
        return True

    # ---- for the worker

    def __call__(self, request: Request) -> Response:
        if "x-amz-target" in request.headers:
            return self._sqs(request.headers["x-amz-target"].rpartition(".")[2], json.loads(request.body))
        return self._s3(request)

    def _s3(self, request: Request) -> Response:
        path, _, query = request.path.partition("?")
        key = path.split("/", 2)[2] if path.count("/") > 1 else ""
        if request.method == "HEAD":
            return Response(200)
        if request.method == "GET" and not key:
            return self._listed(dict(parse_qsl(query)))
        if request.method != "PUT":
            return s3_error(501, "NotImplemented", request.method)
        with self._changed:
            if key in self.objects and request.headers.get("if-none-match") == "*":
                return s3_error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
            self.objects[key] = request.body
            self._changed.notify_all()
        return Response(200, headers={"ETag": '"' + hashlib.md5(request.body, usedforsecurity=False).hexdigest() + '"'})

    def _listed(self, asked: dict[str, str]) -> Response:
        """All in one page: there are few."""
        with self._changed:
            keys = sorted(key for key in self.objects if key.startswith(asked.get("prefix", "")) and key > asked.get("start-after", ""))
        found = "".join(f"<Contents><Key>{escape(key)}</Key></Contents>" for key in keys)
        return Response(200, f"<ListBucketResult><IsTruncated>false</IsTruncated>{found}</ListBucketResult>".encode())

    def _sqs(self, action: str, asked: dict[str, Any]) -> Response:
        do = {
            "GetQueueUrl": self._url,
            "GetQueueAttributes": self._attributes,
            "ReceiveMessage": self._receive,
            "DeleteMessageBatch": self._delete,
            "ChangeMessageVisibilityBatch": self._hide,
        }
        if action not in do:
            return sqs_error(400, "UnsupportedOperation", action)
        with self._changed:
            answer = do[action](asked)
            self._changed.notify_all()
        return answer if isinstance(answer, Response) else Response(200, json.dumps(answer).encode())

    def _url(self, asked: dict[str, Any]) -> dict[str, Any] | Response:
        if asked["QueueName"] not in QUEUES:
            return sqs_error(400, "QueueDoesNotExist", "The specified queue does not exist.")
        return {"QueueUrl": f"http://queue/{asked['QueueName']}"}

    def _attributes(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"Attributes": {"QueueArn": "arn:aws:sqs:us-east-1:000000000000:" + asked["QueueUrl"].rpartition("/")[2]}}

    def _receive(self, asked: dict[str, Any]) -> dict[str, Any] | Response:
        if asked["QueueUrl"].rpartition("/")[2] in self.gone:
            return sqs_error(400, "QueueDoesNotExist", "The specified queue does not exist.")
        if not asked["QueueUrl"].endswith(QUEUES[0]):
            return {}
        deadline = time.monotonic() + min(0.05, float(asked.get("WaitTimeSeconds", 0)))
        while not (visible := self._visible()) and time.monotonic() < deadline:
            self._changed.wait(deadline - time.monotonic())
        self._random.shuffle(visible)
        taken = visible[: asked.get("MaxNumberOfMessages", 1)]
        return {"Messages": [entry for message in taken if (entry := self._hand_out(message, asked["VisibilityTimeout"]))]}

    def _visible(self) -> list[Queued]:
        now = time.monotonic() + self._ahead
        return [message for message in self._messages.values() if message.visible_at <= now]

    def _hand_out(self, message: Queued, seconds: float) -> dict[str, Any] | None:
        if message.receives >= MAX_RECEIVES:
            self.dead.append(self._messages.pop(message.message_id).body)
            return None
        self.redelivered += message.receives > 0
        message.receives += 1
        message.receipt = base64.b64encode(f"{message.message_id}/{message.receives}".encode()).decode()
        message.visible_at = time.monotonic() + self._ahead + seconds
        return {
            "MessageId": message.message_id,
            "ReceiptHandle": message.receipt,
            "Body": message.body,
            "MD5OfBody": hashlib.md5(message.body.encode(), usedforsecurity=False).hexdigest(),
            "Attributes": {"ApproximateReceiveCount": str(message.receives), "SentTimestamp": str(int(message.sent_at * 1000))},
        }

    def _delete(self, asked: dict[str, Any]) -> dict[str, Any]:
        done, failed = [], []
        for entry in asked["Entries"]:
            name = _message_id(entry)
            if name is None:
                failed.append(_refused(entry, "ReceiptHandleIsInvalid", "no receipt"))
                continue
            # An old receipt deletes too, as at AWS as a rule; one of a message that is gone is a success.
            self.deleted += self._messages.pop(name, None) is not None
            done.append({"Id": entry["Id"]})
        return {"Successful": done, "Failed": failed}

    def _hide(self, asked: dict[str, Any]) -> dict[str, Any]:
        done, failed = [], []
        for entry in asked["Entries"]:
            message = self._messages.get(_message_id(entry) or "")
            if message is None or message.receipt != entry["ReceiptHandle"]:
                failed.append(_refused(entry, "InvalidParameterValue", "not in flight"))
                continue
            message.visible_at = time.monotonic() + self._ahead + entry["VisibilityTimeout"]
            done.append({"Id": entry["Id"]})
        return {"Successful": done, "Failed": failed}


def _message_id(entry: dict[str, Any]) -> str | None:
    """Of a receipt that this queue gave."""
    try:
        return base64.b64decode(entry["ReceiptHandle"]).decode().partition("/")[0]
    except ValueError:
        return None


def _refused(entry: dict[str, Any], code: str, words: str) -> dict[str, Any]:
    return {"Id": entry["Id"], "SenderFault": True, "Code": code, "Message": words}
