"""Tokens: what is accepted, what is refused, and how little that says."""

import random
from dataclasses import replace

import pytest

from services.auth.access import Access, SetRoles, SignedOut
from services.auth.claims import Refused
from services.auth.jwks import PAUSE_SECONDS
from services.auth.tokens import KNOWN_SECONDS, KNOWN_TOKENS
from services.identity import Role
from services.problems import Unauthenticated
from tests.services.auth.forge import KINDS
from tests.services.auth.site import HEADER, ID_KID, SECOND, USER, Site, claims, good, id_claims, rsa_key, token_of


@pytest.fixture
def site() -> Site:
    return Site()


def test_a_good_token_names_its_caller(site: Site) -> None:
    caller = site.tokens.verify(good())
    assert (caller.user_id, caller.user_name, caller.role) == (USER, "anna", Role.OPERATOR)
    assert caller.token_id == "11111111-2222-3333-4444-555555555555"
    assert caller.issued_at.timestamp() == SECOND - 60
    assert caller.groups == {"operator"}


def test_there_are_more_than_thirty_kinds_of_bad_token() -> None:
    assert len(KINDS) > 45


@pytest.mark.parametrize("name", KINDS)
def test_a_bad_token_is_refused_and_a_good_one_accepted(site: Site, name: str) -> None:
    rng = random.Random(name)
    for _ in range(6):
        with pytest.raises(Unauthenticated, match=r"^the access token is not valid") as refused:
            site.tokens.verify(KINDS[name](rng))
        assert refused.value.status == 401
        assert site.tokens.verify(good(rng)).user_id == USER


def test_what_is_told_is_coarse(site: Site) -> None:
    told = set()
    for name, forge in KINDS.items():
        with pytest.raises(Refused) as refused:
            site.tokens.verify(forge(random.Random(name)))
        told.add(refused.value.detail)
    assert told == {
        "the access token is not valid",
        "the access token is not valid: it has expired; sign in again or refresh it",
        "the access token is not valid: it is an id token; send the access token",
    }


def test_a_forged_token_is_not_told_that_it_has_expired(site: Site) -> None:
    forged = token_of(HEADER, claims(exp=SECOND - 1, iat=SECOND - 3601), rsa_key("foreign"))
    with pytest.raises(Refused) as refused:
        site.tokens.verify(forged)
    assert refused.value.detail == "the access token is not valid"


@pytest.mark.parametrize("changes", [{"typ": "JWT"}, {}])
def test_a_header_may_name_its_type(site: Site, changes: dict[str, str]) -> None:
    assert site.tokens.verify(token_of({**HEADER, **changes}, claims())).user_id == USER


def test_a_token_from_a_clock_a_little_ahead_is_accepted(site: Site) -> None:
    assert site.tokens.verify(token_of(HEADER, claims(iat=SECOND + 5, exp=SECOND + 3605))).user_id == USER


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (None, Role.VIEWER),
        ([], Role.VIEWER),
        (["sales"], Role.VIEWER),
        (["device"], Role.DEVICE),
        (["device", "viewer"], Role.VIEWER),
        (["viewer", "operator"], Role.OPERATOR),
        (["operator", "admin", "device"], Role.ADMIN),
        (["Admin"], Role.VIEWER),
    ],
)
def test_the_highest_group_is_the_role(site: Site, groups: list[str] | None, role: Role) -> None:
    assert site.tokens.verify(token_of(HEADER, claims(**{"cognito:groups": groups}))).role is role


def test_a_known_token_costs_no_signature_and_expires_all_the_same(site: Site) -> None:
    token = token_of(HEADER, claims(exp=SECOND + 30))
    site.tokens.verify(token)
    site.keys._keys = {}
    assert site.tokens.verify(token).user_id == USER
    site.clock.advance(seconds=30)
    with pytest.raises(Refused, match="expired"):
        site.tokens.verify(token)


def test_a_known_token_is_looked_at_again_after_a_minute(site: Site) -> None:
    token = good()
    site.tokens.verify(token)
    site.keys._keys = {ID_KID: rsa_key("id").public_key()}
    site.clock.advance(seconds=KNOWN_SECONDS - 1)
    site.tokens.verify(token)
    site.clock.advance(seconds=1)
    site.keys._next_try = site.clock.moment.replace(year=2030)
    with pytest.raises(Refused):
        site.tokens.verify(token)


def test_the_known_tokens_are_bounded(site: Site) -> None:
    assert KNOWN_TOKENS == 10_000
    site.tokens._known.most = 3
    rng = random.Random(1)
    for _ in range(9):
        site.tokens.verify(good(rng))
    assert len(site.tokens._known) == 3


def test_no_bad_token_is_remembered(site: Site) -> None:
    for name, forge in KINDS.items():
        with pytest.raises(Refused):
            site.tokens.verify(forge(random.Random(name)))
    assert len(site.tokens._known) == 0
    assert site.fetched <= 1 + PAUSE_SECONDS


def test_after_a_sign_out_every_earlier_token_is_refused(site: Site) -> None:
    token = good()
    site.tokens.verify(token)
    site.users[USER] = Access(signed_out=SignedOut(SECOND, "another session"))
    with pytest.raises(Refused):
        site.tokens.verify(token)
    assert site.tokens.verify(token_of(HEADER, claims(iat=SECOND + 1))).user_id == USER
    site.users[USER] = Access(signed_out=SignedOut(SECOND + 60, "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"))
    with pytest.raises(Refused):
        site.tokens.verify(token_of(HEADER, claims(iat=SECOND + 1)))


def test_of_a_token_from_the_second_of_the_sign_out_its_session_and_the_pool_decide(site: Site) -> None:
    same, other, fresh = (token_of(HEADER, claims(iat=SECOND, origin_jti=name, jti=name)) for name in ("same", "other", "fresh"))
    site.users[USER] = Access(signed_out=SignedOut(SECOND, "same"))
    site.revoked.add(other)
    for token in (same, other):
        with pytest.raises(Refused):
            site.tokens.verify(token)
    assert site.tokens.verify(fresh).user_id == USER


def test_a_deleted_user_is_refused(site: Site) -> None:
    site.tokens.verify(good())
    site.users[USER] = Access(is_deleted=True)
    with pytest.raises(Refused):
        site.tokens.verify(good())


def test_roles_that_were_set_count_at_once_and_until_tokens_have_them(site: Site) -> None:
    old, new = good(), token_of(HEADER, claims(iat=SECOND + 5, exp=SECOND + 60, **{"cognito:groups": ["viewer"]}))
    unsettled = SetRoles(frozenset({"admin"}), None)
    for roles, token, role in [
        (unsettled, old, Role.ADMIN),
        (unsettled, new, Role.ADMIN),
        (replace(unsettled, settled_at=SECOND), old, Role.ADMIN),
        (replace(unsettled, settled_at=SECOND), new, Role.ADMIN),
        (replace(unsettled, settled_at=SECOND - 1), new, Role.VIEWER),
        (SetRoles(frozenset(), SECOND), old, Role.VIEWER),
    ]:
        site.users[USER] = Access(roles=roles)
        assert site.tokens.verify(token).role is role


def test_an_id_token_of_ours_is_told_as_one(site: Site) -> None:
    with pytest.raises(Refused, match="it is an id token"):
        site.tokens.verify(token_of({"alg": "RS256", "kid": ID_KID}, id_claims(), rsa_key("id")))
