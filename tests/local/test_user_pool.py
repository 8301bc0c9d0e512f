"""The pools of the laptop: made once, found by name, and what of them is given by settings."""

import os
from collections.abc import Iterator
from unittest import mock

import pytest
from moto import mock_aws

from fleet.tables import GRANTS, REQUESTS, SHADOW_HISTORY
from fleet.user_pool import APP_CLIENT, GROUPS, USER_POOL, PoolIds, pool_ids
from local import user_pool
from local.api_tables import create, definition
from runtime.aws import AwsPlatform
from runtime.errors import SettingsError, SetupError
from runtime.settings import Settings


@pytest.fixture
def aws() -> Iterator[None]:
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    with mock.patch.dict(os.environ, keys), mock_aws():
        yield


def test_what_the_settings_name_is_not_looked_for() -> None:
    settings = Settings(platform="aws", user_pool="eu-central-1_AbC", user_pool_client="client", identity_pool="eu-central-1:1a2b")
    ids = pool_ids(AwsPlatform(settings))
    assert ids == PoolIds("eu-central-1_AbC", "client", "eu-central-1:1a2b")
    assert (ids.region, ids.issuer) == ("eu-central-1", "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbC")


@pytest.mark.usefixtures("aws")
def test_a_pool_that_is_not_there_or_there_twice_is_told_with_its_setting() -> None:
    platform = AwsPlatform(Settings(platform="aws"))
    idp = platform.client("cognito-idp")
    with pytest.raises(SetupError, match="user pool fleetlake-users: there is none of that name; set FLEETLAKE_USER_POOL"):
        pool_ids(platform)
    for _ in range(2):
        idp.create_user_pool(PoolName="fleetlake-users", **USER_POOL)
    with pytest.raises(SetupError, match="user pool fleetlake-users: there are 2 of that name"):
        pool_ids(platform)


@pytest.mark.usefixtures("aws")
def test_pools_are_found_by_name_among_others_and_once() -> None:
    platform = AwsPlatform(Settings(platform="aws", table_prefix="blue-"))
    idp, identity = platform.client("cognito-idp"), platform.client("cognito-identity")
    pools = {name: idp.create_user_pool(PoolName=name, **USER_POOL)["UserPool"]["Id"] for name in ("fleetlake-users", "blue-users")}
    clients = {
        name: idp.create_user_pool_client(UserPoolId=pools["blue-users"], ClientName=name, **APP_CLIENT)["UserPoolClient"]["ClientId"]
        for name in ("blue-api", "other")
    }
    made = identity.create_identity_pool(IdentityPoolName="blue-users", AllowUnauthenticatedIdentities=False)["IdentityPoolId"]
    found = pool_ids(platform)
    assert found == PoolIds(pools["blue-users"], clients["blue-api"], made)
    idp.delete_user_pool(UserPoolId=pools["blue-users"])
    assert pool_ids(platform) is found


def test_nothing_is_made_in_somebody_s_account() -> None:
    platform = AwsPlatform(Settings(platform="aws"))
    for make in (user_pool.create, create):
        with pytest.raises(SettingsError, match="FLEETLAKE_PLATFORM is aws"):
            make(platform)


def test_the_pool_is_declared_as_clients_need_it() -> None:
    assert set(GROUPS) == {"admin", "operator", "viewer", "device"}
    assert set(APP_CLIENT["ExplicitAuthFlows"]) == {"ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}
    assert (APP_CLIENT["PreventUserExistenceErrors"], APP_CLIENT["EnableTokenRevocation"]) == ("ENABLED", True)
    # Cognito: 5 minutes to a day.
    assert 300 <= APP_CLIENT["AccessTokenValidity"] <= 86_400


def test_a_table_is_created_as_it_is_declared() -> None:
    assert definition(GRANTS) == {
        "AttributeDefinitions": [
            {"AttributeName": "user_id", "AttributeType": "S"},
            {"AttributeName": "entry", "AttributeType": "S"},
            {"AttributeName": "scope", "AttributeType": "S"},
        ],
        "KeySchema": [{"AttributeName": "user_id", "KeyType": "HASH"}, {"AttributeName": "entry", "KeyType": "RANGE"}],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "by_scope",
                "KeySchema": [{"AttributeName": "scope", "KeyType": "HASH"}, {"AttributeName": "user_id", "KeyType": "RANGE"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    }
    assert definition(REQUESTS) == {
        "AttributeDefinitions": [{"AttributeName": "request", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "request", "KeyType": "HASH"}],
    }
    assert {"AttributeName": "version", "AttributeType": "N"} in definition(SHADOW_HISTORY)["AttributeDefinitions"]
