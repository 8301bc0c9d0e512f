"""The APIs over moto's DynamoDB and Cognito, with users of each role and a registry in memory; tokens are signed by the tests' own pool."""

import os
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from fastapi.testclient import TestClient
from httpx import Response
from moto import mock_aws

from fleet.tables import AUDIT, GRANTS
from fleet.user_pool import APP_CLIENT, GROUPS, USER_POOL
from runtime.aws import AwsPlatform
from runtime.clock import FixedClock
from runtime.settings import Settings
from services.application import create
from services.auth.access import AccessTable
from services.auth.jwks import Jwks
from services.auth.tokens import PoolTokens
from services.composition import Services
from tests.services.auth.site import CLIENT, HEADER, ISSUER, NOW, Site, claims, token_of
from tests.services.directory import FakeDirectory
from tests.services.tables import create_tables

_KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}


@dataclass(frozen=True)
class Someone:
    """A user and the access token that it calls with."""

    id: str
    name: str
    token: str


@dataclass
class Api:
    services: Services
    client: TestClient
    clock: FixedClock
    directory: FakeDirectory
    pool: str

    def reset(self) -> None:
        """As at its beginning: no users, no devices, no rules, the clock at NOW."""
        idp, dynamodb = self.services.platform.client("cognito-idp"), self.services.platform.client("dynamodb")
        for user in idp.list_users(UserPoolId=self.pool)["Users"]:
            idp.admin_delete_user(UserPoolId=self.pool, Username=user["Username"])
        for table in (GRANTS, AUDIT):
            name = table.full_name(self.services.settings)
            for item in dynamodb.scan(TableName=name)["Items"]:
                dynamodb.delete_item(TableName=name, Key={key: item[key] for key in (table.partition_key, table.sort_key)})
        self.directory.devices.clear()
        self.clock.moment = NOW

    def user(self, name: str, *groups: str) -> Someone:
        idp = self.services.platform.client("cognito-idp")
        email = [{"Name": "email", "Value": f"{name}@example.com"}]
        made = idp.admin_create_user(UserPoolId=self.pool, Username=name, MessageAction="SUPPRESS", UserAttributes=email)
        for group in groups:
            idp.admin_add_user_to_group(UserPoolId=self.pool, Username=name, GroupName=group)
        user_id = next(attribute["Value"] for attribute in made["User"]["Attributes"] if attribute["Name"] == "sub")
        return Someone(user_id, name, self.token(user_id, name, groups))

    def token(self, user_id: str, name: str, groups: Collection[str], **changes: Any) -> str:
        second = int(self.clock.moment.timestamp())
        given = {"sub": user_id, "username": name, "cognito:groups": list(groups), "jti": str(uuid.uuid4())}
        # A day, so that clocks may be moved; the tokens' own tests look at their ends.
        return token_of(HEADER, claims(**(given | {"iat": second - 60, "exp": second + 80_000} | changes)))

    def call(self, method: str, path: str, who: Someone | None = None, **options: Any) -> Response:
        headers = {"Authorization": f"Bearer {who.token}"} if who else {}
        answer: Response = self.client.request(method, path, headers=headers | options.pop("headers", {}), **options)
        return answer


@contextmanager
def running_api(parts: Collection[str] = ("auth",)) -> Iterator[Api]:
    with mock.patch.dict(os.environ, _KEYS), mock_aws():
        platform = AwsPlatform(Settings(platform="aws"))
        ids = _pool(platform)
        platform = AwsPlatform(Settings(platform="aws", api_user_rate=0, api_device_rate=0, **ids))
        create_tables(platform.client("dynamodb"), platform.settings)
        clock, directory = FixedClock(NOW), FakeDirectory()
        services = Services(platform, clock)
        # What would ask the network, or is another part's.
        keys = Jwks(Site().fetch, clock)
        tokens = PoolTokens(ISSUER, CLIENT, keys, AccessTable.of(platform).read, lambda _: False, clock)
        services.__dict__ |= {"tokens": tokens, "directory": directory}
        client = TestClient(create(services, parts), raise_server_exceptions=False)
        yield Api(services, client, clock, directory, ids["user_pool"])


def _pool(platform: AwsPlatform) -> dict[str, Any]:
    idp = platform.client("cognito-idp")
    pool = idp.create_user_pool(PoolName="fleetlake-users", **USER_POOL)["UserPool"]["Id"]
    client = idp.create_user_pool_client(UserPoolId=pool, ClientName="fleetlake-api", **APP_CLIENT)["UserPoolClient"]["ClientId"]
    for group in GROUPS:
        idp.create_group(UserPoolId=pool, GroupName=group)
    return {"user_pool": pool, "user_pool_client": client, "identity_pool": "us-east-1:0f8fad5b-d9cb-469f-a165-70867728950e"}
