"""Passwords and codes are guessed only so often, whoever's they are."""

from collections.abc import Callable
from typing import Any

import pytest
from httpx import Response

from services.auth.login import Challenge, TokenSet
from services.problems import Invalid
from services.rates import Rates
from tests.services.api import Api

RIGHT = "correct Horse 7 battery"
CODE = "123456"


class GuessedAt:
    """Cognito's part of signing in: anna's password is RIGHT, every code is CODE, and there is nobody else. `asked` counts the questions."""

    def __init__(self) -> None:
        self.asked = 0

    def sign_in(self, user_name: str, password: str) -> TokenSet | Challenge:
        self._check(user_name.lower() in ("anna", "anna@example.com") and password == RIGHT)
        return TokenSet("access", "id", 3600)

    def user_of(self, session: str) -> str:
        return session.partition("-")[0]

    def respond(self, session: str, *, code: str | None, new_password: str | None) -> TokenSet:
        self._check(code == CODE)
        return TokenSet("access", "id", 3600)

    def confirm(self, user_name: str, code: str) -> None:
        self._check(code == CODE)

    def reset(self, user_name: str, code: str, password: str) -> None:
        self._check(code == CODE)

    def _check(self, is_right: bool) -> None:
        self.asked += 1
        if not is_right:
            raise Invalid("wrong", code="NotAuthorizedException")


@pytest.fixture
def login(running: Api) -> GuessedAt:
    guessed = GuessedAt()
    running.services.users.__dict__["login"] = guessed
    running.services.__dict__["rates"] = Rates(0, 0, 3)
    return guessed


def sign_in(api: Api, name: str = "anna", password: str = "wrong") -> Response:
    return api.call("POST", "/auth/login", json={"user_name": name, "password": password})


def challenge(api: Api, session: str, code: str = "000000") -> Response:
    return api.call("POST", "/auth/challenge", json={"session": session, "code": code})


def code_of(api: Api, path: str, code: str = "000000") -> Response:
    more = {"password": RIGHT} if path.endswith("reset") else {}
    return api.call("POST", path, json={"user_name": "anna", "code": code, **more})


WAYS: list[Callable[[Api], Response]] = [
    sign_in,
    lambda api: sign_in(api, "nobody"),
    # Each a session of its own: who knows the password has any number of them.
    lambda api: challenge(api, f"anna-{id(object())}"),
    lambda api: code_of(api, "/auth/confirm"),
    lambda api: code_of(api, "/auth/password/reset"),
]


@pytest.mark.parametrize("guess", WAYS, ids=["password", "nobody's password", "challenge", "confirmation", "reset"])
def test_after_so_many_wrong_tries_cognito_is_not_asked_any_more(running: Api, login: GuessedAt, guess: Callable[[Api], Response]) -> None:
    assert [guess(running).status_code for _ in range(5)] == [400] * 3 + [429] * 2
    assert login.asked == 3
    refused = guess(running)
    assert refused.json()["code"] == "TooManyRequestsException"
    assert 1 <= int(refused.headers["Retry-After"]) <= 300


def test_even_the_right_password_waits_then_and_other_names_do_not(running: Api, login: GuessedAt) -> None:
    for _ in range(3):
        sign_in(running)
    assert sign_in(running, password=RIGHT).status_code == 429
    # The same name of another spelling is another user; an e-mail address is the same in any.
    assert [sign_in(running, "Anna@example.com", RIGHT).status_code for _ in range(5)] == [200] * 5
    assert [sign_in(running, name).status_code for name in ("a@example.com", "A@Example.com", "a@EXAMPLE.com", "a@example.com")] == [
        400,
        400,
        400,
        429,
    ]


def test_a_success_ends_the_count(running: Api, login: GuessedAt) -> None:
    for _ in range(4):
        assert [sign_in(running).status_code for _ in range(2)] == [400, 400]
        assert sign_in(running, password=RIGHT).status_code == 200
        assert [challenge(running, "anna-1").status_code for _ in range(2)] == [400, 400]
        assert challenge(running, "anna-1", CODE).status_code == 200


def test_a_right_password_gives_no_more_tries_at_the_code(running: Api, login: GuessedAt) -> None:
    told: list[Any] = []
    for number in range(4):
        sign_in(running, password=RIGHT)
        told.append(challenge(running, f"anna-{number}").status_code)
    assert told == [400, 400, 400, 429]


def test_zero_is_any_number_of_tries(running: Api, login: GuessedAt) -> None:
    running.services.__dict__["rates"] = Rates(0, 0, 0)
    assert {sign_in(running).status_code for _ in range(20)} == {400}
