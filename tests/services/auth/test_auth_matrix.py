"""The operations of part `auth` by every role for every relation to a device, as the matrix says."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.auth.audit import Actor
from services.auth.grants import Scope, ScopeKind
from services.auth.login import TokenSet
from services.identity import Right
from tests.services.api import Api, Someone, running_api
from tests.services.auth.site import ID_KID, SECOND, id_claims, rsa_key, token_of
from tests.services.matrix import RELATIONS, ROLES, Row, filled, fits, rows

ALL = frozenset(Right)
ROOT = Actor("0f8fad5b-d9cb-469f-a165-70867728950e", "root", "request-1")


class GoodLogin:
    """Cognito's part of signing in, where everything succeeds: who may ask at all is what is looked at."""

    tokens = TokenSet("access", "id", 3600, "refresh")

    def sign_up(self, *_: str) -> tuple[str, bool]:
        return str(uuid.uuid4()), False

    def sign_in(self, *_: str) -> TokenSet:
        return self.tokens

    def respond(self, *_: str, **__: str) -> TokenSet:
        return self.tokens

    def user_of(self, *_: str) -> str:
        return "anna"

    def refresh(self, *_: str) -> TokenSet:
        return self.tokens

    def associate(self, *_: str) -> tuple[str, str]:
        return "secret", "otpauth://totp/x"

    def credentials(self, *_: str) -> dict[str, Any]:
        return {"AccessKeyId": "a", "SecretKey": "b", "SessionToken": "c", "Expiration": datetime(2026, 11, 28, tzinfo=UTC)}

    def nothing(self, *_: str) -> None:
        return None

    confirm = resend = forgot = reset = enable_mfa = sign_out = nothing


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with running_api() as running:
        running.services.users.__dict__["login"] = GoodLogin()
        yield running


@dataclass
class Stage:
    """A caller of a role with a device of each relation, and another user whom it does something to."""

    api: Api
    caller: Someone | None
    role: str
    target: Someone
    devices: dict[str, str]

    def body(self, operation: str, device: str) -> dict[str, Any] | None:
        name, code, password = self.target.name, "123456", "correct Horse 7 battery"
        caller_id = self.caller.id if self.caller else ""
        id_token = token_of({"alg": "RS256", "kid": ID_KID}, id_claims(sub=caller_id, exp=SECOND + 60), rsa_key("id"))
        bodies: dict[str, dict[str, Any]] = {
            "POST /auth/sign-up": {"user_name": f"u{uuid.uuid4().hex}", "email": "a@example.com", "password": password},
            "POST /auth/confirm": {"user_name": name, "code": code},
            "POST /auth/resend": {"user_name": name},
            "POST /auth/login": {"user_name": name, "password": password},
            "POST /auth/challenge": {"session": "s", "code": code},
            "POST /auth/refresh": {"refresh_token": "r"},
            "POST /auth/password/forgot": {"user_name": name},
            "POST /auth/password/reset": {"user_name": name, "code": code, "password": password},
            "POST /auth/mfa/verify": {"code": code},
            "POST /auth/credentials": {"id_token": id_token},
            "PUT /users/{user_id}/roles": {"roles": ["viewer"]},
            "POST /users/{user_id}/permissions/devices": {"devices": [device], "rights": ["read"]},
            "POST /users/{user_id}/permissions/groups": {"groups": ["hall-3"], "rights": ["read"]},
            "POST /users/{user_id}/permissions/tags": {"tags": ["site=bremen"], "rights": ["read"]},
            "POST /users/{user_id}/denials": {"devices": [device]},
        }
        return bodies.get(operation)

    def path(self, operation: str, device: str) -> str:
        path = operation.partition(" ")[2]
        rules, target = self.api.services.users.rules, self.target.id
        values = {"user_id": target}
        if "{grant_id}" in path:
            (given,) = rules.grant(target, [Scope.of_device(device)], ALL, None, ROOT)
            values["grant_id"] = given.id
        if "{denial_id}" in path:
            (denied,) = rules.deny(target, [Scope.of_device(device)], ALL, ROOT)
            values["denial_id"] = denied.id
        if operation == "GET /users/{user_id}/permissions":
            # Everybody asks for itself.
            return f"/users/{self.caller.id if self.caller else target}/permissions?device_id={device}"
        return filled(path, values)


_numbers = iter(range(10_000))


def stage(api: Api, role: str) -> Stage:
    number = next(_numbers)
    target = api.user(f"target-{number}")
    caller = None if role == "none" else api.user(f"{role}-{number}", role)
    owner = caller.id if caller else "nobody"
    devices = {relation: f"{relation}-{number}" for relation in RELATIONS}
    if role == "device" and caller:
        devices["own"], owner = caller.name, ""
    for relation, device in devices.items():
        if relation != "missing":
            api.directory.add(device, owner=owner if relation == "own" else "somebody")
    if caller:
        _rules(api, caller, devices)
    return Stage(api, caller, role, target, devices)


def _rules(api: Api, caller: Someone, devices: dict[str, str]) -> None:
    rules = api.services.users.rules
    rules.grant(caller.id, [Scope.of_device(devices[name]) for name in ("granted", "revoked")], ALL, None, ROOT)
    rules.grant(caller.id, [Scope.of_device(devices["expired"])], ALL, api.clock.moment + timedelta(seconds=1), ROOT)
    rules.deny(caller.id, [Scope(ScopeKind.DEVICE, devices["revoked"])], ALL, ROOT)


ROWS: list[Row] = [row for row in rows() if row.operation.partition(" ")[2].startswith(("/auth", "/users"))]


# What changes its caller or the other user for those that come after.
_CHANGING = ("/roles", "/denials", "/sign-out", "/permissions/devices", "DELETE /users/{user_id}", "{grant_id}", "{denial_id}")


def is_changing(row: Row) -> bool:
    return row.operation.endswith(_CHANGING)


IN_ORDER = sorted(ROWS, key=is_changing)


@pytest.fixture(scope="module")
def stages(api: Api) -> dict[str, Stage]:
    return {role: stage(api, role) for role in ROLES}


@pytest.mark.parametrize("row", IN_ORDER, ids=lambda row: f"{row.operation} {row.role}")
def test_an_operation_answers_as_the_matrix_says(api: Api, stages: dict[str, Stage], row: Row) -> None:
    if is_changing(row):
        # moto copies its tables for each transaction.
        api.reset()
    played = stage(api, row.role) if is_changing(row) else stages[row.role]
    api.clock.advance(seconds=1)
    method = row.operation.partition(" ")[0]
    found = {}
    for relation in RELATIONS:
        device = played.devices[relation]
        body = played.body(row.operation, device)
        answer = api.call(method, played.path(row.operation, device), played.caller, **({"json": body} if body else {}))
        found[relation] = str(answer.status_code)
    wrong = {
        relation: (found[relation], expected) for relation, expected in row.expected.items() if not fits(int(found[relation]), expected)
    }
    assert wrong == {}
