"""Remembers devices, their history and what idempotency keys were used for, in DynamoDB; every write is conditional on what was read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from fleet.tables import DEVICE_HISTORY, DEVICES, REQUESTS
from runtime.errors import RetryLater
from runtime.platforms import Platform
from services.devices.device import Device, from_record, to_record
from services.items import plain, typed

_BATCH = 100
_TRIES = 8
_ANY_VERSION = 10**15


class Taken(Exception):
    """The id, or the idempotency key, is in use."""


class Moved(Exception):
    """The row is not as it was read: somebody else wrote it meanwhile."""


@dataclass(frozen=True)
class Request:
    """What an idempotency key was used for; `expires_at` in epoch seconds."""

    request: str
    digest: str
    device_id: str
    expires_at: int


class DeviceStore:
    def __init__(self, platform: Platform) -> None:
        self._dynamodb = platform.client("dynamodb")
        self._devices = DEVICES.full_name(platform.settings)
        self._history = DEVICE_HISTORY.full_name(platform.settings)
        self._requests = REQUESTS.full_name(platform.settings)

    def get(self, device_id: str) -> Device | None:
        found = self._dynamodb.get_item(TableName=self._devices, Key=typed({"device_id": device_id}), ConsistentRead=True).get("Item")
        return from_record(plain(found)) if found else None

    def get_many(self, device_ids: Iterable[str]) -> list[Device]:
        """Those that there are, in any order."""
        wanted = sorted(set(device_ids))
        return [device for begin in range(0, len(wanted), _BATCH) for device in self._batch(wanted[begin : begin + _BATCH])]

    def _batch(self, device_ids: Sequence[str]) -> Iterator[Device]:
        keys = [typed({"device_id": device_id}) for device_id in device_ids]
        for _ in range(_TRIES):
            answer = self._dynamodb.batch_get_item(RequestItems={self._devices: {"Keys": keys, "ConsistentRead": True}})
            yield from (from_record(plain(item)) for item in answer["Responses"].get(self._devices, []))
            keys = answer.get("UnprocessedKeys", {}).get(self._devices, {}).get("Keys", [])
            if not keys:
                return
        raise RetryLater("devices: DynamoDB gives a part of them only, for it is asked for too much at once; try again")

    def all(self) -> Iterator[Device]:
        for page in self._dynamodb.get_paginator("scan").paginate(TableName=self._devices, ConsistentRead=True):
            yield from (from_record(plain(item)) for item in page["Items"])

    def owned_by(self, user_id: str) -> Iterator[str]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._devices,
            IndexName="by_owner",
            KeyConditionExpression="#owner = :owner",
            ExpressionAttributeNames={"#owner": "owner"},
            ExpressionAttributeValues=typed({":owner": user_id}),
        )
        for page in pages:
            yield from (item["device_id"]["S"] for item in page["Items"])

    def insert(self, device: Device, request: Request | None, now: int) -> None:
        """Raises Taken where the device is there, or the key was used within its time."""
        row = {"TableName": self._devices, "Item": typed(to_record(device)), "ConditionExpression": "attribute_not_exists(device_id)"}
        puts: list[dict[str, Any]] = [{"Put": row}]
        if request:
            condition = {
                "ConditionExpression": "attribute_not_exists(#request) OR expires_at < :now",
                "ExpressionAttributeNames": {"#request": "request"},
                "ExpressionAttributeValues": typed({":now": now}),
            }
            puts.append({"Put": {"TableName": self._requests, "Item": typed(vars(request)), **condition}})
        self._write(puts, Taken())

    def replace(self, old: Device, new: Device, history: Mapping[str, Any] | None = None) -> Device:
        """`new` in the place of `old`, with its line of history; as it is written. Raises Moved where the row is not `old` any more."""
        written = replace(new, revision=old.revision + 1)
        self._write(
            [{"Put": {"TableName": self._devices, "Item": typed(to_record(written)), **_if_still(old)}}, *self._line(history)], Moved()
        )
        return written

    def remove(self, old: Device, history: Mapping[str, Any]) -> None:
        """Raises Moved."""
        key = typed({"device_id": old.device_id})
        self._write([{"Delete": {"TableName": self._devices, "Key": key, **_if_still(old)}}, *self._line(history)], Moved())

    def request(self, request: str, now: int) -> Request | None:
        """What the key was used for; None once its time is over, whether DynamoDB has forgotten it yet or not."""
        found = self._dynamodb.get_item(TableName=self._requests, Key=typed({"request": request}), ConsistentRead=True).get("Item")
        if not found:
            return None
        record = plain(found)
        held = Request(str(record["request"]), str(record["digest"]), str(record["device_id"]), int(record["expires_at"]))
        return held if held.expires_at >= now else None

    def lines(self, device_id: str, above: int, below: int | None, limit: int) -> list[dict[str, Any]]:
        """Lines of history, the newest first, of versions from `above` on, to before `below`."""
        last = below - 1 if below is not None else _ANY_VERSION
        if last < above:
            return []
        answer = self._dynamodb.query(
            TableName=self._history,
            KeyConditionExpression="device_id = :device AND #version BETWEEN :first AND :last",
            ExpressionAttributeNames={"#version": "version"},
            ExpressionAttributeValues=typed({":device": device_id, ":first": above, ":last": last}),
            ScanIndexForward=False,
            ConsistentRead=True,
            Limit=limit,
        )
        return [plain(item) for item in answer["Items"]]

    def _line(self, history: Mapping[str, Any] | None) -> list[dict[str, Any]]:
        return [{"Put": {"TableName": self._history, "Item": typed(history)}}] if history else []

    def _write(self, writes: list[dict[str, Any]], refused: Exception) -> None:
        try:
            self._dynamodb.transact_write_items(TransactItems=writes)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            reasons = {reason.get("Code") for reason in error.response.get("CancellationReasons", [])}
            if code == "TransactionCanceledException" and reasons & {"ConditionalCheckFailed", "TransactionConflict"}:
                raise refused from None
            raise


def _if_still(old: Device) -> dict[str, Any]:
    # A device that was deleted and made again has another first version.
    return {
        "ConditionExpression": "revision = :revision AND first_version = :first",
        "ExpressionAttributeValues": typed({":revision": old.revision, ":first": old.first_version}),
    }
