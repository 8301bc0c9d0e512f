"""Bodies of requests and answers about sign-in, users and permissions."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from services.auth.grants import ScopeKind
from services.identity import DEVICE_ID, Right, Role

# Not as an e-mail address, which is another user's alias.
USER_NAME = r"^[a-zA-Z0-9._:-]{1,128}$"
USER_ID = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_EMAIL = r"^[^@\s\x00-\x1f]{1,64}@[A-Za-z0-9.-]{1,253}$"
# A key and a value; together no longer than AWS's tags have them.
_TAG = r"^[^=\x00-\x1f]+=[^\x00-\x1f]*$"
_GROUP = r"^[a-zA-Z0-9:_-]{1,128}$"
_AT = "2026-11-28T12:00:00Z"

_Login = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f]+$", examples=["anna"])]
_Password = Annotated[str, Field(min_length=1, max_length=256, examples=["correct Horse 7 battery"])]
_Code = Annotated[str, Field(pattern=r"^[0-9]{6}$", examples=["123456"])]
_Token = Annotated[str, Field(min_length=1, max_length=8192, pattern=r"^[!-~]+$", examples=["eyJjdHkiOiJKV1Qi"])]


def _is_no_id(user_name: str) -> str:
    if re.fullmatch(USER_ID, user_name.lower()):
        raise ValueError("looks like a user's id; take another name")
    return user_name


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SignUp(_Request):
    user_name: Annotated[str, AfterValidator(_is_no_id)] = Field(
        pattern=USER_NAME,
        description="No e-mail address and no user's id; a device's user has its device id as its name",
        examples=["anna"],
    )
    email: str = Field(pattern=_EMAIL, max_length=254, examples=["anna@example.com"])
    password: _Password


class SignedUp(BaseModel):
    user_id: str = Field(description="Cognito's sub", examples=["0f8fad5b-d9cb-469f-a165-70867728950e"])
    is_confirmed: bool = Field(description="False: a code was sent by e-mail; POST /auth/confirm takes it", examples=[False])


class Confirmation(_Request):
    user_name: _Login
    code: _Code


class UserName(_Request):
    user_name: _Login


class Credentials(_Request):
    user_name: _Login = Field(description="The user name, or the e-mail address once it is verified")
    password: _Password


class ChallengeAnswer(_Request):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"session": "b8JpX2Zy", "code": "123456"}]})

    session: str = Field(
        min_length=1, max_length=8192, pattern=r"^[A-Za-z0-9_-]+$", description="As the challenge gave it", examples=["b8JpX2Zy"]
    )
    code: _Code | None = Field(None, description="The authenticator's, for SOFTWARE_TOKEN_MFA")
    new_password: _Password | None = Field(None, description="For NEW_PASSWORD_REQUIRED")


class RefreshToken(_Request):
    refresh_token: _Token


class PasswordReset(Confirmation):
    password: _Password


class Code(_Request):
    code: _Code


class IdToken(_Request):
    id_token: _Token


class Tokens(BaseModel):
    access_token: str = Field(description="Sent as Authorization: Bearer with every call", examples=["eyJraWQi…"])
    id_token: str = Field(examples=["eyJraWQi…"])
    refresh_token: str | None = Field(None, description="None where another is refreshed: that one stays good", examples=["eyJjdHki…"])
    expires_in: int = Field(description="Seconds", examples=[3600])
    token_type: Literal["Bearer"] = "Bearer"


class Challenge(BaseModel):
    name: str = Field(description="SOFTWARE_TOKEN_MFA or NEW_PASSWORD_REQUIRED", examples=["SOFTWARE_TOKEN_MFA"])
    session: str = Field(description="For POST /auth/challenge within three minutes", examples=["b8JpX2Zy"])


class SignIn(BaseModel):
    """Either tokens, or what has to be answered first."""

    tokens: Tokens | None = None
    challenge: Challenge | None = Field(default=None, examples=[None])


class Authenticator(BaseModel):
    secret: str = Field(description="Base32, for an authenticator (TOTP)", examples=["JBSWY3DPEHPK3PXP"])
    uri: str = Field(
        description="The same for a QR code", examples=["otpauth://totp/fleetlake:anna?secret=JBSWY3DPEHPK3PXP&issuer=fleetlake"]
    )


class AwsCredentials(BaseModel):
    access_key_id: str = Field(examples=["ASIAIOSFODNN7EXAMPLE"])
    secret_key: str = Field(examples=["wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"])
    session_token: str = Field(examples=["IQoJb3JpZ2luX2VjEX…"])
    expires_at: datetime = Field(examples=[_AT])


class User(BaseModel):
    user_id: str = Field(description="Cognito's sub", examples=["0f8fad5b-d9cb-469f-a165-70867728950e"])
    user_name: str = Field(examples=["anna"])
    email: str | None = Field(None, examples=["anna@example.com"])
    is_email_verified: bool = Field(examples=[True])
    status: str = Field(description="Cognito's: UNCONFIRMED, CONFIRMED, FORCE_CHANGE_PASSWORD, …", examples=["CONFIRMED"])
    is_enabled: bool = Field(examples=[True])
    created_at: datetime = Field(examples=[_AT])
    changed_at: datetime = Field(examples=[_AT])


class UserWithRoles(User):
    role: Role = Field(description="The highest of its groups; viewer without any", examples=["operator"])
    groups: list[str] = Field(examples=[["operator"]])


class UserPage(BaseModel):
    users: list[User]
    next_token: str | None = Field(None, description="Goes on with the list; none at its end")


class RolesGiven(_Request):
    roles: list[Role] = Field(max_length=4, description="All that the user shall have", examples=[["operator"]])


class _Grants(_Request):
    rights: list[Right] = Field(
        min_length=1, max_length=4, description="Must have read: none of the others counts without", examples=[["read", "write"]]
    )
    expires_at: AwareDatetime | None = Field(None, description="None: until it is taken away", examples=["2027-01-01T00:00:00Z"])


class DeviceGrants(_Grants):
    devices: list[Annotated[str, Field(pattern=DEVICE_ID)]] = Field(min_length=1, max_length=49, examples=[["engine-7"]])


class GroupGrants(_Grants):
    groups: list[Annotated[str, Field(pattern=_GROUP)]] = Field(min_length=1, max_length=49, examples=[["hall-3"]])


class TagGrants(_Grants):
    tags: list[Annotated[str, Field(pattern=_TAG, max_length=385)]] = Field(
        min_length=1, max_length=49, description="key=value", examples=[["site=bremen"]]
    )


class Denials(_Request):
    """What is denied to the user, whatever is or will be granted, until the denial is lifted."""

    devices: list[Annotated[str, Field(pattern=DEVICE_ID)]] = Field(default_factory=list, max_length=49, examples=[["engine-7"]])
    groups: list[Annotated[str, Field(pattern=_GROUP)]] = Field(default_factory=list, max_length=49, examples=[[]])
    tags: list[Annotated[str, Field(pattern=_TAG, max_length=385)]] = Field(default_factory=list, max_length=49, examples=[[]])
    rights: list[Right] = Field(default_factory=lambda: list(Right), min_length=1, max_length=4, description="All, where none are named")


class Grant(BaseModel):
    grant_id: str = Field(description="The same for the same grant again", examples=["5f0a1c2d3e4f5a6b"])
    scope: ScopeKind = Field(examples=["device"])
    value: str = Field(examples=["engine-7"])
    rights: list[Right] = Field(examples=[["read", "write"]])
    effective_rights: list[Right] = Field(description="Those that count now, but for denials of single devices", examples=[["read"]])
    reason: str = Field(description="Why they count, or do not", examples=["viewers may only read"])
    expires_at: datetime | None = Field(None, examples=["2027-01-01T00:00:00Z"])
    granted_by: str = Field(examples=["0f8fad5b-d9cb-469f-a165-70867728950e"])
    granted_at: datetime = Field(examples=[_AT])


class Denial(BaseModel):
    denial_id: str = Field(examples=["6b5a4f3e2d1c0a5f"])
    scope: ScopeKind = Field(examples=["device"])
    value: str = Field(examples=["engine-7"])
    rights: list[Right] = Field(examples=[["read", "write", "command", "update"]])
    denied_by: str = Field(examples=["0f8fad5b-d9cb-469f-a165-70867728950e"])
    denied_at: datetime = Field(examples=[_AT])


class Explanation(BaseModel):
    device_id: str = Field(examples=["engine-7"])
    right: Right = Field(examples=["write"])
    is_allowed: bool = Field(examples=[False])
    reason: str = Field(examples=["the grant of write for device engine-7 expired at 2026-11-28T12:00:00Z"])
    by: str = Field(description="The grant, denial, ownership or role that decides", examples=["grant:5f0a1c2d3e4f5a6b"])


class DeviceRight(BaseModel):
    right: Right = Field(examples=["read"])
    reason: str = Field(examples=["the device is the user's own"])
    by: str = Field(examples=["own"])


class DeviceRights(BaseModel):
    device_id: str = Field(examples=["engine-7"])
    rights: list[DeviceRight] = Field(description="Those that the user has at this moment")


class Permissions(BaseModel):
    user_id: str = Field(examples=["0f8fad5b-d9cb-469f-a165-70867728950e"])
    role: Role = Field(examples=["operator"])
    by_role: str = Field(description="What the role itself allows", examples=["reads what is granted"])
    grants: list[Grant]
    denials: list[Denial]
    devices: list[DeviceRights] = Field(
        default_factory=list,
        description="What the user may do to which device: the first 50 that it may read; empty for administrators, who may everything",
    )
    more_devices: bool = Field(default=False, description="Whether there are further ones; device_id asks about each", examples=[False])
    explained: list[Explanation] = Field(default_factory=list, description="For the device_id that was asked about", examples=[[]])


class Me(BaseModel):
    user_id: str = Field(examples=["0f8fad5b-d9cb-469f-a165-70867728950e"])
    user_name: str = Field(examples=["anna"])
    groups: list[str] = Field(examples=[["operator"]])
    permissions: Permissions


class GrantList(BaseModel):
    grants: list[Grant]


class DenialList(BaseModel):
    denials: list[Denial]


class AuditLine(BaseModel):
    at: datetime = Field(examples=[_AT])
    who: str = Field(description="The user id of whoever changed it", examples=["0f8fad5b-d9cb-469f-a165-70867728950e"])
    who_name: str = Field(examples=["anna"])
    what: str = Field(examples=["grant"])
    before: dict[str, Any] | None = Field(None, examples=[None])
    after: dict[str, Any] | None = Field(None, examples=[{"scope": "device", "value": "engine-7"}])
    request_id: str = Field(examples=["2c9c1b1e-6f0e-4f5e-9d9f-0d8f3a3b7c11"])


class AuditPage(BaseModel):
    lines: list[AuditLine]
    next_token: str | None = Field(None, description="Goes on with older ones; none at the end")
