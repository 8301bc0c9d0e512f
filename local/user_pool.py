"""The laptop's user pool and identity pool, as `fleet/user_pool.py` declares them, and its first administrator.

On AWS the infrastructure code creates the same pools, and the first administrator is made in the console.
"""

from contextlib import suppress
from typing import Any

from fleet import user_pool
from fleet.user_pool import PoolIds, pool_ids
from local.surroundings import check_platform
from runtime.errors import UsageError
from runtime.platforms import Platform


def create(platform: Platform) -> PoolIds:
    """Create what is missing; what is there stays. Raises SettingsError on another platform than the laptop's."""
    check_platform(platform.settings)
    idp = platform.client("cognito-idp")
    pool = _user_pool(platform, idp)
    client = _client(platform, idp, pool)
    _groups(idp, pool)
    return PoolIds(pool, client, _identity_pool(platform, pool, client))


def _user_pool(platform: Platform, idp: Any) -> str:
    if found := user_pool.find_user_pool(platform):
        return found[0]
    pool = str(idp.create_user_pool(PoolName=user_pool.user_pool_name(platform.settings), **user_pool.USER_POOL)["UserPool"]["Id"])
    idp.set_user_pool_mfa_config(UserPoolId=pool, **user_pool.MFA)
    return pool


def _client(platform: Platform, idp: Any, pool: str) -> str:
    if found := user_pool.find_client(platform, pool):
        return found[0]
    name = user_pool.client_name(platform.settings)
    return str(idp.create_user_pool_client(UserPoolId=pool, ClientName=name, **user_pool.APP_CLIENT)["UserPoolClient"]["ClientId"])


def _groups(idp: Any, pool: str) -> None:
    there = {group["GroupName"] for group in idp.list_groups(UserPoolId=pool)["Groups"]}
    for precedence, (name, what) in enumerate(user_pool.GROUPS.items()):
        if name not in there:
            idp.create_group(UserPoolId=pool, GroupName=name, Description=what, Precedence=precedence)


def _identity_pool(platform: Platform, pool: str, client: str) -> str:
    if found := user_pool.find_identity_pool(platform):
        return found[0]
    identity = platform.client("cognito-identity")
    provider = {"ProviderName": PoolIds(pool, client, "").provider, "ClientId": client, "ServerSideTokenCheck": True}
    created = identity.create_identity_pool(
        IdentityPoolName=user_pool.identity_pool_name(platform.settings),
        AllowUnauthenticatedIdentities=False,
        CognitoIdentityProviders=[provider],
    )
    role = f"arn:aws:iam::{platform.settings.account}:role/fleetlake-user"
    identity.set_identity_pool_roles(IdentityPoolId=created["IdentityPoolId"], Roles={"authenticated": role})
    return str(created["IdentityPoolId"])


def make_administrator(platform: Platform, name: str, email: str, password: str) -> str:
    """A confirmed user in the group admin, and its id; again after a refused password it goes on.

    Raises UsageError where there is an administrator already, who makes others, or for a password that the pool does not take.
    """
    check_platform(platform.settings)
    idp, pool = platform.client("cognito-idp"), pool_ids(platform).user_pool
    if idp.list_users_in_group(UserPoolId=pool, GroupName="admin")["Users"]:
        raise UsageError(f"administrator {name}: there is one already, who gives the role by `fleetlake users roles {name} admin`")
    with suppress(idp.exceptions.UsernameExistsException):
        idp.admin_create_user(
            UserPoolId=pool,
            Username=name,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}],
        )
    try:
        idp.admin_set_user_password(UserPoolId=pool, Username=name, Password=password, Permanent=True)
    except idp.exceptions.InvalidPasswordException as error:
        raise UsageError(f"administrator {name}: {error.response['Error']['Message']}; choose another password") from None
    idp.admin_add_user_to_group(UserPoolId=pool, Username=name, GroupName="admin")
    attributes = idp.admin_get_user(UserPoolId=pool, Username=name)["UserAttributes"]
    return next(str(attribute["Value"]) for attribute in attributes if attribute["Name"] == "sub")
