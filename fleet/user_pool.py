"""The Cognito user pool, its app client and groups, and the identity pool, declared once: the laptop's cloud and the infrastructure code create them from here."""

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from runtime.errors import SetupError
from runtime.platforms import Platform
from runtime.settings import Settings

GROUPS = {
    "admin": "may do everything",
    "operator": "makes devices, has all rights on its own and what is granted on others",
    "viewer": "reads what is granted",
    "device": "a device: its user name is its device id",
}

# In seconds. Cognito takes 5 minutes to a day for access and id tokens, an hour to ten years for refresh tokens.
ACCESS_TOKEN_SECONDS = 3600
REFRESH_TOKEN_DAYS = 30
# How long a challenge (a code, a new password) may be answered.
CHALLENGE_MINUTES = 3

# What CreateUserPool is asked for. Users sign in by name, or by an e-mail address that is verified.
USER_POOL: dict[str, Any] = {
    "AliasAttributes": ["email"],
    "AutoVerifiedAttributes": ["email"],
    "Policies": {
        "PasswordPolicy": {
            "MinimumLength": 12,
            "RequireUppercase": True,
            "RequireLowercase": True,
            "RequireNumbers": True,
            "RequireSymbols": False,
            "TemporaryPasswordValidityDays": 7,
        }
    },
    # A device's user is named as the device, whose ids are told apart by case. E-mail addresses the API puts into lower case.
    "UsernameConfiguration": {"CaseSensitive": True},
    "AccountRecoverySetting": {"RecoveryMechanisms": [{"Priority": 1, "Name": "verified_email"}]},
    "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": False},
}

# What SetUserPoolMfaConfig is asked for.
MFA: dict[str, Any] = {"MfaConfiguration": "OPTIONAL", "SoftwareTokenMfaConfiguration": {"Enabled": True}}

# What CreateUserPoolClient is asked for. A public client: browsers and command lines keep no secret.
APP_CLIENT: dict[str, Any] = {
    "GenerateSecret": False,
    "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    "PreventUserExistenceErrors": "ENABLED",
    "EnableTokenRevocation": True,
    "AccessTokenValidity": ACCESS_TOKEN_SECONDS,
    "IdTokenValidity": ACCESS_TOKEN_SECONDS,
    "RefreshTokenValidity": REFRESH_TOKEN_DAYS,
    "TokenValidityUnits": {"AccessToken": "seconds", "IdToken": "seconds", "RefreshToken": "days"},
    "AuthSessionValidity": CHALLENGE_MINUTES,
}


@dataclass(frozen=True)
class PoolIds:
    user_pool: str
    client: str
    identity_pool: str

    @property
    def region(self) -> str:
        return self.user_pool.partition("_")[0]

    @property
    def provider(self) -> str:
        """As identity pools name the user pool; behind https:// it is the issuer of its tokens."""
        return f"cognito-idp.{self.region}.amazonaws.com/{self.user_pool}"

    @property
    def issuer(self) -> str:
        return f"https://{self.provider}"


def user_pool_name(settings: Settings) -> str:
    return f"{settings.table_prefix}users"


def client_name(settings: Settings) -> str:
    return f"{settings.table_prefix}api"


def identity_pool_name(settings: Settings) -> str:
    # AWS takes letters, digits, spaces and + = , . @ - here, no underscore.
    return f"{settings.table_prefix}users".replace("_", "-")


_known: "WeakKeyDictionary[Platform, PoolIds]" = WeakKeyDictionary()


def pool_ids(platform: Platform) -> PoolIds:
    """The settings' ids; those that are empty are looked up by name, once for each platform.

    Raises SetupError where there is none of that name, or more than one.
    """
    if platform not in _known:
        _known[platform] = _found(platform)
    return _known[platform]


def _found(platform: Platform) -> PoolIds:
    settings = platform.settings
    pool = settings.user_pool or _one(find_user_pool(platform), user_pool_name(settings), "user pool", "USER_POOL")
    client = settings.user_pool_client or _one(find_client(platform, pool), client_name(settings), "app client", "USER_POOL_CLIENT")
    identity = settings.identity_pool or _one(find_identity_pool(platform), identity_pool_name(settings), "identity pool", "IDENTITY_POOL")
    return PoolIds(pool, client, identity)


def _one(found: list[str], name: str, kind: str, setting: str) -> str:
    if len(found) != 1:
        count = "is none" if not found else f"are {len(found)}"
        raise SetupError(f"Cognito {kind} {name}: there {count} of that name; set FLEETLAKE_{setting}, or start the laptop's cloud")
    return found[0]


def find_user_pool(platform: Platform) -> list[str]:
    """Ids of the user pools that have our name: none, one, or, on AWS, more."""
    pages = platform.client("cognito-idp").get_paginator("list_user_pools").paginate(MaxResults=60)
    return [pool["Id"] for page in pages for pool in page["UserPools"] if pool["Name"] == user_pool_name(platform.settings)]


def find_client(platform: Platform, user_pool: str) -> list[str]:
    pages = platform.client("cognito-idp").get_paginator("list_user_pool_clients").paginate(UserPoolId=user_pool, MaxResults=60)
    wanted = client_name(platform.settings)
    return [client["ClientId"] for page in pages for client in page["UserPoolClients"] if client["ClientName"] == wanted]


def find_identity_pool(platform: Platform) -> list[str]:
    pages = platform.client("cognito-identity").get_paginator("list_identity_pools").paginate(MaxResults=60)
    wanted = identity_pool_name(platform.settings)
    return [pool["IdentityPoolId"] for page in pages for pool in page["IdentityPools"] if pool["IdentityPoolName"] == wanted]
