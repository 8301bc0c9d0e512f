"""Sign-up, sign-in, MFA, refresh and sign-out. Nothing secret is in a path or a query, which logs hold."""

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request, status

from services.auth import bodies
from services.auth.access import KnownCaller
from services.auth.audit import Actor, Change
from services.auth.login import Challenge as Asked
from services.auth.login import TokenSet, normal_login
from services.auth.tokens import PoolTokens
from services.auth.views import permissions_view
from services.composition import Services
from services.identity import SignedIn, bearer_token, services_of
from services.openapi import problems_of

router = APIRouter(prefix="/auth", tags=["sign-in"])
Api = Annotated[Services, Depends(services_of)]


def actor_of(request: Request, user_id: str, user_name: str) -> Actor:
    return Actor(user_id, user_name, request.state.request_id)


@router.post(
    "/sign-up",
    status_code=status.HTTP_201_CREATED,
    responses=problems_of(),
    response_description="The new user, who may do nothing until it is confirmed",
)
def sign_up(request: Request, api: Api, body: bodies.SignUp) -> bodies.SignedUp:
    """Make a user. It may do nothing until it is confirmed, and sees nothing until something is granted."""
    user_id, is_confirmed = api.users.login.sign_up(body.user_name, body.email, body.password)
    after = {"user_name": body.user_name, "email": body.email}
    actor = actor_of(request, user_id, body.user_name)
    api.users.rules.audit.write(Change(user_id, "sign-up", None, after, actor, api.clock.now()))
    return bodies.SignedUp(user_id=user_id, is_confirmed=is_confirmed)


@router.post("/confirm", status_code=status.HTTP_204_NO_CONTENT, responses=problems_of(), response_description="The user is confirmed")
def confirm(api: Api, body: bodies.Confirmation) -> None:
    """Confirm a sign-up with the code that came by e-mail. Where there is no e-mail: POST /users/{user_id}/confirm."""
    with api.rates.trying("confirm", normal_login(body.user_name)):
        api.users.login.confirm(body.user_name, body.code)


@router.post(
    "/resend", status_code=status.HTTP_204_NO_CONTENT, responses=problems_of(), response_description="Sent, where there is such a user"
)
def resend(api: Api, body: bodies.UserName) -> None:
    """Send the code of a sign-up again. The answer is the same where there is no such user."""
    api.users.login.resend(body.user_name)


@router.post("/login", responses=problems_of(), response_description="Tokens, or the challenge to answer first")
def login(api: Api, body: bodies.Credentials) -> bodies.SignIn:
    """Sign in by user name or verified e-mail address: tokens, or a challenge for POST /auth/challenge.

    A user who is not there, a wrong password and a disabled user are refused in the same words, and after too many tries alike.
    """
    with api.rates.trying("sign in", normal_login(body.user_name)):
        return _sign_in(api.users.login.sign_in(body.user_name, body.password))


@router.post("/challenge", responses=problems_of(), response_description="Tokens, or a further challenge")
def challenge(api: Api, body: bodies.ChallengeAnswer) -> bodies.SignIn:
    """Answer a challenge: the authenticator's code, or a new password. It may be followed by another one."""
    # By user, not by session: whoever has the password has as many sessions as they like.
    with api.rates.trying("challenge", api.users.login.user_of(body.session)):
        return _sign_in(api.users.login.respond(body.session, code=body.code, new_password=body.new_password))


@router.post("/refresh", responses=problems_of(), response_description="New access and id tokens")
def refresh(api: Api, body: bodies.RefreshToken) -> bodies.Tokens:
    """New access and id tokens. The refresh token stays as it is."""
    return _tokens(api.users.login.refresh(body.refresh_token))


@router.post(
    "/sign-out",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems_of(),
    response_description="No token of the caller counts any more",
)
def sign_out(request: Request, api: Api, caller: SignedIn) -> None:
    """End all sessions of the caller: no token that it has counts any more, from the next call on."""
    api.users.login.sign_out(bearer_token(request))
    session = caller.session_id if isinstance(caller, KnownCaller) else ""
    api.users.rules.sign_out(caller.user_id, session, actor_of(request, caller.user_id, caller.user_name))


@router.post(
    "/password/forgot",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems_of(),
    response_description="Sent, where there is such a user",
)
def forgot(api: Api, body: bodies.UserName) -> None:
    """Send a code for a new password by e-mail. The answer is the same where there is no such user."""
    api.users.login.forgot(body.user_name)


@router.post(
    "/password/reset",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems_of(),
    response_description="The new password counts, and all sessions are over",
)
def reset(request: Request, api: Api, body: bodies.PasswordReset) -> None:
    """Set a new password with the code that came by e-mail. All sessions of the user end."""
    with api.rates.trying("reset", normal_login(body.user_name)):
        api.users.login.reset(body.user_name, body.code, body.password)
    user = api.users.by_name(body.user_name)
    api.users.end_sessions(user)
    api.users.rules.sign_out(user.user_id, "", actor_of(request, user.user_id, user.user_name))


@router.post("/mfa", responses=problems_of(), response_description="The secret for the authenticator")
def associate(request: Request, api: Api, caller: SignedIn) -> bodies.Authenticator:
    """A new secret for an authenticator (TOTP). It counts once POST /auth/mfa/verify has seen a code of it."""
    secret, uri = api.users.login.associate(bearer_token(request), caller.user_name)
    return bodies.Authenticator(secret=secret, uri=uri)


@router.post("/mfa/verify", status_code=status.HTTP_204_NO_CONTENT, responses=problems_of(), response_description="MFA is on")
def verify(request: Request, api: Api, caller: SignedIn, body: bodies.Code) -> None:
    """Turn MFA on: from now on a sign-in needs the authenticator's code as well."""
    api.users.login.enable_mfa(bearer_token(request), body.code)
    actor = actor_of(request, caller.user_id, caller.user_name)
    api.users.rules.audit.write(Change(caller.user_id, "enable-mfa", None, None, actor, api.clock.now()))


@router.get("/me", responses=problems_of(), response_description="The caller, and what it may do")
def me(api: Api, caller: SignedIn) -> bodies.Me:
    """Who the caller is, and what it may do."""
    access = caller.access if isinstance(caller, KnownCaller) else api.users.rules.table.read(caller.user_id)
    permissions = permissions_view(caller, access, api.clock.now())
    return bodies.Me(user_id=caller.user_id, user_name=caller.user_name, groups=sorted(caller.groups), permissions=permissions)


@router.post("/credentials", responses=problems_of(), response_description="Temporary credentials of the identity pool")
def credentials(api: Api, caller: SignedIn, body: bodies.IdToken) -> bodies.AwsCredentials:
    """Temporary AWS credentials of the identity pool, for the caller's own id token."""
    cast(PoolTokens, api.tokens).check_id_token(body.id_token, caller.user_id)
    given = api.users.login.credentials(body.id_token)
    return bodies.AwsCredentials(
        access_key_id=given["AccessKeyId"],
        secret_key=given["SecretKey"],
        session_token=given["SessionToken"],
        expires_at=given["Expiration"],
    )


def _sign_in(outcome: TokenSet | Asked) -> bodies.SignIn:
    if isinstance(outcome, Asked):
        return bodies.SignIn(challenge=bodies.Challenge(name=outcome.name, session=outcome.session))
    return bodies.SignIn(tokens=_tokens(outcome))


def _tokens(given: TokenSet) -> bodies.Tokens:
    return bodies.Tokens(
        access_token=given.access_token, id_token=given.id_token, refresh_token=given.refresh_token, expires_in=given.expires_in
    )
