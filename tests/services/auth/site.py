"""A user pool of the tests' own: its keys, its good tokens, and tokens of any claims and headers."""

import base64
import functools
import json
import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from runtime.clock import FixedClock
from services.auth.access import Access
from services.auth.jwks import Jwks
from services.auth.tokens import PoolTokens

NOW = datetime(2026, 11, 28, 12, 0, 0, tzinfo=UTC)
SECOND = int(NOW.timestamp())
POOL, CLIENT = "eu-central-1_AbCdEf123", "7hk2v4vq5n3c1example"
ISSUER = f"https://cognito-idp.eu-central-1.amazonaws.com/{POOL}"
ACCESS_KID, ID_KID = "YWNjZXNzIGtleQ", "aWQga2V5"
USER = "0f8fad5b-d9cb-469f-a165-70867728950e"


@functools.cache
def rsa_key(name: str) -> RSAPrivateKey:
    """By any name a key of its own, made once."""
    return generate_private_key(65537, 2048)


def encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def compact(document: Any) -> bytes:
    return document if isinstance(document, bytes) else json.dumps(document, separators=(",", ":")).encode()


def sign(content: str, key: RSAPrivateKey) -> bytes:
    return key.sign(content.encode(), padding.PKCS1v15(), hashes.SHA256())


def token_of(header: Any, claims: Any, key: RSAPrivateKey | None = None) -> str:
    """Signed RS256 whatever the header says; by the pool's key for access tokens unless another is given."""
    content = f"{encode(compact(header))}.{encode(compact(claims))}"
    return f"{content}.{encode(sign(content, key or rsa_key('access')))}"


def public_pem(key: RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def jwk(kid: str, key: RSAPrivateKey, **more: Any) -> dict[str, Any]:
    numbers = key.public_key().public_numbers()
    n = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8)
    return {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": kid, "n": encode(n), "e": encode(numbers.e.to_bytes(3)), **more}


def jwks_document() -> dict[str, Any]:
    return {"keys": [jwk(ID_KID, rsa_key("id")), jwk(ACCESS_KID, rsa_key("access"))]}


HEADER: dict[str, Any] = {"kid": ACCESS_KID, "alg": "RS256"}


def claims(**changes: Any) -> dict[str, Any]:
    """Those of a good access token, as AWS's pages show one; a change to None takes the claim away."""
    good = {
        "sub": USER,
        "cognito:groups": ["operator"],
        "iss": ISSUER,
        "client_id": CLIENT,
        "origin_jti": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
        "event_id": "64f513be-32db-42b0-b78e-b02127b4f463",
        "token_use": "access",
        "scope": "aws.cognito.signin.user.admin",
        "auth_time": SECOND - 60,
        "exp": SECOND + 3540,
        "iat": SECOND - 60,
        "jti": "11111111-2222-3333-4444-555555555555",
        "username": "anna",
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def id_claims(**changes: Any) -> dict[str, Any]:
    return claims(client_id=None, scope=None, username=None, aud=CLIENT, token_use="id", **{"cognito:username": "anna"}, **changes)


def good(rng: random.Random | None = None) -> str:
    """A good token; with `rng` one that nobody had before."""
    return token_of(HEADER, claims(jti=str(uuid.UUID(int=rng.getrandbits(128)))) if rng else claims())


@dataclass
class Site:
    """The verifier over the pool's keys, a clock at NOW, and what the table says of users."""

    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))
    users: dict[str, Access] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    fetched: int = 0

    def __post_init__(self) -> None:
        self.keys = Jwks(self.fetch, self.clock)
        self.tokens = PoolTokens(
            ISSUER, CLIENT, self.keys, lambda user: self.users.get(user, Access()), self.revoked.__contains__, self.clock
        )

    def fetch(self) -> bytes:
        self.fetched += 1
        return json.dumps(jwks_document()).encode()
