"""Drives the emulator's Cognito in a process of its own, with the checks of `local/emulator_cognito.py`, and prints what it answered.

``python -m tests.local.cognito_alone FOLDER``; its state goes to FOLDER.
"""

import base64
import json
import os
import sys
import time
from typing import Any

import pyotp

PASSWORD = "correct Horse 7 battery."


class Driver:
    def __init__(self, cognito: Any) -> None:
        self.cognito = cognito
        self.mails: list[str] = []
        plain = cognito._deliver_cognito_email

        def deliver(pool: Any, to: str, subject: str, body: str, *rest: Any, **more: Any) -> Any:
            self.mails.append(body)
            return plain(pool, to, subject, body, *rest, **more)

        cognito._deliver_cognito_email = deliver

    def ask(self, action: str, **data: Any) -> dict[str, Any]:
        name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in action)
        status, _, body = self.cognito._run_idp_handler(getattr(self.cognito, name), action, data)
        return {"status": status, **json.loads(body or b"{}")}

    def code(self) -> str:
        return "".join(letter for letter in self.mails[-1] if letter.isdigit())


def told(answer: dict[str, Any]) -> str:
    return str(answer.get("__type", "ok")).rpartition("#")[2]


def main(folder: str) -> None:
    os.environ |= {"STATE_DIR": folder, "S3_DATA_DIR": folder, "TMPDIR": folder}
    from ministack.services import cognito

    from local.emulator_cognito import check_sign_in, hooks

    signatures = hooks(cognito)
    check_sign_in(cognito)
    print(json.dumps({"hooks": signatures, "told": list(_drive(Driver(cognito)))}))  # noqa: T201 - its answer


def _drive(driver: Driver) -> Any:
    pool = driver.ask("CreateUserPool", PoolName="p", AliasAttributes=["email"])["UserPool"]["Id"]
    driver.ask("SetUserPoolMfaConfig", UserPoolId=pool, MfaConfiguration="OPTIONAL", SoftwareTokenMfaConfiguration={"Enabled": True})
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"]
    client = driver.ask("CreateUserPoolClient", UserPoolId=pool, ClientName="c", ExplicitAuthFlows=flows)["UserPoolClient"]["ClientId"]
    email = [{"Name": "email", "Value": "anna@example.com"}]
    driver.ask("SignUp", ClientId=client, Username="anna", Password=PASSWORD, UserAttributes=email)
    sign_up = {"ClientId": client, "Username": "anna"}
    yield "a wrong password of an unconfirmed user", told(driver.ask("InitiateAuth", **_login(client, "anna", "wrong")))
    yield "the password of an unconfirmed user", told(driver.ask("InitiateAuth", **_login(client, "anna", PASSWORD)))
    yield "confirm with the emulator's usual code", told(driver.ask("ConfirmSignUp", **sign_up, ConfirmationCode="123456"))
    yield "confirm with the code that was sent", told(driver.ask("ConfirmSignUp", **sign_up, ConfirmationCode=driver.code()))
    driver.ask("ForgotPassword", **sign_up)
    new = {"Password": PASSWORD + "!"}
    yield "reset with the emulator's usual code", told(driver.ask("ConfirmForgotPassword", **sign_up, ConfirmationCode="654321", **new))
    yield "reset with the code that was sent", told(driver.ask("ConfirmForgotPassword", **sign_up, ConfirmationCode=driver.code(), **new))
    yield from _sessions(driver, pool, client, PASSWORD + "!")


def _sessions(driver: Driver, pool: str, client: str, password: str) -> Any:
    tokens = driver.ask("InitiateAuth", **_login(client, "anna", password))["AuthenticationResult"]
    refresh = {"ClientId": client, "AuthFlow": "REFRESH_TOKEN_AUTH"}
    forged = {"REFRESH_TOKEN": _forged(tokens["RefreshToken"])}
    yield "a forged refresh token", told(driver.ask("InitiateAuth", **refresh, AuthParameters=forged))
    good = {"REFRESH_TOKEN": tokens["RefreshToken"]}
    yield "a good refresh token", told(driver.ask("InitiateAuth", **refresh, AuthParameters=good))
    yield "a forged access token", told(driver.ask("GetUser", AccessToken=_forged(tokens["AccessToken"])))
    yield "a good access token", told(driver.ask("GetUser", AccessToken=tokens["AccessToken"]))
    driver.ask("GlobalSignOut", AccessToken=tokens["AccessToken"])
    yield "an access token after sign-out", told(driver.ask("GetUser", AccessToken=tokens["AccessToken"]))
    yield "a refresh token after sign-out", told(driver.ask("InitiateAuth", **refresh, AuthParameters=good))
    yield from _challenges(driver, pool, client)


def _challenges(driver: Driver, pool: str, client: str) -> Any:
    for name in ("emil", "eve"):
        driver.ask("AdminCreateUser", UserPoolId=pool, Username=name, TemporaryPassword=PASSWORD, MessageAction="SUPPRESS")
    session = driver.ask("InitiateAuth", **_login(client, "eve", PASSWORD))["Session"]
    answer = {"ClientId": client, "ChallengeName": "NEW_PASSWORD_REQUIRED"}
    emil, eve = ({"USERNAME": name, "NEW_PASSWORD": PASSWORD + "!"} for name in ("emil", "eve"))
    yield "a challenge without its session", told(driver.ask("RespondToAuthChallenge", **answer, ChallengeResponses=emil))
    yield (
        "a challenge with another's session",
        told(driver.ask("RespondToAuthChallenge", **answer, Session=session, ChallengeResponses=emil)),
    )
    other = answer | {"ChallengeName": "MFA_SETUP", "Session": session}
    yield "another challenge with the session", told(driver.ask("RespondToAuthChallenge", **other, ChallengeResponses=eve))
    yield "a challenge with its session", told(driver.ask("RespondToAuthChallenge", **answer, Session=session, ChallengeResponses=eve))
    yield "the session again", told(driver.ask("RespondToAuthChallenge", **answer, Session=session, ChallengeResponses=eve))
    yield from _codes(driver, client)


def _codes(driver: Driver, client: str) -> Any:
    """An authenticator's code of the step before, of this one and of the next: whichever step is now, the emulator takes the middle two."""
    access = driver.ask("InitiateAuth", **_login(client, "eve", PASSWORD + "!"))["AuthenticationResult"]["AccessToken"]
    totp, now = pyotp.TOTP(driver.ask("AssociateSoftwareToken", AccessToken=access)["SecretCode"]), int(time.time())
    this, following = totp.at(now), totp.at(now + 30)
    yield "enrolment with a code", told(driver.ask("VerifySoftwareToken", AccessToken=access, UserCode=this))
    yield "enrolment with it again", told(driver.ask("VerifySoftwareToken", AccessToken=access, UserCode=this))

    def answered(code: str) -> str:
        session = driver.ask("InitiateAuth", **_login(client, "eve", PASSWORD + "!"))["Session"]
        given = {"USERNAME": "eve", "SOFTWARE_TOKEN_MFA_CODE": code}
        answer = {"ClientId": client, "ChallengeName": "SOFTWARE_TOKEN_MFA", "Session": session}
        return told(driver.ask("RespondToAuthChallenge", **answer, ChallengeResponses=given))

    yield "the code of enrolment in a challenge", answered(this)
    wrong = next(
        code for code in ("000000", "000001", "000002", "000003") if code not in (this, following, totp.at(now - 30), totp.at(now + 60))
    )
    yield "a wrong code", answered(wrong)
    yield "the next step's code", answered(following)
    yield "the next step's code again", answered(following)
    yield "an earlier step's code after it", answered(this)


def _login(client: str, name: str, password: str) -> dict[str, Any]:
    return {"ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": {"USERNAME": name, "PASSWORD": password}}


def _forged(token: str) -> str:
    """The same claims under no signature of the pool."""
    header, content, signature = token.split(".")
    return f"{header}.{content}.{base64.urlsafe_b64encode(bytes(256)).decode().rstrip('=')[: len(signature)]}"


if __name__ == "__main__":
    main(sys.argv[1])
