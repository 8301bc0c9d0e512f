"""What a list of devices shows to whom, in which order, page by page."""

import json
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from runtime.platforms import Platform
from runtime.timeseries import Point
from services.devices.surroundings import Surroundings
from services.identity import Right
from tests.services.devices.surroundings import Api
from tests.services.people import NOW


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [device["device_id"] for device in answer.json()["devices"]]


def listed(api: Api, user: str = "operator-olga", **parameters: Any) -> list[str]:
    return names(api.call("GET", "", user, params=parameters))


def pages(api: Api, between: Any = None, **parameters: Any) -> list[list[str]]:
    """All pages; `between` is called after the first."""
    found: list[list[str]] = []
    token: dict[str, str] = {}
    while True:
        answer = api.call("GET", "", params=parameters | token)
        found.append(names(answer))
        if not answer.json()["next_token"]:
            return found
        token = {"next_token": answer.json()["next_token"]}
        if between and len(found) == 1:
            between()


def joined(found: list[list[str]]) -> list[str]:
    return [name for page in found for name in page]


def put_in(api: Api, *devices: dict[str, Any], user: str = "operator-olga") -> None:
    report = api.call("POST", "/import", user, json={"devices": list(devices)}).json()
    assert report["failed"] == 0, report


def seen(api: Api, device_id: str, minutes_ago: int, series: str = "pump") -> None:
    point = Point(series, device_id, NOW - timedelta(minutes=minutes_ago), {"pressure": 1.0})
    api.platform.points[series, device_id] = point


@pytest.fixture
def fleet(api: Api) -> Api:
    put_in(api, *({"device_id": f"e{n}", "attributes": {"n": str(n)}} for n in range(5)))
    put_in(api, {"device_id": "foreign", "tags": {"team": "x"}}, user="operator-otto")
    return api


def test_a_list_holds_what_its_caller_may_read(fleet: Api) -> None:
    fleet.grant("vera", "e3", Right.READ)
    fleet.grant("vera", "gone", Right.READ)
    fleet.grant("vera", "e4", Right.COMMAND)
    assert listed(fleet) == ["e0", "e1", "e2", "e3", "e4"]
    assert listed(fleet, "operator-otto") == ["foreign"]
    assert listed(fleet, "viewer-vera") == ["e3"]
    assert listed(fleet, "viewer-victor") == []
    assert listed(fleet, "admin-ada") == ["e0", "e1", "e2", "e3", "e4", "foreign"]


def test_a_query_finds_nothing_that_its_caller_may_not_read(fleet: Api) -> None:
    assert listed(fleet, query="tags.team:x OR attributes.n:1") == ["e1"]
    assert listed(fleet, "admin-ada", query="tags.team:x OR attributes.n:1") == ["e1", "foreign"]
    assert listed(fleet, query="NOT attributes.n > 1") == ["e0", "e1"]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 250])
def test_the_pages_together_are_the_list(fleet: Api, limit: int) -> None:
    found = pages(fleet, limit=limit)
    assert joined(found) == ["e0", "e1", "e2", "e3", "e4"]
    assert all(len(page) == limit for page in found[:-1])
    assert joined(pages(fleet, limit=limit, sort="-device_id")) == ["e4", "e3", "e2", "e1", "e0"]


def test_what_is_made_or_deleted_meanwhile_moves_no_other(fleet: Api) -> None:
    def between() -> None:
        put_in(fleet, {"device_id": "a-new"}, {"device_id": "e2-new"})
        fleet.delete("e1")

    assert joined(pages(fleet, between, limit=2)) == ["e0", "e1", "e2", "e2-new", "e3", "e4"]


def test_devices_are_sorted_by_their_times(api: Api) -> None:
    for name in ("c", "a", "b"):
        put_in(api, {"device_id": name})
        api.clock.advance(seconds=1)
    api.put("c", "*", tags={"x": "y"})
    assert listed(api, sort="created_at") == ["c", "a", "b"]
    assert listed(api, sort="-created_at") == ["b", "a", "c"]
    assert listed(api, sort="updated_at") == ["a", "b", "c"]
    assert listed(api, sort="-updated_at") == ["c", "b", "a"]
    seen(api, "a", 5)
    seen(api, "b", 60)
    seen(api, "b", 1, "turbofan")
    assert listed(api, sort="last_seen") == ["c", "a", "b"]
    assert joined(pages(api, sort="-last_seen", limit=1)) == ["b", "a", "c"]


def test_a_list_by_last_seen_says_when(api: Api) -> None:
    put_in(api, {"device_id": "a"}, {"device_id": "b"})
    seen(api, "a", 5)
    told = api.call("GET", "", params={"sort": "last_seen"}).json()["devices"]
    assert [(each["device_id"], each["last_seen"]) for each in told] == [("b", None), ("a", "2026-11-28T11:55:00.000Z")]
    assert listed(api, query='lastSeen > "2026-11-28T11:00:00Z"') == ["a"]
    assert listed(api, query="NOT lastSeen:*") == ["b"]


def test_equal_times_are_paged_by_id(fleet: Api) -> None:
    assert joined(pages(fleet, limit=2, sort="updated_at")) == ["e0", "e1", "e2", "e3", "e4"]
    assert joined(pages(fleet, limit=2, sort="-updated_at")) == ["e4", "e3", "e2", "e1", "e0"]


def cached(api: Api, thing: str, shadow: str, reported: dict[str, Any]) -> None:
    document = json.dumps({"state": {"reported": reported}})
    item = {"thing_name": {"S": thing}, "shadow_name": {"S": shadow}, "document": {"S": document}}
    api.platform.client("dynamodb").put_item(TableName="fleetlake-shadows", Item=item)


@pytest.mark.parametrize("many", [0, 40])
def test_shadows_are_searched_in_their_cache(api: Api, many: int) -> None:
    put_in(api, {"device_id": "a"}, {"device_id": "b"}, *({"device_id": f"m{n}"} for n in range(many)))
    cached(api, "a", "/", {"rpm": 3000})
    cached(api, "b", "fleet", {"life": 12})
    cached(api, "not-mine", "/", {"rpm": 3000})
    assert listed(api, query="shadow.reported.rpm > 2000") == ["a"]
    assert listed(api, query="shadow.name.fleet.reported.life:[10 TO 20]") == ["b"]
    assert listed(api, "admin-ada", query="3000") == ["a"]


def test_a_token_is_of_its_caller_its_query_and_its_order(fleet: Api) -> None:
    token = fleet.call("GET", "", params={"limit": 1}).json()["next_token"]
    wrong = [
        fleet.call("GET", "", "operator-otto", params={"next_token": token}),
        fleet.call("GET", "", params={"next_token": token, "query": "e*"}),
        fleet.call("GET", "", params={"next_token": token, "sort": "-device_id"}),
        fleet.call("GET", "", params={"next_token": token[:-2]}),
        fleet.call("GET", "", params={"next_token": "ÿ"}),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in wrong] == [(400, "InvalidNextTokenException")] * 5


@dataclass
class FleetIndex:
    """AWS IoT's, two things a page; `refuses` with that error code."""

    names: list[str]
    refuses: str = ""

    def search_index(self, queryString: str, maxResults: int, nextToken: str = "0") -> dict[str, Any]:
        assert (queryString, maxResults) == ("connectivity.connected:true", 100)
        if self.refuses:
            raise ClientError({"Error": {"Code": self.refuses, "Message": ""}}, "SearchIndex")
        begin = int(nextToken)
        rest = {"nextToken": str(begin + 2)} if begin + 2 < len(self.names) else {}
        return {"things": [{"thingName": name} for name in self.names[begin : begin + 2]], **rest}


def indexed(api: Api, index: FleetIndex) -> Api:
    platform = cast(Platform, SimpleNamespace(client=lambda service: {"iot": index}[service]))
    api.services.devices.surroundings = Surroundings(platform)
    return api


def test_connectivity_is_that_of_the_fleet_index(fleet: Api) -> None:
    indexed(fleet, FleetIndex(["e1", "nobodys", "foreign", "e4"]))
    assert listed(fleet, query="connectivity.connected:true") == ["e1", "e4"]
    assert listed(fleet, query="connectivity.connected:false") == ["e0", "e2", "e3"]


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "IndexNotReadyException"])
def test_without_the_index_nobody_says_who_is_connected(fleet: Api, code: str) -> None:
    refused = indexed(fleet, FleetIndex([], code)).call("GET", "", params={"query": "connectivity.connected:true"})
    assert (refused.status_code, refused.json()["code"]) == (400, "InvalidQueryException")
    assert "UpdateIndexingConfiguration" in refused.json()["detail"]
