"""Roles of users: Cognito's groups, and in the GRANTS table what was set last, so that it counts before any token has it.

Whoever sets roles, or deletes a user, passes one counter in the same transaction: of two administrators who demote each other at once the
second looks again, and sees that it would be the last. The groups follow after the transaction; until they have, the table's word counts.
"""

import uuid
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from services.auth.access import DELETED, ROLES, SetRoles
from services.auth.audit import Actor, Change
from services.auth.rules import Rules, repeatedly
from services.identity import Role
from services.items import plain, typed_known
from services.problems import Conflict

_COUNTER = {"user_id": "#roles", "entry": "counter"}
_NAMES = frozenset(role.value for role in Role)


@dataclass(frozen=True)
class Roles:
    idp: Any
    pool: str
    rules: Rules

    def of(self, user_id: str, user_name: str) -> frozenset[str]:
        """All groups of a user, as its next call has them."""
        return self._overlaid(user_id, self._groups(user_name))

    def set(self, user_id: str, user_name: str, roles: frozenset[Role], actor: Actor) -> frozenset[str]:
        """The user's groups afterwards. The same again changes nothing. Raises Conflict for the last administrator's role."""

        def attempt() -> frozenset[str]:
            count, there = self._count(), self.of(user_id, user_name)
            wanted = (there - _NAMES) | {role.value for role in roles}
            if wanted == there:
                return wanted
            if Role.ADMIN in there and Role.ADMIN not in wanted:
                self._check_not_last(user_id, user_name)
            entry = {"user_id": user_id, "entry": ROLES, "groups": sorted(wanted), "change": str(uuid.uuid4())}
            put = {"Put": {"TableName": self.rules.table.name, "Item": typed_known(entry)}}
            change = Change(user_id, "roles", {"groups": sorted(there)}, {"groups": sorted(wanted)}, actor, self.rules.clock.now())
            self._write(count, [self.rules.is_living(user_id), put], change)
            return wanted

        groups = repeatedly(attempt)
        self._settle(user_id, user_name)
        return groups

    def mark_deleted(self, user_id: str, user_name: str, actor: Actor) -> None:
        """No token of the user counts any more. Again does nothing. Raises Conflict for the last administrator."""

        def attempt() -> None:
            count, now = self._count(), self.rules.clock.now()
            if self.rules.table.read(user_id).is_deleted:
                return
            groups = self.of(user_id, user_name)
            if Role.ADMIN in groups:
                self._check_not_last(user_id, user_name)
            entry = {"user_id": user_id, "entry": DELETED, "forget_at": self.rules.forget_at(now)}
            before = {"user_name": user_name, "groups": sorted(groups)}
            put = {
                "Put": {
                    "TableName": self.rules.table.name,
                    "Item": typed_known(entry),
                    "ConditionExpression": "attribute_not_exists(user_id)",
                }
            }
            self._write(count, [put], Change(user_id, "delete-user", before, None, actor, now))

        repeatedly(attempt)

    def _groups(self, user_name: str) -> frozenset[str]:
        pages = self.idp.get_paginator("admin_list_groups_for_user").paginate(UserPoolId=self.pool, Username=user_name)
        return frozenset(group["GroupName"] for page in pages for group in page["Groups"])

    def _overlaid(self, user_id: str, groups: frozenset[str]) -> frozenset[str]:
        roles = self.rules.table.read(user_id).roles
        return roles.groups if roles and roles.settled_at is None else groups

    def _check_not_last(self, user_id: str, user_name: str) -> None:
        pages = self.idp.get_paginator("list_users_in_group").paginate(UserPoolId=self.pool, GroupName=Role.ADMIN.value)
        for user in (user for page in pages for user in page["Users"]):
            other = next(attribute["Value"] for attribute in user["Attributes"] if attribute["Name"] == "sub")
            if other != user_id and user["Enabled"] and self._stays_admin(other):
                return
        raise Conflict(f"user {user_name} is the last administrator; make another one first")

    def _stays_admin(self, user_id: str) -> bool:
        access = self.rules.table.read(user_id)
        return not access.is_deleted and (access.roles is None or access.roles.settled_at is not None or Role.ADMIN in access.roles.groups)

    def _count(self) -> int:
        answer = self.rules.table.dynamodb.get_item(TableName=self.rules.table.name, Key=typed_known(_COUNTER), ConsistentRead=True)
        return int(plain(answer["Item"])["count"]) if "Item" in answer else 0

    def _write(self, count: int, operations: list[dict[str, Any]], change: Change) -> None:
        condition = {"ConditionExpression": "#c = :c", "ExpressionAttributeValues": typed_known({":c": count})} if count else {}
        condition = condition or {"ConditionExpression": "attribute_not_exists(#c)"}
        bump = {
            "Put": {
                "TableName": self.rules.table.name,
                "Item": typed_known({**_COUNTER, "count": count + 1}),
                "ExpressionAttributeNames": {"#c": "count"},
                **condition,
            }
        }
        self.rules.table.dynamodb.transact_write_items(TransactItems=[bump, *operations, self.rules.audit.put(change)])

    def _settle(self, user_id: str, user_name: str) -> None:
        """Give Cognito what the table says; again where that was set anew meanwhile, so that whoever ends last has given the newest."""
        given = ""
        while found := self._set_roles(user_id):
            change, roles = found
            if change == given or (not given and roles.settled_at is not None):
                return
            there = self._groups(user_name)
            for group in roles.groups - there:
                self.idp.admin_add_user_to_group(UserPoolId=self.pool, Username=user_name, GroupName=group)
            for group in there - roles.groups:
                self.idp.admin_remove_user_from_group(UserPoolId=self.pool, Username=user_name, GroupName=group)
            self._note_settled(user_id, change)
            given = change

    def _set_roles(self, user_id: str) -> tuple[str, SetRoles] | None:
        key = typed_known({"user_id": user_id, "entry": ROLES})
        answer = self.rules.table.dynamodb.get_item(TableName=self.rules.table.name, Key=key, ConsistentRead=True)
        if "Item" not in answer:
            return None
        item = plain(answer["Item"])
        settled_at = item.get("settled_at")
        return item["change"], SetRoles(frozenset(item["groups"]), None if settled_at is None else int(settled_at))

    def _note_settled(self, user_id: str, change: str) -> None:
        try:
            self.rules.table.dynamodb.update_item(
                TableName=self.rules.table.name,
                Key=typed_known({"user_id": user_id, "entry": ROLES}),
                UpdateExpression="SET settled_at = :s",
                ConditionExpression="change = :c",
                ExpressionAttributeValues=typed_known({":s": int(self.rules.clock.now().timestamp()), ":c": change}),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
