"""What an access token must be: its form before anything is trusted, its claims after its signature was found good.

It is stricter than RFC 7515 where a Cognito token never needs the room: base64url in its one canonical spelling (else a token has
many texts), no header but alg, kid and typ (so no jku, jwk, x5u, crit or b64 is ever looked at), no key twice in one object.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from runtime.strict_json import KeyTwice, NoNumber, no_constant, unique_keys
from services.problems import Unauthenticated

# Cognito's own are 1 to 2 KB; each group of a user adds its name.
MOST_BYTES = 8 * 1024
# How far a token may come from the future: two clocks that are both right differ so much. Nothing is forgiven at its end.
FUTURE_SECONDS = 5
# The longest that Cognito gives an access token.
LONGEST_SECONDS = 24 * 3600
_PARTS = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_HEADERS = {"alg", "kid", "typ"}
_TEXT_LENGTH = 128

NOT_VALID = "the access token is not valid"
ID_NOT_VALID = "the id token is not a valid one of yours"


class Refused(Unauthenticated):
    """`why` is for tests and for nobody else: the answer does not say it."""

    def __init__(self, why: str, told: str = NOT_VALID) -> None:
        super().__init__(told, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
        self.why = why


@dataclass(frozen=True)
class Unverified:
    """A token of the right form, of which nothing is true yet."""

    kid: str
    signed: bytes
    signature: bytes
    payload: bytes


@dataclass(frozen=True)
class AccessClaims:
    """Times are epoch seconds."""

    user_id: str
    user_name: str
    groups: frozenset[str]
    token_id: str
    session_id: str
    issued_at: int
    expires_at: int


def check_size(token: str) -> None:
    """Before anything else is done with it. Raises Refused."""
    if len(token) > MOST_BYTES or not token.isascii():
        raise Refused("longer than 8 KB, or not ASCII")


def unverified(token: str) -> Unverified:
    """Raises Refused where it is no RS256 JWT as Cognito makes them."""
    check_size(token)
    if not (parts := _PARTS.fullmatch(token)):
        raise Refused("not three parts of base64url")
    header, payload, signature = (_decoded(part) for part in parts.groups())
    fields = _object(header)
    if not fields.keys() <= _HEADERS or fields.get("typ", "JWT") != "JWT":
        raise Refused("a header that access tokens do not have")
    if fields.get("alg") != "RS256":
        raise Refused("not RS256")
    return Unverified(_text(fields, "kid"), token[: parts.end(2)].encode(), signature, payload)


def _decoded(part: str) -> bytes:
    try:
        content = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        raise Refused("not base64url") from None
    if base64.urlsafe_b64encode(content).decode().rstrip("=") != part:
        raise Refused("base64url in another spelling than its own")
    return content


def _object(content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content.decode("utf-8"), object_pairs_hook=unique_keys, parse_constant=no_constant)
    except KeyTwice:
        raise Refused("a key twice in one object") from None
    except NoNumber:
        raise Refused("NaN or Infinity") from None
    except (ValueError, RecursionError):
        raise Refused("not JSON") from None
    if not isinstance(document, dict):
        raise Refused("not a JSON object")
    return document


def access_claims(payload: bytes, *, issuer: str, client: str, now: datetime) -> AccessClaims:
    """The claims of a token whose signature is good. Raises Refused where they are not those of an access token for this client at `now`."""
    claims = _object(payload)
    if claims.get("iss") != issuer:
        raise Refused("another issuer")
    if claims.get("token_use") == "id":
        raise Refused("an id token", f"{NOT_VALID}: it is an id token; send the access token")
    if claims.get("token_use") != "access":
        raise Refused("no access token")
    if claims.get("client_id") != client:
        raise Refused("another client")
    if "aud" in claims:
        raise Refused("an audience, which access tokens do not have")
    issued_at, expires_at = _times(claims, now)
    return AccessClaims(
        user_id=_text(claims, "sub"),
        user_name=_text(claims, "username"),
        groups=_groups(claims),
        token_id=_text(claims, "jti"),
        session_id=_text(claims, "origin_jti"),
        issued_at=issued_at,
        expires_at=expires_at,
    )


def check_id_claims(payload: bytes, *, issuer: str, client: str, user_id: str, now: datetime) -> None:
    """Raises Refused where they are not those of an id token for this user and client at `now`."""
    claims = _object(payload)
    expected = {"iss": issuer, "aud": client, "token_use": "id", "sub": user_id}
    if any(claims.get(name) != value for name, value in expected.items()):
        raise Refused("no id token of this user", ID_NOT_VALID)
    _times(claims, now)


def check_expiry(expires_at: int, now: datetime) -> None:
    if now >= datetime.fromtimestamp(expires_at, UTC):
        raise Refused("expired", f"{NOT_VALID}: it has expired; sign in again or refresh it")


def _times(claims: Mapping[str, Any], now: datetime) -> tuple[int, int]:
    issued_at, expires_at = _second(claims, "iat"), _second(claims, "exp")
    begins_at = _second(claims, "nbf") if "nbf" in claims else issued_at
    if max(issued_at, begins_at) > now.timestamp() + FUTURE_SECONDS:
        raise Refused("from the future")
    if not 0 < expires_at - issued_at <= LONGEST_SECONDS:
        raise Refused("a life that no access token has")
    check_expiry(expires_at, now)
    return issued_at, expires_at


def _second(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if type(value) is not int or not 0 <= value < 2**40:
        raise Refused(f"no {name}")
    return value


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _TEXT_LENGTH and value.isprintable()


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not _is_text(value):
        raise Refused(f"no {name}")
    return str(value)


def _groups(claims: Mapping[str, Any]) -> frozenset[str]:
    groups = claims.get("cognito:groups", [])
    if not isinstance(groups, list) or not all(map(_is_text, groups)):
        raise Refused("groups that are no list of names")
    return frozenset(groups)
