"""Access tokens: who a call is from.

A token that was found good is known for a minute at most, by its digest, so that a call costs no RSA. What may change before it ends is
asked of the GRANTS table with every call (`services/auth/access.py`): whether its user signed out, was deleted or got other roles. Cognito
alone would go on taking a signed-out token for up to an hour. The price is that one consistent query; without it, a sign-out would count late.

A sign-out ends the session that asked for it, and all tokens of that user issued before its second. Of another session's token from
that second, or a few later that may be two clocks' difference, Cognito itself is asked, once.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

import jwt
from botocore.exceptions import ClientError

from fleet.user_pool import pool_ids
from runtime.clock import Clock
from runtime.platforms import Platform
from services.auth.access import Access, AccessTable, KnownCaller, SignedOut
from services.auth.claims import (
    FUTURE_SECONDS,
    ID_NOT_VALID,
    AccessClaims,
    Refused,
    access_claims,
    check_expiry,
    check_id_claims,
    check_size,
    unverified,
)
from services.auth.jwks import Jwks, fetcher
from services.identity import Role

KNOWN_TOKENS = 10_000
KNOWN_SECONDS = 60


K = TypeVar("K")
V = TypeVar("V")


@dataclass
class Recent(Generic[K, V]):
    """At most `most` of what was put last; many threads may use it."""

    most: int
    _held: "OrderedDict[K, V]" = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: K) -> V | None:
        with self._lock:
            return self._held.get(key)

    def put(self, key: K, value: V) -> None:
        with self._lock:
            self._held[key] = value
            self._held.move_to_end(key)
            while len(self._held) > self.most:
                self._held.popitem(last=False)

    def __len__(self) -> int:
        return len(self._held)


@dataclass
class PoolTokens:
    """`access` reads what the table holds of a user; `is_revoked` asks the user pool whether it takes a token no more."""

    issuer: str
    client: str
    keys: Jwks
    access: Callable[[str], Access]
    is_revoked: Callable[[str], bool]
    clock: Clock
    _known: "Recent[bytes, tuple[AccessClaims, datetime]]" = field(default_factory=lambda: Recent(KNOWN_TOKENS))
    _asked: "Recent[tuple[str, int], bool]" = field(default_factory=lambda: Recent(KNOWN_TOKENS))

    def verify(self, token: str) -> KnownCaller:
        """Raises Unauthenticated for whatever is no valid access token of our pool and client; Unavailable where that cannot be said."""
        claims = self._claims(token)
        access = self.access(claims.user_id)
        if access.is_deleted or self._is_signed_out(claims, access.signed_out, token):
            raise Refused("its user signed out or is gone")
        groups = _groups(claims, access)
        issued_at = datetime.fromtimestamp(claims.issued_at, UTC)
        return KnownCaller(claims.user_id, claims.user_name, role_of(groups), claims.token_id, issued_at, groups, access, claims.session_id)

    def check_id_token(self, token: str, user_id: str) -> None:
        """Raises Unauthenticated where it is no valid id token of this user, from our pool and for our client."""
        form = unverified(token)
        key = self.keys.key(form.kid)
        if key is None or not _RS256.verify(form.signed, key, form.signature):
            raise Refused("no signature of the user pool", ID_NOT_VALID)
        check_id_claims(form.payload, issuer=self.issuer, client=self.client, user_id=user_id, now=self.clock.now())

    def _claims(self, token: str) -> AccessClaims:
        now = self.clock.now()
        check_size(token)
        digest = hashlib.sha256(token.encode("ascii")).digest()
        known = self._known.get(digest)
        if known and now < known[1]:
            check_expiry(known[0].expires_at, now)
            return known[0]
        form = unverified(token)
        key = self.keys.key(form.kid)
        if key is None or not _RS256.verify(form.signed, key, form.signature):
            raise Refused("no signature of the user pool")
        claims = access_claims(form.payload, issuer=self.issuer, client=self.client, now=now)
        self._known.put(digest, (claims, now + timedelta(seconds=KNOWN_SECONDS)))
        return claims

    def _is_signed_out(self, claims: AccessClaims, signed_out: SignedOut | None, token: str) -> bool:
        if signed_out is None or claims.session_id == signed_out.session_id:
            # A session that was ended does not come back, by no refresh either.
            return signed_out is not None
        if not signed_out.at <= claims.issued_at <= signed_out.at + FUTURE_SECONDS:
            return claims.issued_at < signed_out.at
        asked = claims.token_id, signed_out.at
        if (answer := self._asked.get(asked)) is None:
            answer = self.is_revoked(token)
            self._asked.put(asked, answer)
        return answer


_RS256 = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)


def _groups(claims: AccessClaims, access: Access) -> frozenset[str]:
    roles = access.roles
    if roles and (roles.settled_at is None or claims.issued_at <= roles.settled_at + FUTURE_SECONDS):
        return roles.groups
    return claims.groups


def role_of(groups: Iterable[str]) -> Role:
    """The highest of the groups that are roles; of a user in none it is viewer."""
    return next((role for role in Role if role.value in set(groups)), Role.VIEWER)


def pool_tokens(platform: Platform, clock: Clock) -> PoolTokens:
    ids, idp = pool_ids(platform), platform.client("cognito-idp")
    # On AWS the issuer itself; on a laptop the emulator, whose tokens name AWS's issuer.
    url = f"{idp.meta.endpoint_url.rstrip('/')}/{ids.user_pool}/.well-known/jwks.json"

    def is_revoked(token: str) -> bool:
        try:
            idp.get_user(AccessToken=token)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NotAuthorizedException", "UserNotFoundException"):
                return True
            raise
        return False

    return PoolTokens(ids.issuer, ids.client, Jwks(fetcher(url), clock), AccessTable.of(platform).read, is_revoked, clock)
