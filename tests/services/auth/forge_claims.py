"""Forged claims under a good signature: what Cognito would have to be wrong or another's for."""

import json
import random

from tests.services.auth.kinds import fresh, kind
from tests.services.auth.site import (
    CLIENT,
    HEADER,
    ID_KID,
    ISSUER,
    SECOND,
    id_claims,
    rsa_key,
    token_of,
)


@kind("foreign pool's issuer")
def _foreign_issuer(rng: random.Random) -> str:
    other = [
        ISSUER[:-1] + "4",
        ISSUER + "/",
        ISSUER.upper(),
        ISSUER.replace("https", "http"),
        ISSUER.replace("eu-central-1.", "us-east-1."),
        "",
        7,
        [ISSUER],
    ]
    return token_of(HEADER, fresh(rng, iss=rng.choice(other)))


@kind("foreign pool: its issuer and its key")
def _foreign_pool(rng: random.Random) -> str:
    return token_of(HEADER, fresh(rng, iss=ISSUER[:-1] + "4"), rsa_key("foreign"))


@kind("foreign client")
def _foreign_client(rng: random.Random) -> str:
    return token_of(HEADER, fresh(rng, client_id=rng.choice([CLIENT + "x", CLIENT.upper(), "", 0, [CLIENT]])))


@kind("id token of our pool and client")
def _id_token(rng: random.Random) -> str:
    return token_of({"alg": "RS256", "kid": ID_KID}, id_claims(jti=f"{rng.getrandbits(128):032x}"), rsa_key("id"))


@kind("id token that says client_id and username too")
def _id_dressed(rng: random.Random) -> str:
    return token_of(HEADER, fresh(rng, token_use="id", aud=CLIENT))


@kind("access token with an audience")
def _audience(rng: random.Random) -> str:
    return token_of(HEADER, fresh(rng, aud=rng.choice([CLIENT, [CLIENT], "other"])))


@kind("another token_use")
def _other_use(rng: random.Random) -> str:
    return token_of(HEADER, fresh(rng, token_use=rng.choice(["refresh", "Access", "", True, ["access"]])))


@kind("expired by a second")
def _expired(rng: random.Random) -> str:
    return token_of(HEADER, fresh(rng, exp=SECOND - 1, iat=SECOND - 3601))


@kind("expires at this very second")
def _expires_now(rng: random.Random) -> str:
    return token_of(HEADER, fresh(rng, exp=SECOND, iat=SECOND - 3600))


@kind("expired long ago")
def _expired_long(rng: random.Random) -> str:
    ago = rng.randint(2, 10**8)
    return token_of(HEADER, fresh(rng, exp=SECOND - ago, iat=SECOND - ago - 3600))


@kind("issued in the future")
def _from_future(rng: random.Random) -> str:
    ahead = rng.randint(6, 3000)
    return token_of(HEADER, fresh(rng, iat=SECOND + ahead, exp=SECOND + ahead + 3600))


@kind("not valid before later")
def _not_before(rng: random.Random) -> str:
    return token_of(HEADER, fresh(rng, nbf=SECOND + rng.randint(6, 10**6)))


@kind("a life longer than a day")
def _long_life(rng: random.Random) -> str:
    return token_of(HEADER, fresh(rng, exp=SECOND + 86_400 + rng.randint(1, 10**9)))


@kind("ends before it began")
def _backwards(rng: random.Random) -> str:
    return token_of(HEADER, fresh(rng, iat=SECOND + 4, exp=SECOND + rng.randint(1, 4)))


@kind("times that are no whole seconds")
def _odd_times(rng: random.Random) -> str:
    name = rng.choice(["exp", "iat", "nbf"])
    return token_of(HEADER, fresh(rng, **{name: rng.choice([str(SECOND + 60), SECOND + 0.5, True, -1, 10**30, [SECOND + 60], 1e300])}))


@kind("Infinity or NaN as its end")
def _no_number(rng: random.Random) -> str:
    text = json.dumps(fresh(rng)).replace(f'"exp": {SECOND + 3540}', f'"exp": {rng.choice(["Infinity", "NaN", "1e999"])}')
    return token_of(HEADER, text.encode())


@kind("a claim is missing")
def _missing(rng: random.Random) -> str:
    name = rng.choice(["sub", "username", "exp", "iat", "iss", "client_id", "token_use", "jti", "origin_jti"])
    return token_of(HEADER, fresh(rng, **{name: None}))


@kind("a subject or user name that is none")
def _odd_subject(rng: random.Random) -> str:
    return token_of(
        HEADER, fresh(rng, **{rng.choice(["sub", "username"]): rng.choice(["", 7, ["anna"], {"a": 1}, "x" * 300, "a\nb", "a\0"])})
    )


@kind("groups that are no list of names")
def _odd_groups(rng: random.Random) -> str:
    return token_of(HEADER, fresh(rng, **{"cognito:groups": rng.choice(["admin", {"admin": 1}, [["admin"]], [1], [""], True, ["a\nb"]])}))


@kind("a claim twice, rightly signed")
def _twice(rng: random.Random) -> str:
    text = json.dumps(fresh(rng))
    more = rng.choice(['"cognito:groups": ["admin"]', f'"exp": {SECOND + 60}', '"username": "root"', '"token_use": "access"'])
    return token_of(HEADER, f"{text[:-1]}, {more}}}".encode())


@kind("a payload that is no JSON object, rightly signed")
def _no_object(rng: random.Random) -> str:
    return token_of(HEADER, rng.choice([b"[]", b'"text"', b"7", b"null", b"{", b"\xff\xfe", b"{}{}", b"[" * 2000, b'{"a":' * 900]))
