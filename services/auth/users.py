"""The users of the pool: who they are, their roles, and their end.

A user is named by Cognito's `sub` alone: a name could be somebody else's alias, and a name that was given up may be taken by another.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from fleet.user_pool import pool_ids
from runtime.clock import Clock
from runtime.platforms import Platform
from services.auth.cognito import told
from services.auth.login import Login, normal_login
from services.auth.roles import Roles
from services.auth.rules import Rules
from services.problems import Invalid, NotFound

MOST_LISTED = 60
# Cognito's ListUsers takes more attributes; with these it means the same on AWS and on a laptop.
FILTER = re.compile(r'\s*"?(username|email|sub|status)"?\s*(=|\^=)\s*"([^"\\\x00-\x1f]{0,256})"\s*')


@dataclass(frozen=True)
class User:
    user_id: str
    user_name: str
    email: str | None
    is_email_verified: bool
    status: str
    is_enabled: bool
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True)
class Users:
    platform: Platform
    clock: Clock

    @classmethod
    def of(cls, platform: Platform, clock: Clock) -> "Users":
        return cls(platform, clock)

    @cached_property
    def login(self) -> Login:
        return Login(self.platform, self.clock)

    @cached_property
    def rules(self) -> Rules:
        return Rules.of(self.platform, self.clock)

    @cached_property
    def roles(self) -> Roles:
        return Roles(self._idp, self._pool, self.rules)

    @cached_property
    def _pool(self) -> str:
        return pool_ids(self.platform).user_pool

    @property
    def _idp(self) -> Any:
        return self.platform.client("cognito-idp")

    def page(self, query: str, limit: int, after: str | None) -> tuple[list[User], str | None]:
        """`query` as Cognito's Filter: ``attribute = "value"`` or ``attribute ^= "beginning"``. Raises Invalid for another."""
        more = {"Filter": normal_filter(query)} if query else {}
        if after:
            more["PaginationToken"] = after
        with told():
            answer = self._idp.list_users(UserPoolId=self._pool, Limit=min(limit, MOST_LISTED), **more)
        return [_user(found) for found in answer["Users"]], answer.get("PaginationToken")

    def get(self, user_id: str) -> User:
        """Raises NotFound (UserNotFoundException)."""
        # ListUsers: AdminGetUser would take a user name or an alias that looks like this id.
        found = self._idp.list_users(UserPoolId=self._pool, Filter=f'sub = "{user_id}"', Limit=1)["Users"]
        if not found:
            raise NotFound(f"user {user_id}: there is none", code="UserNotFoundException")
        return _user(found[0])

    def by_name(self, user_name: str) -> User:
        """By its name, or by its e-mail address where that is verified. Raises NotFound."""
        with told():
            found = self._idp.admin_get_user(UserPoolId=self._pool, Username=normal_login(user_name))
        return _user({**found, "Attributes": found["UserAttributes"]})

    def confirm(self, user: User) -> None:
        """As an administrator who vouches for the user and its e-mail address; where there is no e-mail, as on a laptop, the only way."""
        if user.status == "UNCONFIRMED":
            with told():
                self._idp.admin_confirm_sign_up(UserPoolId=self._pool, Username=user.user_name)
        if user.email and not user.is_email_verified:
            verified = [{"Name": "email_verified", "Value": "true"}]
            self._idp.admin_update_user_attributes(UserPoolId=self._pool, Username=user.user_name, UserAttributes=verified)

    def end_sessions(self, user: User) -> None:
        """What Cognito keeps of them: refresh tokens."""
        self._idp.admin_user_global_sign_out(UserPoolId=self._pool, Username=user.user_name)

    def delete(self, user: User) -> None:
        """Out of Cognito; its mark and its audit trail were written before (`Roles.mark_deleted`)."""
        self.rules.forget(user.user_id)
        with told():
            self._idp.admin_delete_user(UserPoolId=self._pool, Username=user.user_name)


def normal_filter(query: str) -> str:
    if not (match := FILTER.fullmatch(query)):
        raise Invalid(
            'filter: it must be an attribute (username, email, sub or status), = or ^= (begins with) and a value in quotes, such as email ^= "anna"',
            code="InvalidParameterException",
        )
    return f'{match[1]} {match[2]} "{match[3]}"'


def _user(found: dict[str, Any]) -> User:
    attributes = {attribute["Name"]: attribute["Value"] for attribute in found.get("Attributes", [])}
    return User(
        user_id=attributes["sub"],
        user_name=found["Username"],
        email=attributes.get("email"),
        is_email_verified=attributes.get("email_verified") == "true",
        status=found["UserStatus"],
        is_enabled=found["Enabled"],
        created_at=found["UserCreateDate"],
        changed_at=found["UserLastModifiedDate"],
    )
