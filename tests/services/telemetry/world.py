"""The telemetry router with fakes of who may what, over a small lake and an embedded time-series store."""

import dataclasses
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from runtime.clock import FixedClock
from runtime.platforms import Platform
from runtime.timeseries import Point, Value
from services.application import create
from services.composition import Services
from services.identity import Caller, Decision, DeviceFacts, Right, Role, Visible
from services.paging import Paging
from services.problems import Unauthenticated
from services.telemetry.render import Form
from services.telemetry.worker import Job, Limits
from tests.lake.small_lake import NOON, SmallLake, moment

DEVICES = ("b-1", "b-2", "b-3")


class FakeTokens:
    """The token is the name of the user, and who has none of these names is nobody."""

    def verify(self, token: str) -> Caller:
        role = {"ada": Role.ADMIN, "otto": Role.OPERATOR, "vera": Role.VIEWER, "nemo": Role.VIEWER, "b-1": Role.DEVICE}.get(token)
        if role is None:
            raise Unauthenticated("who is that")
        return Caller(f"id-of-{token}", token, role, "t", NOON)


@dataclasses.dataclass
class FakePermissions:
    """By user name the devices that may be read."""

    readable: dict[str, set[str]]

    def decide(self, caller: Caller, right: Right, device: DeviceFacts) -> Decision:
        is_allowed = caller.role is Role.ADMIN or device.device_id in self.readable.get(caller.user_name, ())
        return Decision(is_allowed, f"{right} is as the test says")

    def visible(self, caller: Caller) -> Visible:
        if caller.role is Role.ADMIN:
            return Visible(everything=True)
        return Visible(device_ids=frozenset(self.readable.get(caller.user_name, ())))


class FakeDirectory:
    def facts(self, device_id: str) -> DeviceFacts | None:
        return DeviceFacts(device_id, owner="id-of-otto") if device_id in DEVICES else None

    def owned_by(self, user_id: str) -> frozenset[str]:
        return frozenset(DEVICES) if user_id == "id-of-otto" else frozenset()

    def in_group(self, group: str) -> frozenset[str]:
        return frozenset()

    def with_tag(self, tag: str) -> frozenset[str]:
        return frozenset()


class World:
    """ada is admin; otto reads b-1 and b-2, vera b-1, nemo nothing. Times are minutes after noon of 2026-03-01."""

    def __init__(self, folder: Path, keep_days: int | None = None, platform: Platform | None = None) -> None:
        self.lake = SmallLake(folder)
        if keep_days is not None:
            self.lake.file.write_text(self.lake.file.read_text() + f"timeseries: {{keep_days: {keep_days}}}\n")
        self.clock = FixedClock(moment(600))
        self.permissions = FakePermissions({"otto": {"b-1", "b-2"}, "vera": {"b-1"}})
        self.services = Services(platform or self.lake.platform, self.clock)
        self.services.__dict__.update(
            tokens=FakeTokens(), permissions=self.permissions, directory=FakeDirectory(), paging=Paging(b"k" * 32)
        )
        self.client = TestClient(create(self.services, ["telemetry"]), raise_server_exceptions=False)

    def get(self, user: str = "vera", device: str = "b-1", **query: Any) -> Any:
        query = {"from" if name == "from_" else name: value for name, value in query.items()}
        headers = {"Authorization": f"Bearer {user}"}
        return self.client.get(f"/api/v1/devices/{device}/telemetry", params=query, headers=headers)

    def ask(self, sql: str, user: str = "vera", accept: str | None = None, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {user}"} | ({"Accept": accept} if accept else {})
        return self.client.post("/api/v1/lake/query", json={"sql": sql, **more}, headers=headers)

    def job(self, sql: str, **changes: Any) -> Job:
        """A question of otto's, as a process of its own is given it."""
        job = Job(
            settings=self.lake.platform.settings,
            sql=sql,
            parameters=(),
            as_of=None,
            limit=1_000,
            form=Form.JSON,
            is_admin=False,
            devices=frozenset({"b-1", "b-2"}),
            now=self.clock.now(),
            limits=Limits(),
        )
        return dataclasses.replace(job, **changes)

    def store(self, minutes: Collection[float], device: str = "b-1", **values: Value) -> None:
        """Write readings to the time-series store: the water is 50 and the minute."""
        points = [Point("boiler", device, at(minute), {"water": 50.0 + minute, **values}) for minute in minutes]
        assert self.lake.platform.time_series().write(points) == []

    def publish(self, seqs: Collection[int], device: str = "b-1", run: str = "r.1", **values: Any) -> None:
        """Publish readings to the lake, measured `seq` minutes after noon."""
        self.lake.publish([self.lake.reading(device, seq, **values) for seq in seqs], run, 500)


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


def iso(minute: float) -> str:
    return at(minute).isoformat(timespec="milliseconds").replace("+00:00", "Z")
