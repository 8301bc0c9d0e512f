"""Forged algorithms, keys and headers."""

import base64
import hmac
import random
from typing import Any

from tests.services.auth.kinds import fresh, kind
from tests.services.auth.site import (
    ACCESS_KID,
    CLIENT,
    HEADER,
    ID_KID,
    ISSUER,
    compact,
    encode,
    good,
    jwk,
    public_pem,
    rsa_key,
    sign,
    token_of,
)


def _unsigned(header: Any, content: Any) -> str:
    return f"{encode(compact(header))}.{encode(compact(content))}"


def _hmac(header: Any, content: Any, secret: bytes, digest: str = "sha256") -> str:
    text = _unsigned(header, content)
    return f"{text}.{encode(hmac.new(secret, text.encode(), digest).digest())}"


# The algorithm


@kind("alg none, unsigned")
def _none(rng: random.Random) -> str:
    return _unsigned({"alg": rng.choice(["none", "None", "NONE", "nOnE", ""]), "typ": "JWT"}, fresh(rng)) + "."


@kind("alg none with a good signature's bytes")
def _none_signed(rng: random.Random) -> str:
    return f"{_unsigned({'alg': 'none', 'kid': ACCESS_KID}, fresh(rng))}.{good(rng).rpartition('.')[2]}"


@kind("HS256 with the public key's PEM as its secret")
def _hs256_pem(rng: random.Random) -> str:
    name = rng.choice(["HS256", "HS384", "HS512"])
    digest = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}[name]
    secret = public_pem(rsa_key("access"))
    return _hmac({"alg": name, "kid": ACCESS_KID}, fresh(rng), rng.choice([secret, secret.strip(), secret + b"\n"]), digest)


@kind("RS256 in the header, HMAC by the public key's PEM")
def _hs256_as_rs256(rng: random.Random) -> str:
    return _hmac(HEADER, fresh(rng), public_pem(rsa_key("access")))


@kind("HS256 with an empty or a guessed secret")
def _hs256_guess(rng: random.Random) -> str:
    return _hmac({"alg": "HS256", "kid": ACCESS_KID}, fresh(rng), rng.choice([b"", b"secret", ACCESS_KID.encode(), CLIENT.encode()]))


@kind("another RSA algorithm, rightly signed as RS256")
def _other_alg(rng: random.Random) -> str:
    return token_of(
        {"alg": rng.choice(["RS384", "RS512", "PS256", "ES256", "EdDSA", "rs256", "RS256 ", 256, None]), "kid": ACCESS_KID}, fresh(rng)
    )


@kind("no alg")
def _no_alg(rng: random.Random) -> str:
    return token_of({"kid": ACCESS_KID}, fresh(rng))


# The key


@kind("signed by a foreign pool's key under our key id")
def _foreign_key(rng: random.Random) -> str:
    return token_of(HEADER, fresh(rng), rsa_key("foreign"))


@kind("signed by a foreign pool's key under its own key id")
def _foreign_kid(rng: random.Random) -> str:
    return token_of({"alg": "RS256", "kid": f"{rng.getrandbits(64):x}"}, fresh(rng), rsa_key("foreign"))


@kind("the key id of our other key")
def _other_kid(rng: random.Random) -> str:
    return token_of({"alg": "RS256", "kid": ID_KID}, fresh(rng))


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
    return token_of({"alg": "RS256", "kid": rng.choice(odd)}, fresh(rng))


@kind("no key id")
def _no_kid(rng: random.Random) -> str:
    return token_of({"alg": "RS256"}, fresh(rng))


@kind("jku or x5u: fetch the key from me")
def _jku(rng: random.Random) -> str:
    where = rng.choice(["http://127.0.0.1:9/jwks.json", ISSUER + "/.well-known/jwks.json", "file:///etc/passwd"])
    return token_of({**HEADER, rng.choice(["jku", "x5u"]): where}, fresh(rng), rng.choice([rsa_key("foreign"), rsa_key("access")]))


@kind("jwk: the key is in the token")
def _jwk(rng: random.Random) -> str:
    key = rsa_key("foreign")
    return token_of({**HEADER, "jwk": jwk(ACCESS_KID, key)}, fresh(rng), key)


@kind("x5c: the certificate is in the token")
def _x5c(rng: random.Random) -> str:
    return token_of({**HEADER, "x5c": [base64.b64encode(rng.randbytes(300)).decode()], "x5t": "x"}, fresh(rng), rsa_key("foreign"))


# The header


@kind("crit names an extension")
def _crit(rng: random.Random) -> str:
    return token_of({**HEADER, "crit": rng.choice([["exp"], ["b64"], [], ["x"]]), "x": 1}, fresh(rng))


@kind("b64 false: the payload as it is")
def _b64(rng: random.Random) -> str:
    header, content = encode(compact({**HEADER, "b64": False, "crit": ["b64"]})), compact(fresh(rng)).decode()
    signature = encode(sign(f"{header}.{content}", rsa_key("access")))
    return f"{header}.{rng.choice([content, encode(content.encode())])}.{signature}"


@kind("a header that no Cognito token has, rightly signed")
def _more_header(rng: random.Random) -> str:
    more: list[dict[str, Any]] = [{"zip": "DEF"}, {"cty": "JWT"}, {"typ": "JOSE"}, {"typ": "at+jwt"}, {"enc": "A256GCM"}, {"p2c": 10**9}]
    return token_of(HEADER | rng.choice(more), fresh(rng))


@kind("a key twice in the header, rightly signed")
def _twice_in_header(rng: random.Random) -> str:
    first, second = rng.sample(['"alg":"none"', '"alg":"RS256"'], 2)
    return token_of(f'{{"kid":"{ACCESS_KID}",{first},{second}}}'.encode(), fresh(rng))
