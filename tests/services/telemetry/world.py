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
from services.identity import Caller, Right, Role
from services.paging import Paging
from services.telemetry.render import Form
from services.telemetry.worker import Job, Limits
from tests.lake.small_lake import NOON, SmallLake, moment
from tests.services.directory import FakeDirectory
from tests.services.people import NamesAsTokens, Table

DEVICES = ("b-1", "b-2", "b-3")


_ROLES = {"ada": Role.ADMIN, "otto": Role.OPERATOR, "vera": Role.VIEWER, "nemo": Role.VIEWER, "b-1": Role.DEVICE}


class Names(NamesAsTokens):
    """The token is the name of the user, and who has none of these names is nobody."""

    def verify(self, token: str) -> Caller:
        return super().verify(f"{_ROLES.get(token, 'nobody')}-{token}")


def readable(**devices: set[str]) -> Table:
    """By user name the devices that may be read."""
    return Table({(user, device): frozenset({Right.READ}) for user, names in devices.items() for device in names})


class World:
    """ada is admin; otto reads b-1 and b-2, vera b-1, nemo nothing. Times are minutes after noon of 2026-03-01."""

    def __init__(self, folder: Path, keep_days: int | None = None, platform: Platform | None = None) -> None:
        self.lake = SmallLake(folder)
        if keep_days is not None:
            self.lake.file.write_text(self.lake.file.read_text() + f"timeseries: {{keep_days: {keep_days}}}\n")
        self.clock = FixedClock(moment(600))
        self.permissions = readable(otto={"b-1", "b-2"}, vera={"b-1"})
        self.services = Services(platform or self.lake.platform, self.clock)
        directory = FakeDirectory()
        for device in DEVICES:
            directory.add(device, owner="id-of-otto")
        self.services.__dict__.update(tokens=Names(), permissions=self.permissions, directory=directory, paging=Paging(b"k" * 32))
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
