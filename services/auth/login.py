"""Sign-up, sign-in and what belongs to it, by Cognito. SRP is spoken by clients with Cognito itself; its tokens are the same.

A challenge's session is handed out signed, with the user and the challenge that it is of: it cannot be used for another user or for
another challenge, and ends after three minutes, whatever stands behind.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

from botocore.exceptions import ClientError

from fleet.user_pool import CHALLENGE_MINUTES, PoolIds, pool_ids
from runtime.clock import Clock
from runtime.platforms import Platform
from services.auth.cognito import of_client_error, told
from services.auth.secret import signing_key
from services.paging import Paging
from services.problems import ApiError, Invalid

SOFTWARE_TOKEN, NEW_PASSWORD = "SOFTWARE_TOKEN_MFA", "NEW_PASSWORD_REQUIRED"
WRONG = "Incorrect username or password."
# With a code that is none they are told of a user as of nobody.
_SILENT = ("UserNotFoundException", "InvalidParameterException", "NotAuthorizedException")
_ISSUER = "fleetlake"


@dataclass(frozen=True)
class TokenSet:
    access_token: str
    id_token: str
    expires_in: int
    refresh_token: str | None = None


@dataclass(frozen=True)
class Challenge:
    name: str
    session: str


@dataclass(frozen=True)
class Login:
    platform: Platform
    clock: Clock

    @cached_property
    def _ids(self) -> PoolIds:
        return pool_ids(self.platform)

    @cached_property
    def _marks(self) -> Paging:
        return Paging(signing_key(self.platform))

    @property
    def _idp(self) -> Any:
        return self.platform.client("cognito-idp")

    def sign_up(self, user_name: str, email: str, password: str) -> tuple[str, bool]:
        """The new user's id, and whether nothing needs confirming."""
        with told():
            made = self._idp.sign_up(
                ClientId=self._ids.client,
                Username=user_name,
                Password=password,
                UserAttributes=[{"Name": "email", "Value": normal_login(email)}],
            )
        return str(made["UserSub"]), bool(made["UserConfirmed"])

    def confirm(self, user_name: str, code: str) -> None:
        user_name = normal_login(user_name)
        with _as_wrong_code("UserNotFoundException"):
            self._idp.confirm_sign_up(ClientId=self._ids.client, Username=user_name, ConfirmationCode=code)
        self._verify_email(user_name)

    def _verify_email(self, user_name: str) -> None:
        """The code came by e-mail: the address is the user's. AWS notes that itself, and the emulator does not."""
        user = self._idp.admin_get_user(UserPoolId=self._ids.user_pool, Username=user_name)
        attributes = {attribute["Name"]: attribute["Value"] for attribute in user["UserAttributes"]}
        if "email" in attributes and attributes.get("email_verified") != "true":
            verified = [{"Name": "email_verified", "Value": "true"}]
            self._idp.admin_update_user_attributes(UserPoolId=self._ids.user_pool, Username=user_name, UserAttributes=verified)

    def resend(self, user_name: str) -> None:
        """Says nothing of whether there is such a user."""
        self._silently(lambda: self._idp.resend_confirmation_code(ClientId=self._ids.client, Username=normal_login(user_name)))

    def forgot(self, user_name: str) -> None:
        """Says nothing of whether there is such a user."""
        self._silently(lambda: self._idp.forgot_password(ClientId=self._ids.client, Username=normal_login(user_name)))

    def _silently(self, call: Any) -> None:
        try:
            with told():
                call()
        except ApiError as error:
            if error.code not in _SILENT:
                raise

    def reset(self, user_name: str, code: str, password: str) -> None:
        with _as_wrong_code("UserNotFoundException", "NotAuthorizedException"):
            self._idp.confirm_forgot_password(
                ClientId=self._ids.client, Username=normal_login(user_name), ConfirmationCode=code, Password=password
            )

    def sign_in(self, user_name: str, password: str) -> TokenSet | Challenge:
        """Raises Invalid in the same words whether there is no such user, another password, or a user that is disabled."""
        answer = self._signing_in(
            lambda: self._idp.initiate_auth(
                ClientId=self._ids.client,
                AuthFlow="USER_PASSWORD_AUTH",
                AuthParameters={"USERNAME": normal_login(user_name), "PASSWORD": password},
            )
        )
        return self._outcome(answer)

    def respond(self, session: str, *, code: str | None, new_password: str | None) -> TokenSet | Challenge:
        """Answer a challenge: `code` for SOFTWARE_TOKEN_MFA, `new_password` for NEW_PASSWORD_REQUIRED."""
        mark = self._opened(session)
        given = {SOFTWARE_TOKEN: ("SOFTWARE_TOKEN_MFA_CODE", code), NEW_PASSWORD: ("NEW_PASSWORD", new_password)}.get(mark["challenge"])
        if given is None or given[1] is None:
            needed = {SOFTWARE_TOKEN: "code", NEW_PASSWORD: "new_password"}.get(mark["challenge"], "an answer that this API does not take")
            raise Invalid(f"challenge {mark['challenge']}: send {needed}", code="InvalidParameterException")
        answer = self._signing_in(
            lambda: self._idp.respond_to_auth_challenge(
                ClientId=self._ids.client,
                ChallengeName=mark["challenge"],
                Session=mark["session"],
                ChallengeResponses={"USERNAME": mark["user"], given[0]: given[1]},
            ),
            "Invalid session for the user.",
        )
        return self._outcome(answer)

    def user_of(self, session: str) -> str:
        """Whom a challenge's session is of. Raises Invalid for one that was not given, or is over."""
        return str(self._opened(session)["user"])

    def refresh(self, refresh_token: str) -> TokenSet:
        with told():
            answer = self._idp.initiate_auth(
                ClientId=self._ids.client, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters={"REFRESH_TOKEN": refresh_token}
            )
        return _tokens(answer["AuthenticationResult"])

    def associate(self, access_token: str, user_name: str) -> tuple[str, str]:
        """A secret for an authenticator, and the same as an address that it reads from a QR code."""
        with told():
            secret = str(self._idp.associate_software_token(AccessToken=access_token)["SecretCode"])
        return secret, f"otpauth://totp/{_ISSUER}:{quote(user_name)}?secret={secret}&issuer={_ISSUER}"

    def enable_mfa(self, access_token: str, code: str) -> None:
        with told():
            answer = self._idp.verify_software_token(AccessToken=access_token, UserCode=code)
            if answer["Status"] != "SUCCESS":
                raise Invalid("the code is not the authenticator's", code="CodeMismatchException")
            self._idp.set_user_mfa_preference(AccessToken=access_token, SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True})

    def sign_out(self, access_token: str) -> None:
        """All sessions of the user; again does nothing."""
        self._silently(lambda: self._idp.global_sign_out(AccessToken=access_token))

    def credentials(self, id_token: str) -> dict[str, Any]:
        """Temporary AWS credentials of the identity pool: AccessKeyId, SecretKey, SessionToken, Expiration."""
        identity, logins = self.platform.client("cognito-identity"), {self._ids.provider: id_token}
        with told():
            identity_id = identity.get_id(IdentityPoolId=self._ids.identity_pool, Logins=logins)["IdentityId"]
            return dict(identity.get_credentials_for_identity(IdentityId=identity_id, Logins=logins)["Credentials"])

    def _signing_in(self, call: Any, wrong: str = WRONG) -> Any:
        try:
            return call()
        except ClientError as error:
            ours = of_client_error(error)
            if ours is None:
                raise
            if ours.code in ("UserNotFoundException", "NotAuthorizedException"):
                raise Invalid(wrong, code="NotAuthorizedException") from None
            raise ours from None

    def _outcome(self, answer: dict[str, Any]) -> TokenSet | Challenge:
        if "AuthenticationResult" in answer:
            return _tokens(answer["AuthenticationResult"])
        name = str(answer["ChallengeName"])
        mark = {
            "challenge": name,
            "session": answer.get("Session", ""),
            "user": answer["ChallengeParameters"].get("USER_ID_FOR_SRP", ""),
            "until": int(self.clock.now().timestamp()) + CHALLENGE_MINUTES * 60,
        }
        return Challenge(name, self._marks.token(mark, caller="", listing="challenge"))

    def _opened(self, session: str) -> dict[str, Any]:
        try:
            mark: dict[str, Any] = self._marks.where(session, caller="", listing="challenge")
        except Invalid:
            raise Invalid("Invalid session for the user.", code="NotAuthorizedException") from None
        if self.clock.now().timestamp() >= mark["until"]:
            raise Invalid("Invalid session for the user, session is expired.", code="NotAuthorizedException")
        return mark


@contextmanager
def _as_wrong_code(*codes: str) -> Iterator[None]:
    """What would tell that there is no such user is told as a wrong code."""
    try:
        with told():
            yield
    except ApiError as error:
        if error.code in codes:
            raise Invalid("Invalid verification code provided, please try again.", code="CodeMismatchException") from None
        raise


def normal_login(name: str) -> str:
    """User names are told apart by their letters' case, as device ids are; e-mail addresses are not."""
    return name.lower() if "@" in name else name


def _tokens(result: dict[str, Any]) -> TokenSet:
    return TokenSet(result["AccessToken"], result["IdToken"], int(result["ExpiresIn"]), result.get("RefreshToken"))
