"""Kinds of tokens that must be refused, each well formed as far as its trick allows, each by its name."""

import base64
import hashlib
import hmac
import json
import random
from collections.abc import Callable
from typing import Any

from tests.services.auth.site import (
    ACCESS_KID,
    CLIENT,
    HEADER,
    ID_KID,
    ISSUER,
    SECOND,
    claims,
    compact,
    encode,
    good,
    id_claims,
    jwk,
    public_pem,
    rsa_key,
    sign,
    token_of,
)

Forge = Callable[[random.Random], str]
KINDS: dict[str, Forge] = {}


def kind(name: str) -> Callable[[Forge], Forge]:
    def add(forge: Forge) -> Forge:
        KINDS[name] = forge
        return forge

    return add


def _fresh(rng: random.Random, **changes: Any) -> dict[str, Any]:
    return claims(**({"jti": f"{rng.getrandbits(128):032x}"} | changes))


def _unsigned(header: Any, content: Any) -> str:
    return f"{encode(compact(header))}.{encode(compact(content))}"


def _hmac(header: Any, content: Any, secret: bytes, digest: str = "sha256") -> str:
    text = _unsigned(header, content)
    return f"{text}.{encode(hmac.new(secret, text.encode(), digest).digest())}"


# The algorithm


@kind("alg none, unsigned")
def _none(rng: random.Random) -> str:
    return _unsigned({"alg": rng.choice(["none", "None", "NONE", "nOnE", ""]), "typ": "JWT"}, _fresh(rng)) + "."


@kind("alg none with a good signature's bytes")
def _none_signed(rng: random.Random) -> str:
    return f"{_unsigned({'alg': 'none', 'kid': ACCESS_KID}, _fresh(rng))}.{good(rng).rpartition('.')[2]}"


@kind("HS256 with the public key's PEM as its secret")
def _hs256_pem(rng: random.Random) -> str:
    name = rng.choice(["HS256", "HS384", "HS512"])
    digest = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}[name]
    secret = public_pem(rsa_key("access"))
    return _hmac({"alg": name, "kid": ACCESS_KID}, _fresh(rng), rng.choice([secret, secret.strip(), secret + b"\n"]), digest)


@kind("RS256 in the header, HMAC by the public key's PEM")
def _hs256_as_rs256(rng: random.Random) -> str:
    return _hmac(HEADER, _fresh(rng), public_pem(rsa_key("access")))


@kind("HS256 with an empty or a guessed secret")
def _hs256_guess(rng: random.Random) -> str:
    return _hmac({"alg": "HS256", "kid": ACCESS_KID}, _fresh(rng), rng.choice([b"", b"secret", ACCESS_KID.encode(), CLIENT.encode()]))


@kind("another RSA algorithm, rightly signed as RS256")
def _other_alg(rng: random.Random) -> str:
    return token_of(
        {"alg": rng.choice(["RS384", "RS512", "PS256", "ES256", "EdDSA", "rs256", "RS256 ", 256, None]), "kid": ACCESS_KID}, _fresh(rng)
    )


@kind("no alg")
def _no_alg(rng: random.Random) -> str:
    return token_of({"kid": ACCESS_KID}, _fresh(rng))


# The key


@kind("signed by a foreign pool's key under our key id")
def _foreign_key(rng: random.Random) -> str:
    return token_of(HEADER, _fresh(rng), rsa_key("foreign"))


@kind("signed by a foreign pool's key under its own key id")
def _foreign_kid(rng: random.Random) -> str:
    return token_of({"alg": "RS256", "kid": f"{rng.getrandbits(64):x}"}, _fresh(rng), rsa_key("foreign"))


@kind("the key id of our other key")
def _other_kid(rng: random.Random) -> str:
    return token_of({"alg": "RS256", "kid": ID_KID}, _fresh(rng))


@kind("a key id that is a path, SQL, nothing or no text")
def _odd_kid(rng: random.Random) -> str:
    odd = [
        "../../dev/null",
        "' OR 1=1 --",
        "",
        None,
        0,
        [ACCESS_KID],
        {"kid": ACCESS_KID},
        ACCESS_KID + "\0",
        ACCESS_KID.lower(),
        "x" * 200,
    ]
    return token_of({"alg": "RS256", "kid": rng.choice(odd)}, _fresh(rng))


@kind("no key id")
def _no_kid(rng: random.Random) -> str:
    return token_of({"alg": "RS256"}, _fresh(rng))


@kind("jku or x5u: fetch the key from me")
def _jku(rng: random.Random) -> str:
    where = rng.choice(["http://127.0.0.1:9/jwks.json", ISSUER + "/.well-known/jwks.json", "file:///etc/passwd"])
    return token_of({**HEADER, rng.choice(["jku", "x5u"]): where}, _fresh(rng), rng.choice([rsa_key("foreign"), rsa_key("access")]))


@kind("jwk: the key is in the token")
def _jwk(rng: random.Random) -> str:
    key = rsa_key("foreign")
    return token_of({**HEADER, "jwk": jwk(ACCESS_KID, key)}, _fresh(rng), key)


@kind("x5c: the certificate is in the token")
def _x5c(rng: random.Random) -> str:
    return token_of({**HEADER, "x5c": [base64.b64encode(rng.randbytes(300)).decode()], "x5t": "x"}, _fresh(rng), rsa_key("foreign"))


# The header


@kind("crit names an extension")
def _crit(rng: random.Random) -> str:
    return token_of({**HEADER, "crit": rng.choice([["exp"], ["b64"], [], ["x"]]), "x": 1}, _fresh(rng))


@kind("b64 false: the payload as it is")
def _b64(rng: random.Random) -> str:
    header, content = encode(compact({**HEADER, "b64": False, "crit": ["b64"]})), compact(_fresh(rng)).decode()
    signature = encode(sign(f"{header}.{content}", rsa_key("access")))
    return f"{header}.{rng.choice([content, encode(content.encode())])}.{signature}"


@kind("a header that no Cognito token has, rightly signed")
def _more_header(rng: random.Random) -> str:
    more: list[dict[str, Any]] = [{"zip": "DEF"}, {"cty": "JWT"}, {"typ": "JOSE"}, {"typ": "at+jwt"}, {"enc": "A256GCM"}, {"p2c": 10**9}]
    return token_of(HEADER | rng.choice(more), _fresh(rng))


@kind("a key twice in the header, rightly signed")
def _twice_in_header(rng: random.Random) -> str:
    first, second = rng.sample(['"alg":"none"', '"alg":"RS256"'], 2)
    return token_of(f'{{"kid":"{ACCESS_KID}",{first},{second}}}'.encode(), _fresh(rng))


# The claims, rightly signed by our pool's key: what Cognito would have to be wrong or another's for


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
    return token_of(HEADER, _fresh(rng, iss=rng.choice(other)))


@kind("foreign pool: its issuer and its key")
def _foreign_pool(rng: random.Random) -> str:
    return token_of(HEADER, _fresh(rng, iss=ISSUER[:-1] + "4"), rsa_key("foreign"))


@kind("foreign client")
def _foreign_client(rng: random.Random) -> str:
    return token_of(HEADER, _fresh(rng, client_id=rng.choice([CLIENT + "x", CLIENT.upper(), "", 0, [CLIENT]])))


@kind("id token of our pool and client")
def _id_token(rng: random.Random) -> str:
    return token_of({"alg": "RS256", "kid": ID_KID}, id_claims(jti=f"{rng.getrandbits(128):032x}"), rsa_key("id"))


@kind("id token that says client_id and username too")
def _id_dressed(rng: random.Random) -> str:
    return token_of(HEADER, _fresh(rng, token_use="id", aud=CLIENT))


@kind("access token with an audience")
def _audience(rng: random.Random) -> str:
    return token_of(HEADER, _fresh(rng, aud=rng.choice([CLIENT, [CLIENT], "other"])))


@kind("another token_use")
def _other_use(rng: random.Random) -> str:
    return token_of(HEADER, _fresh(rng, token_use=rng.choice(["refresh", "Access", "", True, ["access"]])))


@kind("expired by a second")
def _expired(rng: random.Random) -> str:
    return token_of(HEADER, _fresh(rng, exp=SECOND - 1, iat=SECOND - 3601))


@kind("expires at this very second")
def _expires_now(rng: random.Random) -> str:
    return token_of(HEADER, _fresh(rng, exp=SECOND, iat=SECOND - 3600))


@kind("expired long ago")
def _expired_long(rng: random.Random) -> str:
    ago = rng.randint(2, 10**8)
    return token_of(HEADER, _fresh(rng, exp=SECOND - ago, iat=SECOND - ago - 3600))


@kind("issued in the future")
def _from_future(rng: random.Random) -> str:
    ahead = rng.randint(6, 3000)
    return token_of(HEADER, _fresh(rng, iat=SECOND + ahead, exp=SECOND + ahead + 3600))


@kind("not valid before later")
def _not_before(rng: random.Random) -> str:
    return token_of(HEADER, _fresh(rng, nbf=SECOND + rng.randint(6, 10**6)))


@kind("a life longer than a day")
def _long_life(rng: random.Random) -> str:
    return token_of(HEADER, _fresh(rng, exp=SECOND + 86_400 + rng.randint(1, 10**9)))


@kind("ends before it began")
def _backwards(rng: random.Random) -> str:
    return token_of(HEADER, _fresh(rng, iat=SECOND + 4, exp=SECOND + rng.randint(1, 4)))


@kind("times that are no whole seconds")
def _odd_times(rng: random.Random) -> str:
    name = rng.choice(["exp", "iat", "nbf"])
    return token_of(HEADER, _fresh(rng, **{name: rng.choice([str(SECOND + 60), SECOND + 0.5, True, -1, 10**30, [SECOND + 60], 1e300])}))


@kind("Infinity or NaN as its end")
def _no_number(rng: random.Random) -> str:
    text = json.dumps(_fresh(rng)).replace(f'"exp": {SECOND + 3540}', f'"exp": {rng.choice(["Infinity", "NaN", "1e999"])}')
    return token_of(HEADER, text.encode())


@kind("a claim is missing")
def _missing(rng: random.Random) -> str:
    name = rng.choice(["sub", "username", "exp", "iat", "iss", "client_id", "token_use", "jti", "origin_jti"])
    return token_of(HEADER, _fresh(rng, **{name: None}))


@kind("a subject or user name that is none")
def _odd_subject(rng: random.Random) -> str:
    return token_of(
        HEADER, _fresh(rng, **{rng.choice(["sub", "username"]): rng.choice(["", 7, ["anna"], {"a": 1}, "x" * 300, "a\nb", "a\0"])})
    )


@kind("groups that are no list of names")
def _odd_groups(rng: random.Random) -> str:
    return token_of(HEADER, _fresh(rng, **{"cognito:groups": rng.choice(["admin", {"admin": 1}, [["admin"]], [1], [""], True, ["a\nb"]])}))


@kind("a claim twice, rightly signed")
def _twice(rng: random.Random) -> str:
    text = json.dumps(_fresh(rng))
    more = rng.choice(['"cognito:groups": ["admin"]', f'"exp": {SECOND + 60}', '"username": "root"', '"token_use": "access"'])
    return token_of(HEADER, f"{text[:-1]}, {more}}}".encode())


@kind("a payload that is no JSON object, rightly signed")
def _no_object(rng: random.Random) -> str:
    return token_of(HEADER, rng.choice([b"[]", b'"text"', b"7", b"null", b"{", b"\xff\xfe", b"{}{}", b"[" * 2000, b'{"a":' * 900]))


# Two good tokens, and a good token changed


@kind("parts of two good tokens swapped")
def _swapped(rng: random.Random) -> str:
    first, second = good(rng).split("."), good(rng).split(".")
    return ".".join([first[0], *rng.choice([(first[1], second[2]), (second[1], first[2])])])


@kind("parts in another order, or one too many or few")
def _reordered(rng: random.Random) -> str:
    a, b, c = good(rng).split(".")
    return rng.choice(
        [f"{b}.{a}.{c}", f"{a}.{c}.{b}", f"{a}.{b}", f"{a}.{b}.{c}.{c}", f"{a}.{b}.", f".{b}.{c}", f"{a}..{c}", f"{a}.{b}.{c}."]
    )


@kind("a claim changed under a good signature")
def _changed(rng: random.Random) -> str:
    header, _, signature = good(rng).split(".")
    changes: list[dict[str, Any]] = [{"cognito:groups": ["admin"]}, {"sub": "somebody-else"}, {"username": "root"}, {"exp": SECOND + 7200}]
    return f"{header}.{encode(compact(_fresh(rng, **rng.choice(changes))))}.{signature}"


@kind("the header changed under a good signature")
def _changed_header(rng: random.Random) -> str:
    _, content, signature = good(rng).split(".")
    return f"{encode(compact({'alg': 'RS256', 'kid': ACCESS_KID, 'typ': 'JWT'}))}.{content}.{signature}"


def _flip(rng: random.Random, at: int) -> str:
    parts = good(rng).split(".")
    content = bytearray(base64.urlsafe_b64decode(parts[at] + "=" * (-len(parts[at]) % 4)))
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    parts[at] = encode(bytes(content))
    return ".".join(parts)


@kind("a bit of the header flipped")
def _flip_header(rng: random.Random) -> str:
    return _flip(rng, 0)


@kind("a bit of the payload flipped")
def _flip_payload(rng: random.Random) -> str:
    return _flip(rng, 1)


@kind("a bit of the signature flipped")
def _flip_signature(rng: random.Random) -> str:
    return _flip(rng, 2)


@kind("a bit of the token's own text flipped")
def _flip_text(rng: random.Random) -> str:
    text = bytearray(good(rng).encode())
    text[rng.randrange(len(text))] ^= 1 << rng.randrange(7)
    return text.decode()


@kind("the same signature in another spelling of base64")
def _spelling(rng: random.Random) -> str:
    head, _, signature = good(rng).rpartition(".")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    # 256 bytes leave 4 bits of the last letter unused.
    unused = alphabet[alphabet.index(signature[-1]) ^ rng.randint(1, 15)]
    at = rng.randrange(len(signature))
    other = [signature[:-1] + unused, signature + "==", signature + "=", signature[:at] + rng.choice("!\n +/ ") + signature[at:]]
    return f"{head}.{rng.choice(other)}"


@kind("a signature cut short, made longer or of zeros")
def _cut(rng: random.Random) -> str:
    head, _, signature = good(rng).rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    return f"{head}.{encode(rng.choice([raw[:-1], raw + b'x', b'', bytes(256), bytes([0] * 255 + [1]), raw[::-1], b'x00' + raw]))}"


@kind("longer than 8 KB, rightly signed")
def _long(rng: random.Random) -> str:
    return token_of(HEADER, _fresh(rng, padding="x" * rng.randint(8192, 20_000)))


@kind("signed by a key whose hash is another")
def _other_digest(rng: random.Random) -> str:
    text = _unsigned(HEADER, _fresh(rng))
    return f"{text}.{encode(hashlib.sha256(text.encode()).digest() * 8)}"


@kind("a five-part token (JWE)")
def _jwe(rng: random.Random) -> str:
    return ".".join(
        [encode(compact({"alg": "RSA-OAEP", "enc": "A256GCM", "kid": ACCESS_KID})), *(encode(rng.randbytes(n)) for n in (256, 12, 200, 16))]
    )


@kind("white space, quotes or another scheme around a good one")
def _around(rng: random.Random) -> str:
    token = good(rng)
    return rng.choice(
        [f" {token}", f"{token} ", f'"{token}"', f"{token},{token}", f"Bearer {token}", f"{token}\n", f"{token}\0", f"ｅ{token[1:]}"]
    )
