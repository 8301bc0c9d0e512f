"""The APIs over moto's AWS, with users whose tokens are their names and rights that a test gives by hand."""

import dataclasses
import functools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import boto3
from fastapi import FastAPI
from fastapi.testclient import TestClient
from moto import mock_aws

from runtime.clock import FixedClock
from runtime.settings import Settings
from runtime.timeseries import Point
from services.application import create
from services.composition import Services
from services.devices.registry import Registry
from services.identity import Caller, Decision, DeviceFacts, Directory, Permissions, Right, Role, Tokens, Visible
from services.paging import Paging
from services.rates import Rates
from tests.services.people import NOW, NamesAsTokens
from tests.services.tables import create_tables

REGION = "us-east-1"
_MOTO = threading.RLock()


class MotoPlatform:
    """What the registry asks of a platform; `broken` names the calls of AWS that fail."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.points: dict[tuple[str, str], Point] = {}
        self.broken: set[str] = set()
        self.calls: list[str] = []

    def client(self, service: str) -> Any:
        return Watched(_client(service), self)

    def time_series(self) -> "Latest":
        return Latest(self.points)


@functools.cache
def _client(service: str) -> Any:
    """One for all tests: to make it takes longer than most of them."""
    client = boto3.client(service, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test")
    plain = client._make_api_call

    def one_by_one(*arguments: Any) -> Any:
        # Moto's state is not for threads: calls come in any order, but never two at once.
        with _MOTO:
            return plain(*arguments)

    client._make_api_call = one_by_one
    return client


@dataclass
class Watched:
    """A client whose calls are noted, and cut off where a test says so."""

    client: Any
    platform: MotoPlatform

    def __getattr__(self, name: str) -> Any:
        operation = self.client.meta.method_to_api_mapping.get(name, name)
        if operation in self.platform.broken:
            return functools.partial(_cut, operation, self.platform)
        self.platform.calls.append(operation)
        return getattr(self.client, name)


def _cut(operation: str, platform: MotoPlatform, **_: Any) -> None:
    platform.calls.append(operation)
    raise ConnectionError(f"{operation} was cut off")


@dataclass
class Latest:
    """The newest points, by series and device."""

    points: dict[tuple[str, str], Point]

    def latest(self, series: str, device_ids: list[str]) -> dict[str, Point]:
        return {device_id: self.points[series, device_id] for device_id in device_ids if (series, device_id) in self.points}


@dataclass
class RightsByHand:
    """Administrators may everything, owners what is theirs, a device is itself, others what a test grants."""

    registry: Registry
    granted: set[tuple[str, str, Right]] = field(default_factory=set)

    def decide(self, caller: Caller, right: Right, device: DeviceFacts) -> Decision:
        own = (caller.role is Role.OPERATOR and device.owner == caller.user_id) or (
            caller.role is Role.DEVICE and caller.user_name == device.device_id
        )
        allowed = caller.role is Role.ADMIN or own or (caller.user_name, device.device_id, right) in self.granted
        return Decision(allowed, "by hand")

    def visible(self, caller: Caller) -> Visible:
        if caller.role is Role.ADMIN:
            return Visible(everything=True)
        granted = {device_id for name, device_id, right in self.granted if name == caller.user_name and right is Right.READ}
        return Visible(device_ids=self.registry.owned_by(caller.user_id) | granted)


class ServicesByHand(Services):
    """Services keeps each in a cached property, for which mypy takes no plain one, and uses them alike."""

    def __init__(self, platform: Any, clock: FixedClock) -> None:
        super().__init__(platform, clock)
        self.registry = Registry.of(platform, clock)
        self.rights = RightsByHand(self.registry)

    @property
    def tokens(self) -> Tokens:  # type: ignore[override]
        return NamesAsTokens()

    @property
    def permissions(self) -> Permissions:  # type: ignore[override]
        return self.rights

    @property
    def devices(self) -> Registry:  # type: ignore[override]
        return self.registry

    @property
    def directory(self) -> Directory:  # type: ignore[override]
        return self.registry

    @property
    def paging(self) -> Paging:  # type: ignore[override]
        return Paging(b"a key of the test")

    @property
    def rates(self) -> Rates:  # type: ignore[override]
        return Rates(0, 0)


@functools.cache
def _app() -> FastAPI:
    return create(cast(Services, ServicesOfNobody()), ["devices"])


class ServicesOfNobody:
    """Until a test puts its own in their place."""

    settings = Settings()


class Api:
    """The devices' operations as users call them."""

    def __init__(self, services: ServicesByHand, platform: Any, clock: FixedClock) -> None:
        self.services, self.platform, self.clock = services, platform, clock
        app = _app()
        app.state.services = services
        self._client = TestClient(app, raise_server_exceptions=False)

    def call(self, method: str, path: str, user: str = "operator-olga", headers: dict[str, str] | None = None, **more: Any) -> Any:
        authorization = {"Authorization": f"Bearer {user}"} if user else {}
        return self._client.request(method, f"/api/v1/devices{path}", headers=authorization | (headers or {}), **more)

    def make(self, device_id: str, user: str = "operator-olga", key: str = "", **body: Any) -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        return self.call("POST", "", user, headers, json={"device_id": device_id, **body})

    def get(self, device_id: str, user: str = "operator-olga") -> Any:
        return self.call("GET", f"/{device_id}", user)

    def put(self, device_id: str, version: str, user: str = "operator-olga", **body: Any) -> Any:
        return self.call("PUT", f"/{device_id}", user, {"If-Match": version}, json=body)

    def delete(self, device_id: str, version: str = "*", user: str = "operator-olga") -> Any:
        return self.call("DELETE", f"/{device_id}", user, {"If-Match": version})

    def grant(self, user_name: str, device_id: str, right: Right = Right.READ) -> None:
        self.services.rights.granted.add((user_name, device_id, right))

    def iot(self) -> Any:
        return _client("iot")


@contextmanager
def running_api() -> Iterator[Api]:
    with mock_aws():
        settings = dataclasses.replace(Settings(), region=REGION)
        platform, clock = MotoPlatform(settings), FixedClock(NOW)
        create_tables(platform.client("dynamodb"), settings)
        document = {"Version": "2012-10-17", "Statement": []}
        platform.client("iot").create_policy(policyName=settings.device_policy, policyDocument=json.dumps(document))
        yield Api(ServicesByHand(platform, clock), platform, clock)
