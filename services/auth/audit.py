"""The trail of changes of users and permissions: who did what to whom, what was before and after. Written with the change, never changed."""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fleet import tables
from runtime.platforms import Platform
from services.items import plain, typed_known


@dataclass(frozen=True)
class Actor:
    """Who changes something, by which request."""

    user_id: str
    user_name: str
    request_id: str


@dataclass(frozen=True)
class Change:
    """`what` names the operation; `before` and `after` are what it changed, None for what was not there."""

    subject: str
    what: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    actor: Actor
    at: datetime


@dataclass(frozen=True)
class AuditTable:
    dynamodb: Any
    name: str

    @classmethod
    def of(cls, platform: Platform) -> "AuditTable":
        return cls(platform.client("dynamodb"), tables.AUDIT.full_name(platform.settings))

    def put(self, change: Change, number: int = 0) -> dict[str, Any]:
        """As a part of a transaction; `number` tells changes of one request apart."""
        item = {
            "subject": change.subject,
            "at": f"{change.at.isoformat(timespec='microseconds')}#{number:03d}#{uuid.uuid4().hex[:12]}",
            "what": change.what,
            "who": change.actor.user_id,
            "who_name": change.actor.user_name,
            "request_id": change.actor.request_id,
            "before": None if change.before is None else json.dumps(change.before, sort_keys=True),
            "after": None if change.after is None else json.dumps(change.after, sort_keys=True),
        }
        # A line is never written over.
        return {"Put": {"TableName": self.name, "Item": typed_known(item), "ConditionExpression": "attribute_not_exists(subject)"}}

    def write(self, change: Change) -> None:
        """Of a change that is not in DynamoDB: after it."""
        self.dynamodb.transact_write_items(TransactItems=[self.put(change)])

    def page(self, subject: str, limit: int, after: str | None) -> tuple[list[Change], str | None]:
        """The newest first, and where to go on."""
        start = {"ExclusiveStartKey": typed_known({"subject": subject, "at": after})} if after else {}
        answer = self.dynamodb.query(
            TableName=self.name,
            KeyConditionExpression="subject = :s",
            ExpressionAttributeValues={":s": {"S": subject}},
            ScanIndexForward=False,
            Limit=limit,
            ConsistentRead=True,
            **start,
        )
        last = answer.get("LastEvaluatedKey")
        return [_change(plain(item)) for item in answer["Items"]], last["at"]["S"] if last else None


def _change(item: dict[str, Any]) -> Change:
    actor = Actor(item["who"], item["who_name"], item["request_id"])
    before, after = (json.loads(item[name]) if item.get(name) else None for name in ("before", "after"))
    return Change(item["subject"], item["what"], before, after, actor, datetime.fromisoformat(item["at"].partition("#")[0]))
