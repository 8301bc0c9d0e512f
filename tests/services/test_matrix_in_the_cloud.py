"""The operations on devices, shadows and telemetry by every role for every relation to a device, as the matrix says, over the laptop's cloud."""

import dataclasses
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from local import api_tables
from runtime.clock import FixedClock, SystemClock
from services.application import create
from services.auth.access import AccessTable
from services.auth.audit import Actor, AuditTable
from services.auth.grants import Scope
from services.auth.jwks import Jwks
from services.auth.rules import Rules
from services.auth.tokens import PoolTokens
from services.composition import Services
from services.identity import Right
from services.shadow.feed import Feed
from tests.cloud import running_cloud
from tests.services.auth.site import CLIENT, HEADER, ISSUER, Site, claims, token_of
from tests.services.matrix import RELATIONS, ROLES, Row, filled, fits, rows
from tests.waiting import eventually

pytestmark = pytest.mark.cloud
ALL = frozenset(Right)
# Looked at over a lake, in tests/services/telemetry.
_ELSEWHERE = "POST /api/v1/lake/query"
ROWS = [
    row for row in rows() if not row.operation.partition(" ")[2].startswith(("/auth", "/users", "/health")) and row.operation != _ELSEWHERE
]
# What takes the device away is the last that is done to it.
IN_ORDER: list[Row] = sorted(ROWS, key=lambda row: row.operation == "DELETE /api/v1/devices/{device_id}")


@dataclass
class Api:
    services: Services
    client: TestClient
    rules: Rules

    def call(self, method: str, path: str, token: str, **options: Any) -> Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer: Response = self.client.request(method, path, headers=headers | options.pop("headers", {}), **options)
        return answer

    def must(self, method: str, path: str, token: str, **options: Any) -> Any:
        answer = self.call(method, path, token, **options)
        assert answer.status_code < 300, answer.text
        return answer.json()


def token(user_id: str, name: str, role: str) -> str:
    second = int(datetime.now(UTC).timestamp())
    given = {"sub": user_id, "username": name, "cognito:groups": [role], "jti": str(uuid.uuid4()), "iat": second - 1, "exp": second + 3000}
    return token_of(HEADER, claims(**given))


ADMIN, SOMEBODY = str(uuid.uuid4()), str(uuid.uuid4())
ROOT = Actor(ADMIN, "root", "request-1")


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with running_cloud(tmp_path_factory.mktemp("matrix"), api_user_rate=0, api_device_rate=0, api_sign_in_tries=0) as cloud:
        api_tables.create(cloud.platform)
        services, clock = Services(cloud.platform), SystemClock()
        table = AccessTable.of(cloud.platform)
        services.__dict__["tokens"] = PoolTokens(ISSUER, CLIENT, Jwks(Site().fetch, clock), table.read, lambda _: False, clock)
        client = TestClient(create(services, ["devices", "shadow", "telemetry"]), raise_server_exceptions=False)
        yield Api(services, client, Rules(table, AuditTable.of(cloud.platform), clock))


@dataclass
class Stage:
    """A caller of a role, and a device of each relation to it."""

    role: str
    user_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    devices: dict[str, str] = field(default_factory=dict)
    token: str = ""


@pytest.fixture(scope="module")
def stages(api: Api) -> dict[str, Stage]:
    made = {role: _stage(api, role) for role in ROLES}
    feed = Feed(api.services.platform)
    # The history that is restored from.
    eventually(lambda: not feed.take_once(wait_seconds=0) and _is_known(api, made["none"].devices["foreign"]), 20, "the shadows' history")
    return made


def _is_known(api: Api, device: str) -> bool:
    versions = api.must("GET", f"/devices/{device}/shadows/history", token(ADMIN, "root", "admin"))["versions"]
    return any(version["document"] for version in versions if version["version"] == 1)


def _stage(api: Api, role: str) -> Stage:
    made = Stage(role)
    made.devices = {relation: f"{role}-{relation}" for relation in RELATIONS}
    name = made.devices["own"] if role == "device" else role
    made.token = "" if role == "none" else token(made.user_id, name, role)
    # Who owns a device has been an operator when making it.
    owner, other = token(made.user_id, name, "operator"), token(SOMEBODY, "somebody", "operator")
    for relation, device in made.devices.items():
        if relation != "missing":
            maker = owner if relation == "own" and role != "device" else other
            api.must("POST", "/api/v1/devices", maker, json={"device_id": device})
            for rpm in (1, 2):
                for name_ in ("", "/fan"):
                    api.must(
                        "PUT", f"/devices/{device}/shadow{name_}", token(ADMIN, "root", "admin"), json={"state": {"desired": {"rpm": rpm}}}
                    )
    _give(api, made)
    return made


def _give(api: Api, made: Stage) -> None:
    api.rules.grant(made.user_id, [Scope.of_device(made.devices[name]) for name in ("granted", "revoked")], ALL, None, ROOT)
    api.rules.deny(made.user_id, [Scope.of_device(made.devices["revoked"])], ALL, ROOT)
    now = datetime.now(UTC)
    earlier = dataclasses.replace(api.rules, clock=FixedClock(now - timedelta(hours=2)))
    earlier.grant(made.user_id, [Scope.of_device(made.devices["expired"])], ALL, now - timedelta(hours=1), ROOT)


def _request(api: Api, operation: str, device: str, is_there: bool) -> tuple[str, dict[str, Any]]:
    """Path and options of a call that is right but for who makes it."""
    admin, values = token(ADMIN, "root", "admin"), {"device_id": device, "name": "fan", "certificate_id": "0" * 64}
    options: dict[str, Any] = {}
    match operation:
        case "POST /api/v1/devices":
            options = {"json": {"device_id": device if is_there else f"new-{uuid.uuid4().hex}"}}
        case "PUT /api/v1/devices/{device_id}":
            options = {"json": {"attributes": {"hall": uuid.uuid4().hex}}, "headers": {"If-Match": "*"}}
        case "DELETE /api/v1/devices/{device_id}":
            options = {"headers": {"If-Match": "*"}}
        case "POST /api/v1/devices/{device_id}/certificates":
            options = {"json": {}}
        case "DELETE /api/v1/devices/{device_id}/certificates/{certificate_id}" if is_there:
            values["certificate_id"] = api.must("POST", f"/api/v1/devices/{device}/certificates", admin, json={})["certificate_id"]
        case "POST /api/v1/devices/import":
            options = {"json": {"devices": [{"device_id": device if is_there else f"new-{uuid.uuid4().hex}"}]}}
        case "PUT /devices/{device_id}/shadow" | "PUT /devices/{device_id}/shadow/{name}":
            options = {"json": {"state": {"reported": {"rpm": 3}}}}
        case "DELETE /devices/{device_id}/shadow" | "DELETE /devices/{device_id}/shadow/{name}" | "GET /devices/{device_id}/shadow" if (
            is_there
        ):
            path = filled(operation.partition(" ")[2], values)
            api.must("PUT", path, admin, json={"state": {"desired": {"rpm": 4}}})
        case "POST /devices/{device_id}/shadows/restore":
            options = {"json": {"version": 1}}
        case "GET /devices/{device_id}/shadows/delta":
            options = {"params": {"wait_seconds": 0}}
        case "POST /batch":
            options = {"json": {"items": [{"device_id": device, "action": "get"}]}}
    return filled(operation.partition(" ")[2], values), options


@pytest.mark.parametrize("row", IN_ORDER, ids=lambda row: f"{row.operation} {row.role}")
def test_an_operation_answers_as_the_matrix_says(api: Api, stages: dict[str, Stage], row: Row) -> None:
    played, wrong = stages[row.role], {}
    for relation, expected in row.expected.items():
        path, options = _request(api, row.operation, played.devices[relation], relation != "missing")
        answer = api.call(row.operation.partition(" ")[0], path, played.token, **options)
        if not fits(answer.status_code, expected):
            wrong[relation] = (answer.status_code, expected, answer.text[:200])
    assert wrong == {}
