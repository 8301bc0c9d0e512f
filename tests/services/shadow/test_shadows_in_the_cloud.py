"""The shadows' operations against the laptop's cloud: its truth, its rules, its queue, the cache that they feed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from lake.catalog import append_rows
from lake.tables import DEVICE_HEALTH, PREDICTIONS
from runtime.timeseries import Point
from services.application import create
from services.composition import Services
from services.identity import Right
from services.shadow.feed import Feed
from services.shadow.fleet_shadow import FleetShadows
from tests.cloud import Cloud, running_cloud
from tests.services.directory import FakeDirectory
from tests.services.people import EVERYTHING, NamesAsTokens, Table, bearer
from tests.waiting import eventually

pytestmark = pytest.mark.cloud

ANNA, BEN, EVE = bearer("anna"), bearer("ben", "viewer"), bearer("eve")
_DEVICES = frozenset(f"engine-{number}" for number in range(20))


@dataclass
class Site:
    cloud: Cloud
    services: Services
    client: TestClient
    feed: Feed

    def call(self, method: str, path: str, body: Any = None, by: dict[str, str] = ANNA, **more: Any) -> httpx.Response:
        if body is not None:
            more["json"] = body
        answer: httpx.Response = self.client.request(method, path, headers=by | more.pop("headers", {}), **more)
        return answer

    def fed(self) -> None:
        """Take whatever the rules have told."""
        while self.feed.take_once(wait_seconds=0):
            pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_cloud(tmp_path_factory.mktemp("shadows") / "home", api_user_rate=0, api_device_rate=0) as cloud:
        services = Services(cloud.platform)
        rights = {("anna", device): EVERYTHING for device in _DEVICES} | {("ben", "engine-1"): frozenset({Right.READ})}
        directory = FakeDirectory()
        for device in _DEVICES:
            directory.add(device)
        # What the composition would make of Cognito and the tables.
        services.__dict__ |= {"tokens": NamesAsTokens(), "permissions": Table(rights), "directory": directory}
        with TestClient(create(services, ["devices", "shadow"]), raise_server_exceptions=False) as client:
            yield Site(cloud, services, client, Feed(cloud.platform))


def desired(**members: Any) -> dict[str, Any]:
    return {"state": {"desired": members}}


def test_an_update_is_answered_as_aws_iot_answers_it_and_the_document_shows_the_difference(site: Site) -> None:
    accepted = site.call("PUT", "/devices/engine-1/shadow", desired(rpm=900) | {"clientToken": "app-1"}).json()
    assert (accepted["state"], accepted["version"], accepted["clientToken"]) == ({"desired": {"rpm": 900}}, 1, "app-1")
    site.call("PUT", "/devices/engine-1/shadow", {"state": {"reported": {"rpm": 100}}, "version": 1})
    shown = site.call("GET", "/devices/engine-1/shadow").json()
    assert shown["state"] == {"desired": {"rpm": 900}, "reported": {"rpm": 100}, "delta": {"rpm": 900}}
    assert shown["version"] == 2


@pytest.mark.parametrize(
    ("body", "status", "code", "detail"),
    [
        (desired(a=1) | {"version": 77}, 409, "ConflictException", "Version conflict"),
        (desired(a="x" * 8200), 413, "RequestEntityTooLargeException", "The payload exceeds the maximum size allowed"),
        ({"state": {"wanted": {}}}, 400, "InvalidRequestException", "State contains an invalid node: 'wanted'"),
        ({"desired": {}}, 400, "InvalidRequestException", "Missing required node: state"),
        (desired(a=[1, None]), 400, "InvalidRequestException", "Invalid JSON"),
        (desired(a=1) | {"clientToken": "x" * 65}, 400, "InvalidRequestException", "Invalid clientToken"),
    ],
)
def test_what_aws_iot_refuses_is_told_in_its_words_and_changes_nothing(
    site: Site, body: dict[str, Any], status: int, code: str, detail: str
) -> None:
    site.call("PUT", "/devices/engine-2/shadow", desired(lamp="on"))
    before = site.call("GET", "/devices/engine-2/shadow").json()
    answer = site.call("PUT", "/devices/engine-2/shadow", body)
    assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (status, code, detail)
    after = site.call("GET", "/devices/engine-2/shadow").json()
    assert (after["state"], after["version"]) == (before["state"], before["version"])


def test_reading_is_not_commanding_and_who_may_not_read_sees_no_device(site: Site) -> None:
    site.call("PUT", "/devices/engine-1/shadow", desired(rpm=1))
    assert site.call("GET", "/devices/engine-1/shadow", by=BEN).status_code == 200
    refused = site.call("PUT", "/devices/engine-1/shadow", desired(rpm=2), by=BEN)
    assert (refused.status_code, refused.json()["code"]) == (403, "AccessDeniedException")
    foreign, missing = (site.call("GET", f"/devices/{device}/shadow", by=EVE) for device in ("engine-1", "no-such"))
    assert foreign.status_code == missing.status_code == 404
    assert foreign.json()["detail"].replace("engine-1", "no-such") == missing.json()["detail"]
    for path in ("shadow", "shadow/config", "shadows", "shadows/history", "shadows/delta?wait_seconds=0"):
        assert site.call("GET", f"/devices/engine-1/{path}", by=EVE).status_code == 404, path


def test_reporting_needs_the_right_to_write_and_desiring_the_right_to_command(site: Site) -> None:
    table = site.services.permissions
    assert isinstance(table, Table)
    table.rights["carl", "engine-3"] = frozenset({Right.READ, Right.WRITE})
    carl = bearer("carl")
    assert site.call("PUT", "/devices/engine-3/shadow", {"state": {"reported": {"rpm": 1}}}, by=carl).status_code == 200
    for refused in (desired(rpm=1), {"state": {"reported": {"rpm": 1}, "desired": {"rpm": 1}}}, {"state": None}):
        assert site.call("PUT", "/devices/engine-3/shadow", refused, by=carl).status_code == 403
    assert site.call("DELETE", "/devices/engine-3/shadow", by=carl).status_code == 403


def test_named_shadows_are_listed_page_by_page_and_a_page_is_its_callers_own(site: Site) -> None:
    for name in ("c", "a", "b"):
        assert site.call("PUT", f"/devices/engine-4/shadow/{name}", desired(n=1)).status_code == 200
    site.call("PUT", "/devices/engine-4/shadow", desired(n=1))
    first = site.call("GET", "/devices/engine-4/shadows?limit=2").json()
    assert first["results"] == ["a", "b"]
    path = f"/devices/engine-4/shadows?limit=2&next_token={first['next_token']}"
    assert site.call("GET", path).json() == {"results": ["c"], "next_token": None}
    assert site.call("GET", path, by=bearer("root", "admin")).json()["code"] == "InvalidNextTokenException"


def test_the_history_says_who_made_which_version_and_an_old_one_is_restored_as_a_new_one(site: Site) -> None:
    for body in (desired(rpm=1, fan={"level": 3}), desired(rpm=2, lamp=True), desired(fan=None)):
        site.call("PUT", "/devices/engine-5/shadow/config", body)
    site.fed()
    eventually(lambda: _versions(site) == [3, 2, 1], 10, "all three are told")
    assert {version["by"] for version in _history(site)} == {"id-of-anna"}
    assert site.call("POST", "/devices/engine-5/shadows/restore?name=config", {"version": 1}, by=BEN).status_code == 404
    restored = site.call("POST", "/devices/engine-5/shadows/restore?name=config", {"version": 1}).json()
    assert restored["version"] == 4
    assert site.call("GET", "/devices/engine-5/shadow/config").json()["state"]["desired"] == {"rpm": 1, "fan": {"level": 3}}


def _history(site: Site) -> list[dict[str, Any]]:
    site.fed()
    return list(site.call("GET", "/devices/engine-5/shadows/history?name=config").json()["versions"])


def _versions(site: Site) -> list[int]:
    return [version["version"] for version in _history(site) if version["at"]]


def test_the_cache_has_what_the_truth_has_deletions_too(site: Site) -> None:
    cache = site.services.shadows.cache
    site.call("PUT", "/devices/engine-6/shadow", desired(n=1))
    site.call("PUT", "/devices/engine-6/shadow", desired(n=2))
    eventually(lambda: _cached(site, "engine-6") == (2, {"desired": {"n": 2}}), 10, "the second version is cached")
    assert site.call("DELETE", "/devices/engine-6/shadow").json()["version"] == 2
    eventually(lambda: _cached(site, "engine-6") == (2, None), 10, "the deletion is cached")
    assert site.call("GET", "/devices/engine-6/shadow").status_code == 404
    assert site.call("PUT", "/devices/engine-6/shadow", desired(n=3)).json()["version"] == 3
    eventually(lambda: _cached(site, "engine-6") == (3, {"desired": {"n": 3}}), 10, "its successor is cached")
    last = cache.version("engine-6", "", 2)
    assert last is not None
    assert (last.deleted_by, last.document is None) == ("id-of-anna", False)


def _cached(site: Site, device: str) -> tuple[int, Any]:
    site.fed()
    found = site.services.shadows.cache.get(device, "")
    return (0, None) if found is None else (found.version, found.document and found.document["state"])


def test_a_batch_says_of_each_item_how_it_went_and_repeats_nothing_under_its_key(site: Site) -> None:
    items = [{"device_id": f"engine-{number}", "action": "update", "document": desired(n=number)} for number in (10, 11, 10)]
    items += [{"device_id": "not-there", "action": "get"}, {"device_id": "engine-11", "action": "get", "name": "none"}]
    answer = site.call("POST", "/batch", {"items": items}, headers={"Idempotency-Key": "one"})
    told = [(result["status"], (result.get("answer") or {}).get("version")) for result in answer.json()["results"]]
    assert told == [(200, 1), (200, 1), (200, 2), (404, None), (404, None)]
    assert (answer.json()["succeeded"], answer.json()["failed"]) == (3, 2)
    again = site.call("POST", "/batch", {"items": items}, headers={"Idempotency-Key": "one"})
    assert again.json() == answer.json()
    assert site.call("GET", "/devices/engine-10/shadow").json()["version"] == 2
    other = site.call("POST", "/batch", {"items": items[:1]}, headers={"Idempotency-Key": "one"})
    assert (other.status_code, other.json()["code"]) == (422, "IdempotentParameterMismatchException")


def test_a_batch_beyond_its_limit_or_without_sense_is_refused_whole(site: Site) -> None:
    many = [{"device_id": "engine-12"}] * 10_000
    assert site.call("POST", "/batch", {"items": many}).status_code == 400
    wrongs: tuple[dict[str, Any], ...] = (
        {},
        {"items": []},
        {"items": many[:1], "query": "*"},
        {"query": "*"},
    )
    for wrong in wrongs:
        assert site.call("POST", "/batch", wrong).status_code == 400, wrong
    assert site.call("GET", "/devices/engine-12/shadow").status_code == 404


def test_a_malformed_item_of_a_batch_costs_no_other_and_is_repeated_under_its_key_too(site: Site) -> None:
    items = [
        {"device_id": "engine-12/../engine-1", "action": "delete"},
        {"device_id": "engine-12", "action": "update"},
        {"device_id": "engine-17", "action": "update", "document": desired(n=1)},
        None,
    ]
    for _ in range(2):
        answer = site.call("POST", "/batch", {"items": items}, headers={"Idempotency-Key": "two"}).json()
        assert [result["status"] for result in answer["results"]] == [400, 400, 200, 400]
        assert [result["device_id"] for result in answer["results"]] == ["engine-12/../engine-1", "engine-12", "engine-17", ""]
    assert site.call("GET", "/devices/engine-17/shadow").json()["version"] == 1


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b'{"state": {"desired": {"a": 1, "a": 2}}}', "application/json", 400),
        (b'{"state":' * 40 + b"1" + b"}" * 40, "application/json", 400),
        (b'{"state": {"desired": {"a": NaN}}}', "application/json", 400),
        (b'{"state": {"desired": {"a": "\xff"}}}', "application/json", 415),
        (b'{"state": {}}', "text/plain", 415),
        (b'{"state": {}}', "application/json; charset=latin-1", 415),
        (b'{"a": "' + b"x" * 300_000 + b'"}', "application/json", 413),
        (b"", "application/json", 400),
    ],
)
def test_a_body_that_hides_something_reaches_no_shadow(site: Site, content: bytes, kind: str, status: int) -> None:
    answer = site.client.put("/devices/engine-13/shadow", content=content, headers=ANNA | {"Content-Type": kind})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert site.call("GET", "/devices/engine-13/shadow").status_code == 404


@pytest.mark.parametrize("device", ["a b", "engine/1", "..%2f", "é", "x" * 129, "%00"])
def test_a_hostile_id_is_no_device(site: Site, device: str) -> None:
    assert site.call("GET", f"/devices/{device}/shadow").status_code in (400, 404)


def test_a_waiting_caller_hears_of_a_difference(site: Site) -> None:
    site.call("PUT", "/devices/engine-14/shadow", {"state": {"reported": {"rpm": 1}}})
    assert site.call("GET", "/devices/engine-14/shadows/delta?wait_seconds=0").status_code == 204
    site.call("PUT", "/devices/engine-14/shadow", desired(rpm=2))
    told = site.call("GET", "/devices/engine-14/shadows/delta?after_version=1").json()
    assert (told["version"], told["state"]) == (2, {"rpm": 2})
    assert site.call("GET", "/devices/engine-14/shadows/delta?after_version=2&wait_seconds=0").status_code == 204


def test_the_platform_reports_health_life_and_last_seen_in_a_named_shadow_and_only_what_changed(site: Site) -> None:
    root = bearer("root", "admin")
    for device in ("engine-15", "engine-16"):
        assert site.call("POST", "/api/v1/devices", {"device_id": device}, by=root).status_code == 201
    platform, pauses = site.cloud.platform, list[float]()
    shadows = FleetShadows(platform, pauses.append)
    # Nothing is known yet.
    assert shadows.write() == 0
    _known_of(site, "engine-15", "online", 5, 90.0)
    _known_of(site, "not-registered", "online", 5, 90.0)
    assert shadows.write() == 1
    told = site.call("GET", "/devices/engine-15/shadow/fleet", by=root).json()["state"]["reported"]
    assert told == {
        "health": {"turbofan": "online"},
        "remaining_life": {"cycles": 90.0, "model": "rul", "version": "1", "as_of": "2026-11-29T03:05:00Z"},
        "last_seen": "2026-11-29T03:00:00Z",
    }
    assert site.call("GET", "/devices/engine-16/shadow/fleet", by=root).status_code == 404
    eventually(lambda: _fleet_version(site) == 1, 10, "the cache has it")
    assert shadows.write() == 0
    _known_of(site, "engine-15", "offline", 25, 71.3)
    assert shadows.write() == 1
    assert site.call("GET", "/devices/engine-15/shadow/fleet", by=root).json()["state"]["reported"] == told | {
        "health": {"turbofan": "offline"},
        "remaining_life": told["remaining_life"] | {"cycles": 71.3, "as_of": "2026-11-29T03:25:00Z"},
        "last_seen": "2026-11-29T03:20:00Z",
    }
    # At most 20 a second.
    assert pauses == [0.05, 0.05]


def _known_of(site: Site, device: str, state: str, minute: int, cycles: float) -> None:
    platform, at = site.cloud.platform, datetime(2026, 11, 29, 3, minute, tzinfo=UTC)
    of_device = {"contract": "turbofan", "device_id": device, "run_id": "r.1"}
    append_rows(platform, DEVICE_HEALTH, [dict.fromkeys(DEVICE_HEALTH.column_names) | of_device | {"state": state, "changed_at": at}])
    predicted = {"model": "rul", "version": "1", "at": at, "score": cycles}
    append_rows(platform, PREDICTIONS, [dict.fromkeys(PREDICTIONS.column_names) | of_device | predicted])
    platform.time_series().write([Point("turbofan", device, at, {"cycle": minute}, 1)])


def _fleet_version(site: Site) -> int:
    site.fed()
    found = site.services.shadows.cache.get("engine-15", "fleet")
    return found.version if found else 0
