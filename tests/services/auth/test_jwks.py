"""The keys of the pool: rotation, floods of unknown key ids, outages, and answers that are none; from a server of the test's own."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from runtime.clock import FixedClock
from runtime.errors import ServiceError
from services.auth import jwks
from services.auth.access import Access
from services.auth.claims import Refused
from services.auth.jwks import ANSWER_BYTES, FRESH_SECONDS, KEPT_SECONDS, MOST_KEYS, PAUSE_SECONDS, RETRY_SECONDS, Jwks, fetcher, keys_of
from services.auth.tokens import PoolTokens
from services.problems import Unavailable
from tests.services.auth.site import CLIENT, ISSUER, NOW, SECOND, USER, claims, jwk, rsa_key, token_of


class Pool:
    """A server of jwks.json whose answers a test chooses."""

    def __init__(self) -> None:
        self.document: Any = {"keys": [jwk("first", rsa_key("access"))]}
        self.status, self.asked = 200, 0
        self.before: Callable[[], object] = lambda: None
        pool = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                pool.asked += 1
                pool.before()
                content = pool.document if isinstance(pool.document, bytes) else json.dumps(pool.document).encode()
                self.send_response(pool.status)
                self.send_header("Content-Length", str(len(content)))
                self.send_header("Location", "/elsewhere")
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/pool/.well-known/jwks.json"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def pool() -> Iterator[Pool]:
    served = Pool()
    yield served
    served.stop()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def keys(pool: Pool, clock: FixedClock) -> Jwks:
    return Jwks(fetcher(pool.url), clock)


def test_a_key_is_fetched_once(pool: Pool, keys: Jwks) -> None:
    for _ in range(5):
        key = keys.key("first")
        assert key is not None
        assert key.public_numbers() == rsa_key("access").public_key().public_numbers()
    assert pool.asked == 1


def test_a_rotated_key_is_found_and_the_old_one_gone_within_the_hour(pool: Pool, keys: Jwks, clock: FixedClock) -> None:
    assert keys.key("first")
    pool.document = {"keys": [jwk("second", rsa_key("id"))]}
    clock.advance(seconds=PAUSE_SECONDS)
    assert keys.key("second")
    assert keys.key("first") is None
    assert pool.asked == 2


def test_a_key_that_was_taken_away_is_refused_after_an_hour_without_any_unknown_one(pool: Pool, keys: Jwks, clock: FixedClock) -> None:
    assert keys.key("first")
    pool.document = {"keys": [jwk("second", rsa_key("id"))]}
    clock.advance(seconds=FRESH_SECONDS - 1)
    assert keys.key("first")
    clock.advance(seconds=1)
    assert keys.key("first") is None


def test_a_flood_of_unknown_key_ids_asks_once_in_ten_seconds(pool: Pool, keys: Jwks, clock: FixedClock) -> None:
    assert keys.key("first")
    for second in range(30):
        for number in range(50):
            assert keys.key(f"unknown-{second}-{number}") is None
        assert keys.key("first")
        clock.advance(seconds=1)
    # At 10 and at 20 s.
    assert pool.asked == 3
    assert len(keys._keys) == 1


def test_many_callers_at_once_make_one_fetch(pool: Pool, keys: Jwks) -> None:
    gate = threading.Barrier(17)

    def ask(_: int) -> bool:
        gate.wait(5)
        return keys.key("first") is not None

    with ThreadPoolExecutor(16) as threads:
        answers = threads.map(ask, range(16))
        gate.wait(5)
        assert list(answers) == [True] * 16
    assert pool.asked == 1


def test_while_keys_are_looked_at_again_the_known_ones_serve(pool: Pool, keys: Jwks, clock: FixedClock) -> None:
    assert keys.key("first")
    clock.advance(seconds=FRESH_SECONDS)
    asked, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        asked.set()
        assert go_on.wait(5)

    pool.before = hold
    slow = threading.Thread(target=keys.key, args=("first",))
    slow.start()
    assert asked.wait(5)
    assert keys.key("first")
    go_on.set()
    slow.join(5)
    assert pool.asked == 2


def test_an_outage_is_survived_for_a_day_and_no_longer(pool: Pool, keys: Jwks, clock: FixedClock) -> None:
    assert keys.key("first")
    pool.status = 503
    clock.advance(seconds=KEPT_SECONDS - 1)
    assert keys.key("first")
    assert keys.key("unknown") is None
    clock.advance(seconds=1)
    with pytest.raises(Unavailable):
        keys.key("first")
    assert pool.asked == 2
    pool.status = 200
    clock.advance(seconds=RETRY_SECONDS)
    assert keys.key("first")


def test_without_any_key_nobody_is_called_a_liar(pool: Pool, keys: Jwks, clock: FixedClock) -> None:
    pool.stop()
    for _ in range(3):
        with pytest.raises(Unavailable) as told:
            keys.key("first")
        assert told.value.headers == {"Retry-After": "2"}
    pool.server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    pool.thread = threading.Thread(target=pool.server.serve_forever, args=(0.01,))
    pool.thread.start()


@pytest.mark.parametrize("status", [204, 301, 302, 400, 404, 500])
def test_another_answer_is_an_outage_and_no_redirect_is_followed(pool: Pool, status: int) -> None:
    pool.status = status
    with pytest.raises(ServiceError, match="keys of the user pool"):
        fetcher(pool.url)()
    assert pool.asked == 1


def test_a_large_answer_is_not_read(pool: Pool) -> None:
    pool.document = b"x" * ANSWER_BYTES
    assert len(fetcher(pool.url)()) == ANSWER_BYTES
    pool.document = b"x" * (ANSWER_BYTES + 1)
    with pytest.raises(ServiceError, match="more than 65536 bytes"):
        fetcher(pool.url)()


def test_a_server_that_does_not_answer_is_given_up(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    pool.before = lambda: go_on.wait(5)
    monkeypatch.setattr(jwks, "READ_SECONDS", 0.05)
    begun = time.monotonic()
    with pytest.raises(ServiceError, match="ReadTimeoutError"):
        fetcher(pool.url)()
    assert time.monotonic() - begun < 2
    go_on.set()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"keys": []}',
        b'{"keys": null}',
        b'{"keys": [null, 7, "x", {}]}',
        b'{"keys": {"a": 1}}',
        b"\xff",
        b"[" * 60_000,
        b'{"keys": [{"kty": "oct", "kid": "a", "k": "c2VjcmV0"}]}',
    ],
)
def test_what_holds_no_key_is_no_answer(content: bytes) -> None:
    with pytest.raises(ServiceError, match="no RSA key"):
        keys_of(content)


def _changed(**changes: Any) -> dict[str, Any]:
    return {**jwk("bad", rsa_key("access")), **changes}


@pytest.mark.parametrize(
    "bad",
    [
        _changed(kid=7),
        _changed(kid=""),
        _changed(kid="x" * 200),
        _changed(use="enc"),
        _changed(alg="RS512"),
        _changed(kty="EC"),
        _changed(n="AQAB"),
        _changed(n=7),
        _changed(e="Ag"),
        _changed(n="A" * 8000),
        {"kty": "RSA"},
    ],
)
def test_a_key_that_is_none_is_left_out_and_the_others_count(bad: dict[str, Any]) -> None:
    assert list(keys_of(json.dumps({"keys": [bad, jwk("good", rsa_key("access"))]}).encode())) == ["good"]


def test_no_more_than_sixteen_keys_are_taken() -> None:
    many = [jwk(f"k{number}", rsa_key("access")) for number in range(MOST_KEYS + 9)]
    assert len(keys_of(json.dumps({"keys": many}).encode())) == MOST_KEYS


def test_tokens_of_a_rotated_key_are_accepted_at_once_and_those_of_the_old_one_refused_within_the_hour(
    pool: Pool, clock: FixedClock
) -> None:
    tokens = PoolTokens(ISSUER, CLIENT, Jwks(fetcher(pool.url), clock), lambda _: Access(), lambda _: False, clock)
    old = token_of({"alg": "RS256", "kid": "first"}, claims(exp=SECOND + 80_000), rsa_key("access"))
    new = token_of({"alg": "RS256", "kid": "second"}, claims(exp=SECOND + 80_000), rsa_key("id"))
    tokens.verify(old)
    pool.document = {"keys": [jwk("second", rsa_key("id")), jwk("first", rsa_key("access"))]}
    clock.advance(seconds=PAUSE_SECONDS)
    for token in (new, old):
        assert tokens.verify(token).user_id == USER
    pool.document = {"keys": [jwk("second", rsa_key("id"))]}
    clock.advance(seconds=FRESH_SECONDS)
    with pytest.raises(Refused):
        tokens.verify(old)
    pool.status = 500
    clock.advance(seconds=FRESH_SECONDS)
    assert tokens.verify(new).user_id == USER
    with pytest.raises(Refused):
        tokens.verify(old)
