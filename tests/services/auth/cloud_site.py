"""The API of part `auth` over the laptop's cloud, with an administrator."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3
from fastapi.testclient import TestClient
from httpx import Response

from fleet.user_pool import PoolIds, pool_ids
from local import api_tables, user_pool
from services.application import create
from services.composition import Services
from tests.cloud import Cloud, running_cloud
from tests.services.directory import FakeDirectory

PASSWORD = "correct Horse 7 battery"


def mailed(cloud: Cloud, email: str) -> str:
    """The last code that was sent there: the laptop's cloud keeps what it would send."""
    endpoint = cloud.platform.client("sts").meta.endpoint_url
    mails = urllib3.request("GET", f"{endpoint}/_ministack/ses/messages").json()["messages"]
    texts = [mail["BodyText"] for account in mails.values() for mail in account if mail["To"] == [email]]
    return str(re.findall(r"\d{6}", texts[-1])[-1])


@dataclass
class Site:
    cloud: Cloud
    api: TestClient
    ids: PoolIds
    directory: FakeDirectory
    admin: str
    services: Services

    def post(self, path: str, token: str = "", **body: Any) -> Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # A body that is empty is none.
        answer: Response = self.api.post(path, headers=headers, json=body or None)
        return answer

    def get(self, path: str, token: str) -> Response:
        answer: Response = self.api.get(path, headers={"Authorization": f"Bearer {token}"})
        return answer

    def code_for(self, email: str) -> str:
        """The last code that was sent by e-mail."""
        return mailed(self.cloud, email)

    def tokens(self, name: str, password: str = PASSWORD) -> dict[str, Any]:
        answer = self.post("/auth/login", user_name=name, password=password)
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()["tokens"]
        return tokens

    def user(self, name: str) -> tuple[str, str]:
        """Of a new user its id and its access token."""
        made = self.post("/auth/sign-up", user_name=name, email=f"{name}@example.com", password=PASSWORD)
        assert made.status_code == 201, made.text
        assert self.post("/auth/confirm", user_name=name, code=self.code_for(f"{name}@example.com")).status_code == 204
        return made.json()["user_id"], self.tokens(name)["access_token"]


@contextmanager
def running_site(home: Path) -> Iterator[Site]:
    with running_cloud(home) as cloud:
        user_pool.create(cloud.platform)
        api_tables.create(cloud.platform)
        services, directory = Services(cloud.platform), FakeDirectory()
        services.__dict__["directory"] = directory
        user_pool.make_administrator(cloud.platform, "root", "root@example.com", PASSWORD)
        api = TestClient(create(services, ["auth"]), raise_server_exceptions=False)
        made = Site(cloud, api, pool_ids(cloud.platform), directory, "", services)
        made.admin = made.tokens("root")["access_token"]
        yield made
