"""The cache of shadows in DynamoDB, and their history: both fed by what AWS IoT tells, neither ever moving backwards.

A queue tells changes twice and in any order. A change counts only where its version is above the cached one; a deletion also
where it is equal, for it deletes that version, and leaves a stone that keeps older changes out.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fleet import tables
from fleet.shadow_feed import Change
from runtime.platforms import Platform
from services.items import plain, typed

_MILLISECONDS = 1000
# As many as BatchGetItem takes.
_A_BATCH = 100


@dataclass(frozen=True)
class Cached:
    """A shadow as it was last told. `document` has ``state`` and ``metadata``; None of one that was deleted."""

    version: int
    document: dict[str, Any] | None


@dataclass(frozen=True)
class Version:
    """A version of a shadow's history; `by` is the user who made it; "" of one that the device, or another client of AWS IoT, made by itself."""

    version: int
    at: datetime | None
    by: str
    document: dict[str, Any] | None
    deleted_at: datetime | None
    deleted_by: str


class ShadowCache:
    def __init__(self, platform: Platform) -> None:
        self._client = platform.client("dynamodb")
        self._shadows = tables.SHADOWS.full_name(platform.settings)
        self._history = tables.SHADOW_HISTORY.full_name(platform.settings)

    def take(self, change: Change) -> bool:
        """Keep a change; whether it was newer than what the cache had. Again it changes nothing."""
        self._note(change)
        newer = "attribute_not_exists(version) OR version < :version"
        if change.state is None:
            newer += " OR (version = :version AND is_deleted = :no)"
        item = {
            "thing_name": change.thing,
            "shadow_name": _cache_name(change.name),
            "version": change.version,
            "timestamp": change.timestamp,
            "is_deleted": change.state is None,
            "document": json.dumps(_document(change)),
        }
        values = {":version": change.version} | ({":no": False} if change.state is None else {})
        try:
            self._client.put_item(
                TableName=self._shadows, Item=typed(item), ConditionExpression=newer, ExpressionAttributeValues=typed(values)
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def get(self, thing: str, name: str) -> Cached | None:
        key = typed({"thing_name": thing, "shadow_name": _cache_name(name)})
        found = self._client.get_item(TableName=self._shadows, Key=key, ConsistentRead=True).get("Item")
        return None if found is None else _cached(plain(found))

    def get_many(self, things: Sequence[str], name: str) -> dict[str, Cached]:
        """By thing, those that there are."""
        found: dict[str, Cached] = {}
        for start in range(0, len(things), _A_BATCH):
            keys = [typed({"thing_name": thing, "shadow_name": _cache_name(name)}) for thing in things[start : start + _A_BATCH]]
            wanted = {self._shadows: {"Keys": keys, "ConsistentRead": True}}
            while wanted:
                answer = self._client.batch_get_item(RequestItems=wanted)
                for item in map(plain, answer["Responses"].get(self._shadows, [])):
                    found[item["thing_name"]] = _cached(item)
                wanted = answer.get("UnprocessedKeys", {})
        return found

    def note_author(self, thing: str, name: str, version: int, user: str, *, deleted: bool = False) -> None:
        """Say that `user` made, or deleted, a version: AWS IoT itself only knows that it was this API."""
        self._set(thing, name, version, {"deleted_by" if deleted else "made_by": user})

    def history(self, thing: str, name: str, *, before: int | None, limit: int) -> list[Version]:
        """The newest versions first, below `before`."""
        condition = "shadow = :shadow"
        values: dict[str, Any] = {":shadow": _history_key(thing, name)}
        if before is not None:
            condition, values = f"{condition} AND version < :before", {**values, ":before": before}
        answer = self._client.query(
            TableName=self._history,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=typed(values),
            ScanIndexForward=False,
            Limit=limit,
            ConsistentRead=True,
        )
        return [_version(plain(item)) for item in answer["Items"]]

    def version(self, thing: str, name: str, version: int) -> Version | None:
        key = typed({"shadow": _history_key(thing, name), "version": version})
        found = self._client.get_item(TableName=self._history, Key=key, ConsistentRead=True).get("Item")
        return None if found is None else _version(plain(found))

    def _note(self, change: Change) -> None:
        if change.state is None:
            self._set(change.thing, change.name, change.version, {"deleted_at": change.received_at})
            return
        facts = {"document": json.dumps(_document(change)), "at": change.received_at}
        self._set(change.thing, change.name, change.version, facts)

    def _set(self, thing: str, name: str, version: int, facts: dict[str, Any]) -> None:
        """Add facts to a version, each of which is told by one who knows it: who and what come in any order."""
        names = {f"#{number}": fact for number, fact in enumerate(facts)}
        values = {f":{number}": value for number, value in enumerate(facts.values())}
        self._client.update_item(
            TableName=self._history,
            Key=typed({"shadow": _history_key(thing, name), "version": version}),
            UpdateExpression="SET " + ", ".join(f"#{number} = :{number}" for number in range(len(facts))),
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=typed(values),
        )


def _document(change: Change) -> dict[str, Any]:
    return {"state": change.state, "metadata": change.metadata} if change.state is not None else {}


def _cache_name(name: str) -> str:
    # DynamoDB keys may not be empty, and no shadow's name has a dot.
    return name or "."


def _history_key(thing: str, name: str) -> str:
    # Neither has a tilde.
    return f"{thing}~{name}"


def _cached(found: dict[str, Any]) -> Cached:
    document = None if found["is_deleted"] else json.loads(found["document"])
    return Cached(int(found["version"]), document)


def _version(found: dict[str, Any]) -> Version:
    return Version(
        version=int(found["version"]),
        at=_moment(found.get("at")),
        by=str(found.get("made_by", "")),
        document=json.loads(found["document"]) if "document" in found else None,
        deleted_at=_moment(found.get("deleted_at")),
        deleted_by=str(found.get("deleted_by", "")),
    )


def _moment(milliseconds: Any) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(int(milliseconds) / _MILLISECONDS, UTC)
