"""A request that a client repeats because no answer came is done once: its key is claimed before, its answer kept after.

The claim and the answer are an item of DynamoDB for a day. A process that dies between the two leaves a claim that another may take over
after a minute: what the request did by then may be done again, so what runs under a key is itself safe to repeat.
"""

import json
from collections.abc import Callable
from typing import Any

from fleet import tables
from runtime.clock import Clock
from runtime.platforms import Platform
from services.problems import Conflict, Invalid

_KEPT_SECONDS = 24 * 3600
_CLAIM_SECONDS = 60
# DynamoDB keeps 400 KB an item.
_LARGEST_ANSWER = 350_000


class Requests:
    def __init__(self, platform: Platform, clock: Clock) -> None:
        self._client = platform.client("dynamodb")
        self._table = tables.REQUESTS.full_name(platform.settings)
        self._clock = clock

    def once(self, user_id: str, key: str, digest: str, do: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What `do` answers, or answered the first time.

        Raises Invalid (422) where the key stands for another request (`digest`), Conflict where the first one still runs.
        """
        name = json.dumps([user_id, key])
        if (known := self._claim(name, digest)) is not None:
            return known
        try:
            answer = do()
        except Exception:
            # Nothing is known to have been done: the same request may be tried again at once.
            self._client.delete_item(TableName=self._table, Key={"request": {"S": name}})
            raise
        self._keep(name, digest, answer)
        return answer

    def _claim(self, name: str, digest: str) -> dict[str, Any] | None:
        now = int(self._clock.now().timestamp())
        item = {
            "request": {"S": name},
            "digest": {"S": digest},
            "claimed_until": {"N": str(now + _CLAIM_SECONDS)},
            "expires_at": {"N": str(now + _KEPT_SECONDS)},
        }
        try:
            self._client.put_item(
                TableName=self._table,
                Item=item,
                # DynamoDB forgets an expired item when it comes to it, which may be two days later.
                ConditionExpression="attribute_not_exists(digest) OR expires_at < :now "
                "OR (attribute_not_exists(answer) AND claimed_until < :now AND digest = :digest)",
                ExpressionAttributeValues={":now": {"N": str(now)}, ":digest": {"S": digest}},
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return self._known(name, digest)
        return None

    def _known(self, name: str, digest: str) -> dict[str, Any]:
        found = self._client.get_item(TableName=self._table, Key={"request": {"S": name}}, ConsistentRead=True).get("Item", {})
        if found and found["digest"]["S"] != digest:
            words = "this Idempotency-Key was used for another request within the last day; take a new key"
            raise Invalid(words, code="IdempotentParameterMismatchException", status=422)
        if "answer" not in found:
            raise Conflict(
                "the first request with this Idempotency-Key still runs, or its answer was too large to keep; ask for its outcome",
                code="RequestInProgressException",
                headers={"Retry-After": "1"},
            )
        answer: dict[str, Any] = json.loads(found["answer"]["S"])
        return answer

    def _keep(self, name: str, digest: str, answer: dict[str, Any]) -> None:
        text = json.dumps(answer)
        if len(text.encode()) > _LARGEST_ANSWER:
            return
        self._client.update_item(
            TableName=self._table,
            Key={"request": {"S": name}},
            UpdateExpression="SET answer = :answer",
            ConditionExpression="digest = :digest",
            ExpressionAttributeValues={":answer": {"S": text}, ":digest": {"S": digest}},
        )
