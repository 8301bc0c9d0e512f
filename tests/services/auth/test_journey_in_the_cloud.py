"""Sign-in as a person does it, against the laptop's Cognito: sign-up to sign-out, MFA, SRP, roles, deletion, temporary credentials."""

import base64
import dataclasses
import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pyotp
import pytest
from httpx import Response
from pycognito.aws_srp import AWSSRP  # type: ignore[import-untyped] # it has no types

from fleet.tables import REQUESTS, TABLES
from local import api_tables, user_pool
from local.api_tables import create_table
from runtime.errors import UsageError
from runtime.platforms import current_platform
from services.auth.audit import Actor
from services.auth.secret import signing_key
from services.identity import Right, Role
from tests.services.auth.cloud_site import PASSWORD, Site, running_site
from tests.services.threads import together
from tests.waiting import eventually

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("auth")) as running:
        yield running


def code(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def claims_of(token: str) -> dict[str, Any]:
    content = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)))
    return claims


def test_from_sign_up_to_sign_out(site: Site) -> None:
    made = site.post("/auth/sign-up", user_name="anna", email="Anna@Example.com", password=PASSWORD)
    assert (made.status_code, made.json()["is_confirmed"]) == (201, False)
    assert code(site.post("/auth/login", user_name="anna", password=PASSWORD)) == (400, "UserNotConfirmedException")
    assert site.post("/auth/confirm", user_name="anna", code=site.code_for("anna@example.com")).status_code == 204
    # By the e-mail address, in whatever case.
    tokens = site.tokens("ANNA@example.com")
    access = tokens["access_token"]
    me = site.get("/auth/me", access).json()
    assert (me["user_id"], me["user_name"], me["permissions"]["role"]) == (made.json()["user_id"], "anna", "viewer")
    refreshed = site.post("/auth/refresh", refresh_token=tokens["refresh_token"]).json()
    assert site.get("/auth/me", refreshed["access_token"]).status_code == 200
    assert site.post("/auth/sign-out", access).status_code == 204
    for token in (access, refreshed["access_token"]):
        assert code(site.get("/auth/me", token)) == (401, "NotAuthorizedException")
    again = site.post("/auth/refresh", refresh_token=tokens["refresh_token"])
    assert again.status_code == 400 or site.get("/auth/me", again.json()["access_token"]).status_code == 401
    assert site.get("/auth/me", site.tokens("anna")["access_token"]).status_code == 200


def test_mfa_is_asked_for_once_it_is_on(site: Site) -> None:
    _, access = site.user("bert")
    authenticator = site.post("/auth/mfa", access).json()
    totp = pyotp.TOTP(authenticator["secret"])
    assert pyotp.parse_uri(authenticator["uri"]).now() == totp.now()  # type: ignore[attr-defined]
    wrong = f"{(int(totp.now()) + 1) % 1_000_000:06}"
    assert code(site.post("/auth/mfa/verify", access, code=wrong)) == (400, "EnableSoftwareTokenMFAException")
    enrolled = totp.now()
    assert site.post("/auth/mfa/verify", access, code=enrolled).status_code == 204
    asked = site.post("/auth/login", user_name="bert", password=PASSWORD).json()
    assert (asked["tokens"], asked["challenge"]["name"]) == (None, "SOFTWARE_TOKEN_MFA")
    session = asked["challenge"]["session"]
    assert code(site.post("/auth/challenge", session=session, code=wrong)) == (400, "CodeMismatchException")
    assert code(site.post("/auth/challenge", session=session, new_password="another Horse 8")) == (400, "InvalidParameterException")
    assert code(site.post("/auth/challenge", session=session[:-4] + "AAAA", code=totp.now())) == (400, "NotAuthorizedException")
    # That of its enrolment counts no more; the clock goes no further meanwhile than the next step's.
    assert code(site.post("/auth/challenge", session=session, code=enrolled)) == (400, "ExpiredCodeException")
    answer = site.post("/auth/challenge", session=session, code=totp.at(int(time.time()) + 30))
    assert site.get("/auth/me", answer.json()["tokens"]["access_token"]).json()["user_name"] == "bert"


def test_a_sign_in_that_fails_does_not_say_why(site: Site) -> None:
    site.user("cora")
    site.user("disabled")
    site.cloud.platform.client("cognito-idp").admin_disable_user(UserPoolId=site.ids.user_pool, Username="disabled")
    answers = [
        site.post("/auth/login", user_name=name, password=password).json()
        for name, password in [("cora", "wrong"), ("nobody", PASSWORD), ("nobody@example.com", PASSWORD), ("disabled", PASSWORD)]
    ]
    told = {(answer["status"], answer["code"], answer["detail"]) for answer in answers}
    assert told == {(400, "NotAuthorizedException", "Incorrect username or password.")}
    for path in ("/auth/password/forgot", "/auth/resend"):
        assert {site.post(path, user_name=name).status_code for name in ("cora", "nobody")} == {204}


def test_a_user_name_or_password_that_will_not_do_is_told_by_its_name(site: Site) -> None:
    site.user("dora")
    again = site.post("/auth/sign-up", user_name="dora", email="d@example.com", password=PASSWORD)
    assert code(again) == (400, "UsernameExistsException")
    assert code(site.post("/auth/sign-up", user_name="dina", email="d@example.com", password="short")) == (400, "InvalidPasswordException")
    for name in ("dora@example.com", str(uuid.uuid4()), "a b", "", "x" * 129, "a/../b", "a\0"):
        assert code(site.post("/auth/sign-up", user_name=name, email="d@example.com", password=PASSWORD)) == (400, "ValidationException")


def test_a_temporary_password_must_be_changed(site: Site) -> None:
    idp = site.cloud.platform.client("cognito-idp")
    idp.admin_create_user(UserPoolId=site.ids.user_pool, Username="emil", TemporaryPassword=PASSWORD, MessageAction="SUPPRESS")
    asked = site.post("/auth/login", user_name="emil", password=PASSWORD).json()["challenge"]
    assert asked["name"] == "NEW_PASSWORD_REQUIRED"
    answer = site.post("/auth/challenge", session=asked["session"], new_password="another Horse 8 battery")
    assert site.get("/auth/me", answer.json()["tokens"]["access_token"]).status_code == 200
    assert site.tokens("emil", "another Horse 8 battery")


def test_a_forgotten_password_is_set_anew_and_ends_all_sessions(site: Site) -> None:
    _, access = site.user("fred")
    issued_at = claims_of(access)["iat"]
    # Of its very second Cognito is asked, and the laptop's knows only of its own sign-outs.
    eventually(lambda: time.time() >= issued_at + 1, 5, "the second after the token's")
    assert site.post("/auth/password/forgot", user_name="fred").status_code == 204
    new = "another Horse 8 battery"
    code_ = site.code_for("fred@example.com")
    assert site.post("/auth/password/reset", user_name="fred", code=code_, password=new).status_code == 204
    assert code(site.get("/auth/me", access)) == (401, "NotAuthorizedException")
    assert site.get("/auth/me", site.tokens("fred", new)["access_token"]).json()["user_name"] == "fred"
    assert code(site.post("/auth/login", user_name="fred", password=PASSWORD)) == (400, "NotAuthorizedException")


def test_srp_by_a_client_of_cognito_gives_the_same_tokens(site: Site) -> None:
    user_id, _ = site.user("greta")
    client = site.cloud.platform.client("cognito-idp")
    srp = AWSSRP("greta", PASSWORD, site.ids.user_pool, site.ids.client, client=client)
    access = srp.authenticate_user()["AuthenticationResult"]["AccessToken"]
    assert site.get("/auth/me", access).json()["user_id"] == user_id
    wrong = AWSSRP("greta", "wrong", site.ids.user_pool, site.ids.client, client=client)
    with pytest.raises(client.exceptions.NotAuthorizedException):
        wrong.authenticate_user()


def test_the_pool_s_tokens_are_as_aws_s_pages_say(site: Site) -> None:
    tokens = site.tokens("root")
    access, identity = claims_of(tokens["access_token"]), claims_of(tokens["id_token"])
    assert access["iss"] == identity["iss"] == f"https://cognito-idp.us-east-1.amazonaws.com/{site.ids.user_pool}"
    assert (access["token_use"], access["client_id"], access["username"]) == ("access", site.ids.client, "root")
    assert "aud" not in access
    assert (identity["token_use"], identity["aud"], identity["cognito:username"]) == ("id", site.ids.client, "root")
    assert code(site.get("/auth/me", tokens["id_token"])) == (401, "NotAuthorizedException")


def test_an_administrator_confirms_where_no_e_mail_comes(site: Site) -> None:
    made = site.post("/auth/sign-up", user_name="hugo", email="hugo@example.com", password=PASSWORD).json()
    assert site.post(f"/users/{made['user_id']}/confirm", site.admin).status_code == 204
    assert site.tokens("hugo@example.com")
    assert code(site.post(f"/users/{uuid.uuid4()}/confirm", site.admin)) == (404, "UserNotFoundException")


def test_an_id_token_is_exchanged_for_temporary_credentials(site: Site) -> None:
    site.user("ida")
    tokens, other = site.tokens("ida"), site.tokens("root")
    given = site.post("/auth/credentials", tokens["access_token"], id_token=tokens["id_token"])
    assert given.status_code == 200, given.text
    assert given.json()["access_key_id"].startswith("ASIA")
    for wrong in (other["id_token"], tokens["access_token"], tokens["id_token"][:-2], "x.y.z"):
        assert code(site.post("/auth/credentials", tokens["access_token"], id_token=wrong)) == (401, "NotAuthorizedException")


def test_users_are_listed_page_by_page_and_found_by_filter(site: Site) -> None:
    for name in ("list-a", "list-b", "list-c"):
        site.user(name)
    headers = {"Authorization": f"Bearer {site.admin}"}
    names, token = [], None
    while True:
        page = site.api.get("/users", headers=headers, params={"limit": 2, **({"next_token": token} if token else {})}).json()
        names += [user["user_name"] for user in page["users"]]
        assert len(page["users"]) <= 2
        if (token := page["next_token"]) is None:
            break
    assert len(names) == len(set(names)) >= 4
    for query, found in [('email = "list-b@example.com"', {"list-b"}), ('username ^= "list-"', {"list-a", "list-b", "list-c"})]:
        answer = site.api.get("/users", headers=headers, params={"filter": query})
        assert {user["user_name"] for user in answer.json()["users"]} == found
    for query in ('name = "x"', "email", 'email = "x" or email = "y"', 'email != "x"', "email = x"):
        assert code(site.api.get("/users", headers=headers, params={"filter": query})) == (400, "InvalidParameterException")


def test_roles_count_with_the_next_call_and_the_last_administrator_stays(site: Site) -> None:
    user_id, access = site.user("jana")
    headers = {"Authorization": f"Bearer {site.admin}"}
    assert code(site.get("/users", access)) == (403, "AccessDeniedException")
    assert site.api.put(f"/users/{user_id}/roles", headers=headers, json={"roles": ["admin"]}).json()["role"] == "admin"
    assert site.get("/users", access).status_code == 200
    fresh = site.tokens("jana")["access_token"]
    assert claims_of(fresh)["cognito:groups"] == ["admin"]
    assert site.api.put(f"/users/{user_id}/roles", headers=headers, json={"roles": []}).json()["role"] == "viewer"
    assert {site.get("/users", token).status_code for token in (access, fresh)} == {403}
    root = site.get("/auth/me", site.admin).json()["user_id"]
    assert code(site.api.put(f"/users/{root}/roles", headers=headers, json={"roles": ["operator"]})) == (409, "ConflictException")
    assert code(site.api.delete(f"/users/{root}", headers=headers)) == (409, "ConflictException")
    assert site.get("/users", site.admin).status_code == 200
    lines = site.get(f"/users/{user_id}/audit", site.admin).json()["lines"]
    assert [(line["what"], line["after"]) for line in lines[:2]] == [("roles", {"groups": []}), ("roles", {"groups": ["admin"]})]


def test_a_deleted_user_is_out_at_once(site: Site) -> None:
    user_id, access = site.user("kurt")
    headers = {"Authorization": f"Bearer {site.admin}"}
    site.directory.add("engine-7")
    assert site.post(f"/users/{user_id}/permissions/devices", site.admin, devices=["engine-7"], rights=["read"]).status_code == 200
    assert site.api.delete(f"/users/{user_id}", headers=headers).status_code == 204
    assert code(site.get("/auth/me", access)) == (401, "NotAuthorizedException")
    assert code(site.get(f"/users/{user_id}", site.admin)) == (404, "UserNotFoundException")
    assert code(site.api.delete(f"/users/{user_id}", headers=headers)) == (404, "UserNotFoundException")
    assert code(site.post("/auth/login", user_name="kurt", password=PASSWORD)) == (400, "NotAuthorizedException")
    assert [line["what"] for line in site.get(f"/users/{user_id}/audit", site.admin).json()["lines"]] == ["delete-user", "grant", "sign-up"]


def test_a_second_first_administrator_is_refused(site: Site) -> None:
    with pytest.raises(UsageError, match="there is one already"):
        user_pool.make_administrator(site.cloud.platform, "eve", "eve@example.com", PASSWORD)


def test_pools_and_tables_are_made_once(site: Site) -> None:
    before = user_pool.create(site.cloud.platform)
    api_tables.create(site.cloud.platform)
    assert user_pool.create(site.cloud.platform) == before == site.ids
    tables = site.cloud.platform.client("dynamodb").list_tables()["TableNames"]
    assert len(tables) == len(set(tables)) == len(TABLES)


def test_of_two_administrators_who_demote_each_other_one_stays(site: Site) -> None:
    tokens = {}
    for name in ("left", "right"):
        user_id, _ = site.user(name)
        site.api.put(f"/users/{user_id}/roles", headers={"Authorization": f"Bearer {site.admin}"}, json={"roles": ["admin"]})
        tokens[user_id] = site.tokens(name)["access_token"]
    left, right = tokens
    root = site.get("/auth/me", site.admin).json()["user_id"]
    roles = site.services.users.roles
    actor = Actor(root, "root", "request-1")
    roles.set(root, "root", frozenset(), actor)
    try:
        for _ in range(4):
            together(lambda user: roles.set(user, {left: "left", right: "right"}[user], frozenset(), actor), [left, right])
            admins = [user for user, name in ((left, "left"), (right, "right")) if "admin" in roles.of(user, name)]
            assert len(admins) == 1
            for user, name in ((left, "left"), (right, "right")):
                roles.set(user, name, frozenset({Role.ADMIN}), actor)
    finally:
        roles.set(root, "root", frozenset({Role.ADMIN}), actor)


def test_the_same_grant_by_many_at_once_is_one_and_noted_once(site: Site) -> None:
    user_id, _ = site.user("lena")
    site.directory.add("engine-1")
    body = {"devices": ["engine-1"], "rights": ["read"]}
    answers = together(lambda _: site.post(f"/users/{user_id}/permissions/devices", site.admin, **body).json(), range(8))
    assert answers == [answers[0]] * 8
    assert [line["what"] for line in site.get(f"/users/{user_id}/audit", site.admin).json()["lines"]] == ["grant", "sign-up"]


def test_a_denial_holds_among_any_number_of_grants_that_are_given_and_taken(site: Site) -> None:
    user_id, access = site.user("mara")
    facts = site.directory.add("engine-2", groups=("hall-9",))
    path = f"/users/{user_id}/permissions"
    denied = site.post(f"/users/{user_id}/denials", site.admin, devices=["engine-2"]).json()["denials"][0]["denial_id"]

    def give_and_take(number: int) -> list[bool]:
        rights, seen = (["read"], ["read", "write"])[number % 2], []
        for _ in range(4):
            given = site.post(f"{path}/devices", site.admin, devices=["engine-2"], rights=rights).json()["grants"][0]["grant_id"]
            caller = site.services.tokens.verify(access)
            seen.append(site.services.permissions.decide(caller, Right.READ, facts).is_allowed)
            site.api.delete(f"{path}/{given}", headers={"Authorization": f"Bearer {site.admin}"})
        return seen

    assert together(give_and_take, range(4)) == [[False] * 4] * 4
    site.post(f"{path}/groups", site.admin, groups=["hall-9"], rights=["read"])
    site.api.delete(f"/users/{user_id}/denials/{denied}", headers={"Authorization": f"Bearer {site.admin}"})
    assert site.services.permissions.decide(site.services.tokens.verify(access), Right.READ, facts).is_allowed


def test_all_processes_sign_with_one_key(site: Site) -> None:
    fresh = dataclasses.replace(site.cloud.settings, table_prefix="key-race-")
    create_table(site.cloud.platform.client("dynamodb"), REQUESTS, fresh)
    keys = together(lambda _: signing_key(current_platform(fresh)), range(6))
    assert keys == [keys[0]] * 6
    assert len(keys[0]) == 32
