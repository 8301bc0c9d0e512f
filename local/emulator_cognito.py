"""Sign-in as Cognito checks it, where the emulator lets anything pass unless all of AWS's authorisation is on, which breaks its rules.

- a refresh token and an access token must be signed by the pool, and not revoked: it takes any text that names a user;
- a challenge is answered with the session that was given for it, by the user that it was given for, within three minutes: it asks for none,
  and sets anybody's password by NEW_PASSWORD_REQUIRED;
- the password of an unconfirmed user is looked at before it is told that they are unconfirmed: any password would tell that there is such
  a user (the emulator's authors measured on AWS that it tells so; a client that may be told less is told less here);
- an authenticator's code counts once for a user, and none of an earlier time step after it, as on AWS
  (https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-mfa-totp.html): it takes one as often as it comes;
- the codes of sign-up and of a forgotten password are by chance, go out by (its) e-mail, and are looked at: they are 123456 and 654321, and any will do.

It reaches into ministack's private names, as `local/emulator_hardening.py` does: for the pinned version alone.
"""

import inspect
import json
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fleet.user_pool import CHALLENGE_MINUTES

_CHALLENGES = {"SOFTWARE_TOKEN_MFA", "NEW_PASSWORD_REQUIRED", "MFA_SETUP"}
_MOST_SESSIONS = 10_000
_PASSWORD_FLOWS = ("USER_PASSWORD_AUTH", "ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH")
_STEP_SECONDS = 30
# The emulator takes one step to either side.
_STEPS = (-1, 0, 1)
# The challenge's is what clients of AWS have reported; of enrolment none has, and this is its exception for a wrong code.
_AT_CHALLENGE, _AT_ENROLMENT = "ExpiredCodeException", "EnableSoftwareTokenMFAException"
_USED = "Your software token has already been used once."

Answer = Any


def check_sign_in(cognito: Any) -> None:
    checks, plain_run = _Checks(cognito), cognito._run_idp_handler

    def run(handler: Callable[[Any], Answer], action: str, data: dict[str, Any]) -> Answer:
        if action in cognito._UNSIGNED_IDP_ACTIONS:
            cognito._pin_unsigned_idp_scope(data)
        if refusal := checks.refusal(action, data):
            return refusal
        answer = plain_run(handler, action, data)
        checks.note(data, answer)
        return answer

    cognito._run_idp_handler = run
    _send_codes_by_chance(cognito)


@dataclass(frozen=True)
class _Session:
    challenge: str
    client: str
    user_name: str
    until: float


@dataclass
class _Checks:
    cognito: Any
    sessions: "OrderedDict[str, _Session]" = field(default_factory=OrderedDict)
    codes: threading.Lock = field(default_factory=threading.Lock)

    def refusal(self, action: str, data: dict[str, Any]) -> Answer:
        """What is answered in place of the emulator's own answer; None where it may answer."""
        return (
            self.cognito._auth_flow_error(action, data)
            or self.cognito._access_token_error(data)
            or self.cognito._confirmation_code_error(action, data)
            or self._refresh_error(action, data)
            or self._session_error(action, data)
            or self._unconfirmed_error(action, data)
            or self._used_code_error(action, data)
        )

    def note(self, data: dict[str, Any], answer: Answer) -> None:
        """Keep the session of a challenge that was given; one that led to tokens is over."""
        try:
            told = json.loads(answer[2])
        except (TypeError, ValueError, IndexError, KeyError):
            return
        if isinstance(told, dict) and told.get("ChallengeName") in _CHALLENGES and told.get("Session"):
            user_name = told.get("ChallengeParameters", {}).get("USER_ID_FOR_SRP", "")
            until = time.monotonic() + CHALLENGE_MINUTES * 60
            self.sessions[told["Session"]] = _Session(told["ChallengeName"], data.get("ClientId", ""), user_name, until)
            while len(self.sessions) > _MOST_SESSIONS:
                self.sessions.popitem(last=False)
        elif isinstance(told, dict) and "AuthenticationResult" in told:
            self.sessions.pop(str(data.get("Session")), None)

    def _refresh_error(self, action: str, data: dict[str, Any]) -> Answer:
        if action == "GetTokensFromRefreshToken":
            token = data.get("RefreshToken")
        elif action.endswith("InitiateAuth") and data.get("AuthFlow") in ("REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"):
            token = (data.get("AuthParameters") or {}).get("REFRESH_TOKEN")
        else:
            return None
        claims = self.cognito._token_claims(token) if isinstance(token, str) else {}
        expires_at = claims.get("exp")
        if not isinstance(expires_at, int) or time.time() >= expires_at or not self.cognito._signature_valid(token):
            return self._denied("Invalid Refresh Token")
        if claims.get("origin_jti") in self.cognito._revoked_tokens:
            return self._denied("Refresh Token has been revoked")
        return None

    def _session_error(self, action: str, data: dict[str, Any]) -> Answer:
        challenge = data.get("ChallengeName")
        if not action.endswith("RespondToAuthChallenge") or challenge not in _CHALLENGES:
            return None
        session = self.sessions.get(str(data.get("Session")))
        if session is None or session.challenge != challenge or session.client != data.get("ClientId", ""):
            return self._denied("Invalid session for the user.")
        if time.monotonic() >= session.until:
            return self._denied("Invalid session for the user, session is expired.")
        pool, _ = self.cognito._pool_for_client(session.client)
        named = str((data.get("ChallengeResponses") or {}).get("USERNAME"))
        if not pool or self._user(pool, named) is not self._user(pool, session.user_name):
            return self._denied("Invalid session for the user.")
        return None

    def _unconfirmed_error(self, action: str, data: dict[str, Any]) -> Answer:
        if not action.endswith("InitiateAuth") or data.get("AuthFlow") not in _PASSWORD_FLOWS:
            return None
        pool, _ = self.cognito._pool_for_client(data.get("ClientId"))
        given = data.get("AuthParameters") or {}
        user = self._user(pool, str(given.get("USERNAME"))) if pool else None
        if user and user.get("UserStatus") == "UNCONFIRMED" and user.get("_password") != given.get("PASSWORD"):
            return self._denied("Incorrect username or password.")
        return None

    def _used_code_error(self, action: str, data: dict[str, Any]) -> Answer:
        """A code that the emulator would take is used up by this very look at it, so that of two at once one counts."""
        if action == "VerifySoftwareToken":
            user, code, refused = self.cognito._user_for_access_token(data.get("AccessToken")), data.get("UserCode"), _AT_ENROLMENT
        elif action.endswith("RespondToAuthChallenge") and data.get("ChallengeName") == "SOFTWARE_TOKEN_MFA":
            pool, _ = self.cognito._pool_for_client(data.get("ClientId"))
            answers = data.get("ChallengeResponses") or {}
            user, code, refused = self._user(pool, str(answers.get("USERNAME"))), answers.get("SOFTWARE_TOKEN_MFA_CODE"), _AT_CHALLENGE
        else:
            return None
        secret = user and ((action == "VerifySoftwareToken" and user.get("_totp_pending_secret")) or user.get("_totp_secret"))
        if not secret or not isinstance(code, str) or self._use(user, secret, code):
            return None
        return self.cognito.error_response_json(refused, _USED, 400)

    def _use(self, user: dict[str, Any], secret: str, code: str) -> bool:
        """False for a code of a step that is over for this user; one of no step is the emulator's to refuse."""
        with self.codes:
            step = int(time.time() // _STEP_SECONDS)
            of_code = [step + each for each in _STEPS if secrets.compare_digest(self.cognito._totp_code(secret, each), code)]
            used_secret, last = user.get("_totp_used") or (secret, 0)
            if not of_code:
                return True
            if used_secret == secret and of_code[-1] <= last:
                return False
            user["_totp_used"] = (secret, of_code[-1])
            return True

    def _user(self, pool: Any, name: str) -> Any:
        return self.cognito._resolve_user(pool, name)[0]

    def _denied(self, message: str) -> Answer:
        return self.cognito.error_response_json("NotAuthorizedException", message, 400)


def _send_codes_by_chance(cognito: Any) -> None:
    plain_send = cognito._send_verification_email

    def send(pool: Any, username: str, attr_dict: Any, code: str, attribute_name: str = "email") -> Any:
        fresh = f"{secrets.randbelow(1_000_000):06}"
        if user := cognito._resolve_user(pool, username)[0]:
            user["_reset_code" if attribute_name == "password" else "_confirmation_code"] = fresh
        return plain_send(pool, username, attr_dict, fresh, attribute_name=attribute_name)

    cognito._send_verification_email = send


def hooks(cognito: Any) -> dict[str, str]:
    """Signature of every private name above, as the pinned version has them."""
    names = (
        *("_access_token_error", "_auth_flow_error", "_confirmation_code_error", "_pin_unsigned_idp_scope", "_pool_for_client"),
        *("_resolve_user", "_run_idp_handler", "_send_verification_email", "_signature_valid", "_token_claims", "_totp_code"),
        *("_user_for_access_token", "error_response_json"),
    )
    return {name: str(inspect.signature(getattr(cognito, name))).replace("'", "") for name in names}
