"""Changes grants, denials and marks in the GRANTS table, each in one transaction with its line of the audit trail.

A grant and a denial are entries of their own, and neither write looks at the other: in whatever order two administrators' calls
interleave, a denial that is there wins until it is lifted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from runtime.clock import Clock
from runtime.platforms import Platform
from services.auth.access import DELETED, DENIAL, GRANT, SIGNED_OUT, Access, AccessTable, denial_item, grant_item, rule_id
from services.auth.audit import Actor, AuditTable, Change
from services.auth.grants import Denial, Grant, Scope
from services.identity import Right
from services.items import typed_known
from services.problems import Conflict, Invalid, NotFound

# All of them are read with each of the user's calls; for more devices than that there are groups and tags.
MOST_RULES = 1000
# A transaction of DynamoDB takes 100 writes: a grant and its line each, and a check.
MOST_AT_ONCE = 49
_TRIES = 8
# Longer than any access token lives.
_FORGET = timedelta(days=2)

T = TypeVar("T")


@dataclass(frozen=True)
class Rules:
    table: AccessTable
    audit: AuditTable
    clock: Clock

    @classmethod
    def of(cls, platform: Platform, clock: Clock) -> "Rules":
        return cls(AccessTable.of(platform), AuditTable.of(platform), clock)

    def grant(
        self, user_id: str, scopes: Sequence[Scope], rights: frozenset[Right], expires_at: datetime | None, actor: Actor
    ) -> tuple[Grant, ...]:
        """The grants, new or there already: the same again changes nothing."""
        check_grant(scopes, rights, expires_at, self.clock.now())
        wanted = {rule_id(scope, rights, expires_at): scope for scope in scopes}

        def attempt() -> tuple[Grant, ...]:
            access, now = self.table.read(user_id), self.clock.now()
            there = {grant.id: grant for grant in access.grants}
            fresh = {
                id_: Grant(id_, user_id, scope, rights, expires_at, actor.user_id, now) for id_, scope in wanted.items() if id_ not in there
            }
            self._check_room(access, len(fresh))
            changes = [Change(user_id, "grant", None, told_grant(grant), actor, now) for grant in fresh.values()]
            self._write(user_id, [self._put(grant_item(grant)) for grant in fresh.values()], changes)
            return tuple(fresh.get(id_) or there[id_] for id_ in wanted)

        return repeatedly(attempt)

    def deny(self, user_id: str, scopes: Sequence[Scope], rights: frozenset[Right], actor: Actor) -> tuple[Denial, ...]:
        """The denials, new or there already."""
        _check_scopes(scopes, rights)
        wanted = {rule_id(scope, rights): scope for scope in scopes}

        def attempt() -> tuple[Denial, ...]:
            access, now = self.table.read(user_id), self.clock.now()
            there = {denial.id: denial for denial in access.denials}
            fresh = {id_: Denial(id_, user_id, scope, rights, actor.user_id, now) for id_, scope in wanted.items() if id_ not in there}
            self._check_room(access, len(fresh))
            changes = [Change(user_id, "deny", None, told_denial(denial), actor, now) for denial in fresh.values()]
            self._write(user_id, [self._put(denial_item(denial)) for denial in fresh.values()], changes)
            return tuple(fresh.get(id_) or there[id_] for id_ in wanted)

        return repeatedly(attempt)

    def take_grant(self, user_id: str, grant_id: str, actor: Actor) -> None:
        """Delete one grant. Raises NotFound."""

        def attempt() -> None:
            grant = next((grant for grant in self.table.read(user_id).grants if grant.id == grant_id), None)
            if grant is None:
                raise NotFound(f"grant {grant_id}: the user has none of that id")
            change = Change(user_id, "take-grant", told_grant(grant), None, actor, self.clock.now())
            self._write(user_id, [self._delete(user_id, GRANT + grant_id)], [change], living=False)

        repeatedly(attempt)

    def lift(self, user_id: str, denial_id: str, actor: Actor) -> None:
        """Lift one denial: what is granted counts again. Raises NotFound."""

        def attempt() -> None:
            denial = next((denial for denial in self.table.read(user_id).denials if denial.id == denial_id), None)
            if denial is None:
                raise NotFound(f"denial {denial_id}: the user has none of that id")
            change = Change(user_id, "lift-denial", told_denial(denial), None, actor, self.clock.now())
            self._write(user_id, [self._delete(user_id, DENIAL + denial_id)], [change], living=False)

        repeatedly(attempt)

    def forget_device(self, device_id: str, actor: Actor) -> int:
        """How many grants and denials went with a device that is deleted: a later one of its name begins without any."""
        scope, gone = Scope.of_device(device_id), 0
        for user_id, entry in self.table.keys_of_scope(scope):
            take = self.take_grant if entry.startswith(GRANT) else self.lift
            try:
                take(user_id, entry.partition("#")[2], actor)
                gone += 1
            except NotFound:
                # The index had not heard of it yet.
                continue
        return gone

    def sign_out(self, user_id: str, session_id: str, actor: Actor) -> None:
        """No token that the user has counts any more, from the next call on."""
        now = self.clock.now()
        at = int(now.timestamp())
        item = typed_known({"user_id": user_id, "entry": SIGNED_OUT, "at": at, "session_id": session_id, "forget_at": self.forget_at(now)})
        put = {"Put": {"TableName": self.table.name, "Item": item}}
        self._write(user_id, [put], [Change(user_id, "sign-out", None, None, actor, now)], living=False)

    def forget(self, user_id: str) -> None:
        """All that the table holds of a user who is gone, but that it is."""
        access = self.table.read(user_id)
        entries = [GRANT + grant.id for grant in access.grants] + [DENIAL + denial.id for denial in access.denials]
        for entry in entries:
            self.table.dynamodb.delete_item(TableName=self.table.name, Key=typed_known({"user_id": user_id, "entry": entry}))

    def forget_at(self, now: datetime) -> int:
        return int((now + _FORGET).timestamp())

    def _check_room(self, access: Access, more: int) -> None:
        if more and len(access.grants) + len(access.denials) + more > MOST_RULES:
            raise Conflict(
                f"the user would have more than {MOST_RULES} grants and denials; grant a group or a tag instead",
                code="LimitExceededException",
            )

    def _put(self, item: dict[str, Any]) -> dict[str, Any]:
        return {"Put": {"TableName": self.table.name, "Item": item, "ConditionExpression": "attribute_not_exists(user_id)"}}

    def _delete(self, user_id: str, entry: str) -> dict[str, Any]:
        key = typed_known({"user_id": user_id, "entry": entry})
        return {"Delete": {"TableName": self.table.name, "Key": key, "ConditionExpression": "attribute_exists(user_id)"}}

    def is_living(self, user_id: str) -> dict[str, Any]:
        """Holds a transaction back that would give something to a user who is being deleted."""
        key = typed_known({"user_id": user_id, "entry": DELETED})
        return {"ConditionCheck": {"TableName": self.table.name, "Key": key, "ConditionExpression": "attribute_not_exists(user_id)"}}

    def _write(self, user_id: str, operations: list[dict[str, Any]], changes: list[Change], living: bool = True) -> None:
        if not operations:
            return
        lines = [self.audit.put(change, number) for number, change in enumerate(changes)]
        check = [self.is_living(user_id)] if living else []
        self.table.dynamodb.transact_write_items(TransactItems=[*check, *operations, *lines])


def check_grant(scopes: Sequence[Scope], rights: frozenset[Right], expires_at: datetime | None, now: datetime) -> None:
    """Raises Invalid for a grant that could never count."""
    _check_scopes(scopes, rights)
    if Right.READ not in rights:
        given = " and ".join(sorted(rights))
        raise Invalid(f"a grant of {given} without read would allow nothing: no right is used on a device that may not be read; add read")
    if expires_at and expires_at <= now:
        raise Invalid(f"a grant until {expires_at.isoformat()} would have ended already; give a later expires_at, or none")


def _check_scopes(scopes: Sequence[Scope], rights: frozenset[Right]) -> None:
    if not scopes or not rights:
        raise Invalid("name at least one device, group or tag, and one right")
    if len(scopes) > MOST_AT_ONCE:
        raise Invalid(f"{len(scopes)} at once; one call takes {MOST_AT_ONCE}, which are written together or not at all")


def repeatedly(attempt: Callable[[], T]) -> T:
    """Again with what is there now, where another's write came between. Raises Conflict in the end."""
    for _ in range(_TRIES):
        try:
            return attempt()
        except ClientError as error:
            if error.response["Error"]["Code"] != "TransactionCanceledException":
                raise
    raise Conflict("the user is being changed by others or deleted at this moment; look again", code="ConcurrentModificationException")


def told_grant(grant: Grant) -> dict[str, Any]:
    return {
        "id": grant.id,
        "scope": str(grant.scope.kind),
        "value": grant.scope.value,
        "rights": sorted(grant.rights),
        "expires_at": grant.expires_at and grant.expires_at.isoformat(),
    }


def told_denial(denial: Denial) -> dict[str, Any]:
    return {"id": denial.id, "scope": str(denial.scope.kind), "value": denial.scope.value, "rights": sorted(denial.rights)}
