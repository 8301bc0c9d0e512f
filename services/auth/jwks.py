"""The public keys of the user pool: fetched when needed, never more often than stated, and good for a bounded time through an outage.

A key that is not known leads to at most one fetch in PAUSE_SECONDS, however many unknown ones are asked for. Known keys are looked at
again after FRESH_SECONDS; where that fails they go on being used until they are KEPT_SECONDS old, and then nobody is let in (503).
"""

import base64
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import urllib3
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers

from runtime.clock import Clock
from runtime.errors import ServiceError
from runtime.log import logger
from services.problems import Unavailable

FRESH_SECONDS = 3600
KEPT_SECONDS = 24 * 3600
PAUSE_SECONDS = 10
# After a fetch that failed.
RETRY_SECONDS = 2
CONNECT_SECONDS, READ_SECONDS, ANSWER_SECONDS = 2.0, 3.0, 5.0
ANSWER_BYTES = 64 * 1024
MOST_KEYS = 16
_RSA_BITS = (2048, 8192)
_KID_LENGTH = 128

_log = logger("jwks")


def fetcher(url: str) -> Callable[[], bytes]:
    """Gets `url`; no redirects, nothing larger than ANSWER_BYTES or slower than ANSWER_SECONDS. Raises ServiceError for any other answer than 200."""
    pool = urllib3.PoolManager(num_pools=1, maxsize=1, retries=False, timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS))

    def fetch() -> bytes:
        try:
            answer = pool.request("GET", url, redirect=False, preload_content=False, headers={"Accept-Encoding": "identity"})
            try:
                content = _read(answer)
            finally:
                answer.close()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ServiceError(f"keys of the user pool: {url}: {type(error).__name__}") from None
        if answer.status != 200:
            raise ServiceError(f"keys of the user pool: {url} answered {answer.status}")
        return content

    return fetch


def _read(answer: urllib3.BaseHTTPResponse) -> bytes:
    # A time-out of sockets begins anew with each byte.
    ends, content = time.monotonic() + ANSWER_SECONDS, b""
    while chunk := answer.read1():
        content += chunk
        if len(content) > ANSWER_BYTES or time.monotonic() > ends:
            raise ServiceError(f"keys of the user pool: an answer of more than {ANSWER_BYTES} bytes or {ANSWER_SECONDS} s")
    return content


def keys_of(content: bytes) -> dict[str, RSAPublicKey]:
    """The RSA keys for signatures of a JWKS document, by their ids. Raises ServiceError where it is none, or holds none."""
    try:
        listed = json.loads(content)["keys"]
        found = dict(filter(None, map(_key, listed[:MOST_KEYS])))
    except (ValueError, TypeError, KeyError, RecursionError):
        found = {}
    if not found:
        raise ServiceError("keys of the user pool: the answer holds no RSA key for signatures")
    return found


def _key(entry: Any) -> tuple[str, RSAPublicKey] | None:
    if not isinstance(entry, dict) or entry.get("kty") != "RSA" or entry.get("use", "sig") != "sig" or entry.get("alg", "RS256") != "RS256":
        return None
    try:
        kid, n, e = entry["kid"], _number(entry["n"]), _number(entry["e"])
        if not isinstance(kid, str) or not 0 < len(kid) <= _KID_LENGTH or not _RSA_BITS[0] <= n.bit_length() <= _RSA_BITS[1]:
            return None
        return kid, RSAPublicNumbers(e, n).public_key()
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


def _number(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


@dataclass
class Jwks:
    fetch: Callable[[], bytes]
    clock: Clock
    _keys: Mapping[str, RSAPublicKey] = field(default_factory=dict)
    _fetched_at: datetime | None = None
    _next_try: datetime | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def key(self, kid: str) -> RSAPublicKey | None:
        """None for an id that the pool has no key of. Raises Unavailable where there are no keys to judge by."""
        known = self._keys.get(kid) if self._is_younger(KEPT_SECONDS) else None
        if known and self._is_younger(FRESH_SECONDS):
            return known
        if known:
            # Whoever comes first looks for all; the others go on with what is known.
            if self._lock.acquire(blocking=False):
                try:
                    self._refresh()
                finally:
                    self._lock.release()
        else:
            with self._lock:
                if kid not in self._keys or not self._is_younger(FRESH_SECONDS):
                    self._refresh()
        if not self._is_younger(KEPT_SECONDS):
            raise Unavailable("the keys of the user pool cannot be had; try again", headers={"Retry-After": str(RETRY_SECONDS)})
        return self._keys.get(kid)

    def _is_younger(self, seconds: float) -> bool:
        return self._fetched_at is not None and self.clock.now() - self._fetched_at < timedelta(seconds=seconds)

    def _refresh(self) -> None:
        """With the lock held; nothing where the last try is too near."""
        now = self.clock.now()
        if self._next_try and now < self._next_try:
            return
        try:
            self._keys = keys_of(self.fetch())
            self._fetched_at, pause = now, PAUSE_SECONDS
        except ServiceError as error:
            _log.warning("keys not fetched", extra={"why": str(error)})
            pause = RETRY_SECONDS
        self._next_try = now + timedelta(seconds=pause)
