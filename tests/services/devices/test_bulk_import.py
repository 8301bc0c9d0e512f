"""Bulk import: each item by itself, nothing twice, and the report says what became of each."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from runtime.clock import Clock, FixedClock
from services.devices.bulk_import import Fate, import_devices
from services.devices.creation import Order
from services.devices.device import Draft
from services.devices.history import Author
from tests.services.devices.surroundings import Api
from tests.services.devices.test_creation import csr_of
from tests.services.people import NOW, NamesAsTokens


def imported(api: Api, *devices: Any, user: str = "operator-olga") -> Any:
    return api.call("POST", "/import", user, json={"devices": list(devices)})


def outcomes(answer: Any) -> list[tuple[str, str, str | None]]:
    assert answer.status_code == 200, answer.text
    return [(each["device_id"], each["outcome"], each["code"]) for each in answer.json()["devices"]]


def test_an_import_says_of_each_item_what_became_of_it(api: Api) -> None:
    api.make("taken", user="operator-otto")
    api.make("other", tags={"a": "1"})
    imported(api, {"device_id": "there", "tags": {"a": "1"}})
    answer = imported(
        api,
        {"device_id": "new", "type": "pump", "groups": ["hall-3"], "csr": csr_of(ec.generate_private_key(ec.SECP256R1()))},
        {"device_id": "there", "tags": {"a": "1"}},
        {"device_id": "other", "tags": {"a": "2"}},
        {"device_id": "taken"},
        {"device_id": "wide", "attributes": {f"a{n}": "x" for n in range(4)}},
        {"device_id": "bare"},
    )
    assert outcomes(answer) == [
        ("new", "created", None),
        ("there", "exists", None),
        ("other", "failed", "ResourceAlreadyExistsException"),
        ("taken", "failed", "ResourceAlreadyExistsException"),
        ("wide", "failed", "InvalidRequestException"),
        ("bare", "created", None),
    ]
    told = answer.json()
    assert (told["created"], told["exists"], told["failed"]) == (2, 1, 3)
    certificate = told["devices"][0]["certificate"]
    assert certificate["certificate_pem"].startswith("-----BEGIN CERTIFICATE")
    assert certificate["private_key"] is None
    assert (told["devices"][5]["certificate"], api.get("bare").json()["certificate_ids"]) == (None, [])
    assert api.get("new").json()["certificate_ids"] == [certificate["certificate_id"]]


def test_the_same_import_again_makes_nothing(api: Api) -> None:
    items = [{"device_id": f"e{n}"} for n in range(20)]
    assert imported(api, *items).json()["created"] == 20
    again = imported(api, *items).json()
    assert (again["created"], again["exists"], again["failed"]) == (0, 20, 0)
    assert len(api.iot().list_things()["things"]) == 20


def test_what_was_changed_or_deleted_since_is_seen(api: Api) -> None:
    items = [{"device_id": "a"}, {"device_id": "b"}]
    imported(api, *items)
    api.put("a", "*", tags={"x": "y"})
    api.delete("b")
    assert outcomes(imported(api, *items)) == [("a", "failed", "ResourceAlreadyExistsException"), ("b", "created", None)]


def test_an_item_that_broke_off_is_mended_by_the_same_import(api: Api) -> None:
    api.platform.broken = {"CreateThing"}
    assert outcomes(imported(api, {"device_id": "a"})) == [("a", "failed", "InternalFailureException")]
    api.platform.broken = set()
    assert outcomes(imported(api, {"device_id": "a"})) == [("a", "created", None)]
    assert api.get("a").json()["state"] == "active"


def test_an_id_that_stands_twice_refuses_the_whole(api: Api) -> None:
    refused = imported(api, {"device_id": "a"}, {"device_id": "b"}, {"device_id": "a"})
    assert refused.status_code == 400
    assert [each["at"] for each in refused.json()["errors"]] == ["body.devices.0.device_id", "body.devices.2.device_id"]
    assert not api.iot().list_things()["things"]


@pytest.mark.parametrize("devices", [[], [{"device_id": f"e{n}"} for n in range(1_001)], [None] * 1_001, "x", {"device_id": "a"}])
def test_what_is_no_import_is_refused_as_a_whole(api: Api, devices: Any) -> None:
    refused = api.call("POST", "/import", json={"devices": devices})
    assert (refused.status_code, refused.json()["code"]) == (400, "ValidationException")
    assert not api.iot().list_things()["things"]


def test_a_malformed_item_fails_by_itself(api: Api) -> None:
    report = imported(
        api, {"device_id": "a/b"}, {}, {"device_id": "good"}, None, {"device_id": "c", "owner": "x"}, {"device_id": "a/b"}, "x"
    ).json()
    assert [(each["device_id"], each["outcome"]) for each in report["devices"]] == [
        ("a/b", "failed"),
        ("", "failed"),
        ("good", "created"),
        ("", "failed"),
        ("c", "failed"),
        ("a/b", "failed"),
        ("", "failed"),
    ]
    assert {each["code"] for each in report["devices"] if each["outcome"] == "failed"} == {"ValidationException"}
    assert (report["created"], report["failed"]) == (1, 6)
    assert "owner: Extra inputs are not permitted" in report["devices"][4]["detail"]
    assert [thing["thingName"] for thing in api.iot().list_things()["things"]] == ["good"]


def test_an_import_of_ten_thousand_items_is_refused_with_few_words(api: Api) -> None:
    refused = api.call("POST", "/import", json={"devices": [{"device_id": f"e{n}"} for n in range(10_000)]})
    assert refused.status_code == 400
    assert len(refused.content) < 2_000


class SlowClock(FixedClock):
    """Two seconds go by whenever it is looked at."""

    def now(self) -> datetime:
        self.advance(seconds=2)
        return super().now()


def test_what_is_not_begun_in_time_is_left_and_made_by_the_same_import_again(api: Api) -> None:
    registry, olga = api.services.devices, NamesAsTokens().verify("operator-olga")
    orders = [Order(f"e{n:02}", Draft(), with_certificate=False) for n in range(30)]

    def fates(clock: Clock) -> list[tuple[Fate, str]]:
        slow = replace(registry, clock=clock)
        return [(entry.fate, entry.code) for entry in import_devices(slow, orders, olga, Author.of(olga), at_once=1)]

    made, left = (Fate.CREATED, ""), (Fate.FAILED, "RequestTimeoutException")
    # The first look begins the 20 s; each item takes one more.
    assert fates(SlowClock(NOW)) == [made] * 10 + [left] * 20
    assert fates(FixedClock(NOW)) == [(Fate.EXISTS, "")] * 10 + [made] * 20
