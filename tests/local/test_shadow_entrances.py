"""Where the keeping of shadows itself fails, a client is told so in AWS's words, and the emulator goes on."""

import asyncio
import contextlib
import json
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from fleet.shadow.engine import Limits
from local.emulator_shadows import Entrances


class Records:
    """The emulator's store of shadows, with one record, which nobody can read."""

    def __init__(self) -> None:
        self.record: dict[str, Any] = {"shadow": "no JSON"}

    def get_scoped(self, account: str, region: str, key: tuple[str, str]) -> dict[str, Any]:
        return self.record

    def set_scoped(self, account: str, region: str, key: tuple[str, str], value: dict[str, Any]) -> None:
        self.record = value


class Emulator:
    """What of its modules the entrances use; `published` is what went through the broker."""

    def __init__(self) -> None:
        self.published: list[tuple[str, Any]] = []
        self._shadows = Records()

    async def broker_publish(self, account: str, region: str, topic: str, payload: bytes, qos: int) -> None:
        self.published.append((topic, json.loads(payload)))

    async def handle_request(self, *asked: Any) -> str:
        return "the emulator's own answer"


@pytest.fixture
def emulator() -> Emulator:
    return Emulator()


@pytest.fixture
def entrances(emulator: Emulator) -> Entrances:
    responses = SimpleNamespace(
        get_account_id=lambda: "000000000000", get_region=lambda: "us-east-1", request_scope=lambda *scope: contextlib.nullcontext()
    )
    return Entrances(emulator, emulator, responses, Limits())


@pytest.mark.parametrize("verb", ["get", "update", "delete"])
def test_a_failure_of_the_engine_is_rejected_over_mqtt_and_logged(
    emulator: Emulator, entrances: Entrances, caplog: pytest.LogCaptureFixture, verb: str
) -> None:
    with caplog.at_level(logging.ERROR):
        asyncio.run(entrances.over_mqtt("000000000000", "us-east-1", "engine-7", verb, None, b'{"state": {}}'))
    [(topic, document)] = emulator.published
    assert topic == f"$aws/things/engine-7/shadow/{verb}/rejected"
    assert (document["code"], document["message"]) == (500, "Internal service failure")
    assert "engine-7" in caplog.text


def test_a_failure_of_the_engine_over_http_is_answered_there_alone(emulator: Emulator, entrances: Entrances) -> None:
    status, headers, body = asyncio.run(entrances.over_http("POST", "/things/engine-7/shadow", b'{"state": {}}', {}))
    assert (status, headers["x-amzn-errortype"], json.loads(body)["message"]) == (
        500,
        "InternalFailureException",
        "Internal service failure",
    )
    assert emulator.published == []


def test_what_the_emulator_kept_by_itself_once_is_no_shadow_and_in_nobodys_way(emulator: Emulator, entrances: Entrances) -> None:
    emulator._shadows.record = {"state": {"desired": {}, "reported": {"a": 1}}, "metadata": {}, "version": 3}
    assert asyncio.run(entrances.over_http("GET", "/things/engine-7/shadow", b"", {}))[0] == 404
    assert asyncio.run(entrances.over_http("POST", "/things/engine-7/shadow", b'{"state": {}}', {}))[0] == 200
    assert json.loads(asyncio.run(entrances.over_http("GET", "/things/engine-7/shadow", b"", {}))[2])["version"] == 1


def test_a_method_that_shadows_do_not_have_is_refused(entrances: Entrances) -> None:
    status, headers, _ = asyncio.run(entrances.over_http("PUT", "/things/engine-7/shadow", b"", {}))
    assert (status, headers["x-amzn-errortype"]) == (405, "MethodNotAllowedException")


def test_a_name_that_is_given_and_empty_is_not_the_classic_shadow(entrances: Entrances) -> None:
    assert asyncio.run(entrances.over_http("GET", "/things/engine-7/shadow", b"", {"name": ""}))[0] == 400


def test_every_other_call_is_left_to_the_emulator(entrances: Entrances) -> None:
    assert asyncio.run(entrances.handle_request("POST", "/topics/a", {}, b"", {})) == "the emulator's own answer"


@pytest.mark.parametrize("size", ["0", "101", "-1", "", "x", "1.5", "٣", "9" * 5000])
def test_a_size_of_a_page_that_is_none_from_1_to_100_is_refused(entrances: Entrances, size: str) -> None:
    path = "/api/things/shadow/ListNamedShadowsForThing/engine-7"
    status, headers, _ = asyncio.run(entrances.handle_request("GET", path, {}, b"", {"pageSize": [size]}))
    assert (status, headers["x-amzn-errortype"]) == (400, "InvalidRequestException")
