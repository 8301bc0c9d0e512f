"""What the GRANTS table holds of a user, read whole and consistently with each call: grants, denials, roles that were set, sign-outs.

Nothing of it is cached, so that a revoke, a role or a sign-out counts with the next call on every process. The price is one consistent
query of DynamoDB a call; token and permissions share its answer.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fleet import tables
from runtime.platforms import Platform
from services.auth.grants import Denial, Grant, Scope, ScopeKind
from services.identity import Caller, Right
from services.items import plain, typed_known

GRANT, DENIAL = "grant#", "denial#"
ROLES, SIGNED_OUT, DELETED = "roles", "signed-out", "deleted"


@dataclass(frozen=True)
class SetRoles:
    """Roles that were given here. They count for tokens from before `settled_at`, and for all where Cognito does not have them yet."""

    groups: frozenset[str]
    settled_at: int | None


@dataclass(frozen=True)
class SignedOut:
    """Tokens issued before `at` (epoch seconds) are over, and those of the session."""

    at: int
    session_id: str


@dataclass(frozen=True)
class Access:
    grants: tuple[Grant, ...] = ()
    denials: tuple[Denial, ...] = ()
    roles: SetRoles | None = None
    signed_out: SignedOut | None = None
    is_deleted: bool = False


@dataclass(frozen=True)
class KnownCaller(Caller):
    """A caller with what the table said of it when its token was verified, in this very call."""

    access: Access = Access()
    session_id: str = ""


@dataclass(frozen=True)
class AccessTable:
    dynamodb: Any
    name: str

    @classmethod
    def of(cls, platform: Platform) -> "AccessTable":
        return cls(platform.client("dynamodb"), tables.GRANTS.full_name(platform.settings))

    def read(self, user_id: str) -> Access:
        return access_of(self._items(user_id))

    def _items(self, user_id: str) -> list[dict[str, Any]]:
        pages = self.dynamodb.get_paginator("query").paginate(
            TableName=self.name,
            ConsistentRead=True,
            KeyConditionExpression="user_id = :u",
            ExpressionAttributeValues={":u": {"S": user_id}},
        )
        return [plain(item) for page in pages for item in page["Items"]]

    def keys_of_scope(self, scope: Scope) -> list[tuple[str, str]]:
        """User and entry of each grant and denial for `scope`. The index is a moment behind the table."""
        pages = self.dynamodb.get_paginator("query").paginate(
            TableName=self.name,
            IndexName="by_scope",
            # SCOPE is a word of DynamoDB's.
            KeyConditionExpression="#s = :s",
            ExpressionAttributeNames={"#s": "scope"},
            ExpressionAttributeValues={":s": {"S": scope_text(scope)}},
        )
        return [(item["user_id"]["S"], item["entry"]["S"]) for page in pages for item in page["Items"]]


def access_of(items: Iterable[Mapping[str, Any]]) -> Access:
    grants, denials, marks = [], [], {}
    for item in items:
        entry = str(item["entry"])
        if entry.startswith(GRANT):
            grants.append(_grant(item))
        elif entry.startswith(DENIAL):
            denials.append(_denial(item))
        else:
            marks[entry] = item
    return Access(
        tuple(sorted(grants, key=lambda grant: (grant.granted_at, grant.id))),
        tuple(sorted(denials, key=lambda denial: (denial.denied_at, denial.id))),
        _roles(marks.get(ROLES)),
        _signed_out(marks.get(SIGNED_OUT)),
        DELETED in marks,
    )


def grant_item(grant: Grant) -> dict[str, Any]:
    return typed_known(
        {
            "user_id": grant.user_id,
            "entry": GRANT + grant.id,
            "scope": scope_text(grant.scope),
            "rights": sorted(grant.rights),
            "expires_at": grant.expires_at and grant.expires_at.isoformat(),
            "granted_by": grant.granted_by,
            "granted_at": grant.granted_at.isoformat(),
        }
    )


def denial_item(denial: Denial) -> dict[str, Any]:
    return typed_known(
        {
            "user_id": denial.user_id,
            "entry": DENIAL + denial.id,
            "scope": scope_text(denial.scope),
            "rights": sorted(denial.rights),
            "denied_by": denial.denied_by,
            "denied_at": denial.denied_at.isoformat(),
        }
    )


def scope_text(scope: Scope) -> str:
    return f"{scope.kind}#{scope.value}"


def rule_id(scope: Scope, rights: Iterable[Right], expires_at: datetime | None = None) -> str:
    """From what a rule says: the same rule again is the same entry, however many calls bring it at once."""
    content = json.dumps([scope_text(scope), sorted(rights), expires_at and expires_at.astimezone(UTC).isoformat()])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _scope(item: Mapping[str, Any]) -> Scope:
    kind, _, value = str(item["scope"]).partition("#")
    return Scope(ScopeKind(kind), value)


def _rights(item: Mapping[str, Any]) -> frozenset[Right]:
    return frozenset(Right(right) for right in item["rights"])


def _grant(item: Mapping[str, Any]) -> Grant:
    expires_at = item.get("expires_at")
    return Grant(
        id=str(item["entry"]).removeprefix(GRANT),
        user_id=str(item["user_id"]),
        scope=_scope(item),
        rights=_rights(item),
        expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
        granted_by=str(item["granted_by"]),
        granted_at=datetime.fromisoformat(item["granted_at"]),
    )


def _denial(item: Mapping[str, Any]) -> Denial:
    return Denial(
        id=str(item["entry"]).removeprefix(DENIAL),
        user_id=str(item["user_id"]),
        scope=_scope(item),
        rights=_rights(item),
        denied_by=str(item["denied_by"]),
        denied_at=datetime.fromisoformat(item["denied_at"]),
    )


def _roles(item: Mapping[str, Any] | None) -> SetRoles | None:
    if item is None:
        return None
    settled_at = item.get("settled_at")
    return SetRoles(frozenset(item["groups"]), None if settled_at is None else int(settled_at))


def _signed_out(item: Mapping[str, Any] | None) -> SignedOut | None:
    return None if item is None else SignedOut(int(item["at"]), str(item["session_id"]))
