"""Reading, changing and deleting devices: versions, certificates, history, and what stays mendable when AWS breaks off."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from services.identity import DeviceFacts, Right
from tests.services.devices.surroundings import Api


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_a_change_replaces_all_that_was_said(api: Api) -> None:
    api.make("engine-7", type="turbofan", attributes={"model": "a", "site": "x"}, groups=["east", "hall-3"], tags={"team": "t"})
    api.clock.advance(minutes=1)
    changed = api.put("engine-7", '"1"', attributes={"site": "y"}, groups=["hall-3", "west"])
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    told = api.get("engine-7").json()
    assert (told["type"], told["attributes"], told["groups"], told["tags"]) == (None, {"site": "y"}, ["hall-3", "west"], {})
    assert (told["version"], told["state"], told["updated_at"]) == (2, "active", "2026-11-28T12:01:00.000Z")
    thing = api.iot().describe_thing(thingName="engine-7")
    assert (thing.get("thingTypeName"), thing["attributes"]) == (None, {"site": "y"})
    groups = api.iot().list_thing_groups_for_thing(thingName="engine-7")["thingGroups"]
    assert sorted(each["groupName"] for each in groups) == ["hall-3", "west"]


@pytest.mark.parametrize("if_match", ['"1"', "*", '"9", "1"', 'W/"3", "1"'])
def test_who_has_seen_the_version_changes_it(api: Api, if_match: str) -> None:
    api.make("engine-7")
    assert api.put("engine-7", if_match, tags={"a": "b"}).headers["ETag"] == '"2"'


def test_what_changes_nothing_is_no_version(api: Api) -> None:
    api.make("engine-7", groups=["b", "a"], tags={"x": "1", "y": "2"})
    again = api.put("engine-7", '"1"', groups=["a", "b", "a"], tags={"y": "2", "x": "1"})
    assert (again.status_code, again.headers["ETag"]) == (200, '"1"')
    assert len(api.call("GET", "/engine-7/history").json()["lines"]) == 1


def test_of_many_changes_of_one_version_one_goes_through(api: Api) -> None:
    api.make("engine-7")
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda n: api.put("engine-7", '"1"', attributes={"n": str(n)}), range(6)))
    assert sorted(answer.status_code for answer in answers if answer.status_code == 200) == [200]
    assert {answer.status_code for answer in answers} <= {200, 409, 412}
    told = api.get("engine-7").json()
    assert told["version"] == 2
    assert api.iot().describe_thing(thingName="engine-7")["attributes"] == told["attributes"]


def test_a_change_that_breaks_off_is_brought_up_by_the_same_change(api: Api) -> None:
    api.make("engine-7")
    api.platform.broken = {"UpdateThing"}
    assert api.put("engine-7", '"1"', attributes={"a": "b"}).status_code == 500
    assert "UpdateThing" in api.platform.calls
    api.platform.broken = set()
    assert (api.get("engine-7").json()["state"], api.get("engine-7").json()["version"]) == ("updating", 2)
    mended = api.put("engine-7", '"2"', attributes={"a": "b"})
    assert (mended.status_code, mended.json()["version"], mended.json()["state"]) == (200, 2, "active")
    assert api.iot().describe_thing(thingName="engine-7")["attributes"] == {"a": "b"}


def while_converging(api: Api, what: Any) -> None:
    """Once, before the next change reaches AWS IoT."""
    converge = api.services.devices.things.converge

    def overtaken(device: Any) -> None:
        api.services.devices.things.converge = converge  # type: ignore[method-assign]
        what()
        converge(device)

    api.services.devices.things.converge = overtaken  # type: ignore[method-assign]


def test_a_slow_change_that_was_overtaken_brings_up_what_the_later_one_said(api: Api) -> None:
    api.make("engine-7")
    while_converging(api, lambda: api.put("engine-7", '"2"', attributes={"n": "later"}))
    assert api.put("engine-7", '"1"', attributes={"n": "slow"}).json()["version"] == 3
    told = api.get("engine-7").json()
    assert (told["attributes"], told["state"]) == ({"n": "later"}, "active")
    assert api.iot().describe_thing(thingName="engine-7")["attributes"] == {"n": "later"}


def test_a_device_that_is_deleted_while_it_is_changed_leaves_no_thing(api: Api) -> None:
    api.make("engine-7")
    while_converging(api, lambda: api.delete("engine-7"))
    assert code(api.put("engine-7", '"1"', attributes={"n": "1"})) == (404, "ResourceNotFoundException")
    assert api.iot().list_things()["things"] == []


def test_a_type_that_is_deprecated_and_a_group_that_is_dynamic_are_refused(api: Api) -> None:
    api.iot().create_thing_type(thingTypeName="old")
    api.iot().deprecate_thing_type(thingTypeName="old")
    assert code(api.make("engine-7", type="old")) == (400, "InvalidRequestException")
    api.make("engine-8")
    assert code(api.put("engine-8", '"1"', type="old")) == (400, "InvalidRequestException")
    assert api.get("engine-8").json()["version"] == 1


def test_a_deletion_says_what_went_and_what_stays(api: Api) -> None:
    made = api.make("engine-7", groups=["hall-3"])
    data = api.platform.client("iot-data")
    for name in ({}, {"shadowName": "fleet"}):
        data.update_thing_shadow(thingName="engine-7", payload=json.dumps({"state": {"desired": {"a": 1}}}), **name)
    iot = api.iot()
    iot.create_job(jobId="j1", targets=[iot.describe_thing(thingName="engine-7")["thingArn"]], document="{}")
    api.services.grants_of_device_gone = lambda device_id, author: {("engine-7", "olga"): 3}[device_id, author.user_name]  # type: ignore[method-assign]
    gone = api.delete("engine-7", '"1"')
    assert gone.status_code == 200
    certificate_id = made.json()["certificate"]["certificate_id"]
    assert gone.json() == {
        "device_id": "engine-7",
        "certificates": [{"certificate_id": certificate_id, "outcome": "deactivated and deleted"}],
        "shadows_deleted": ["", "fleet"],
        "jobs_cancelled": ["j1"],
        "grants_removed": 3,
        "history": "kept: administrators read it under the same path",
        "lake_rows": "kept; erase them by `fleetlake lake erase engine-7`",
    }
    assert (iot.list_things()["things"], iot.list_certificates()["certificates"]) == ([], [])
    assert code(api.get("engine-7")) == (404, "ResourceNotFoundException")
    assert code(api.delete("engine-7")) == (404, "ResourceNotFoundException")


@pytest.mark.parametrize("call", ["UpdateCertificate", "DetachThingPrincipal", "DeleteCertificate", "DeleteThing"])
def test_a_deletion_that_breaks_off_is_ended_by_the_same_call(api: Api, call: str) -> None:
    api.make("engine-7")
    api.platform.broken = {call}
    assert api.delete("engine-7", '"1"').status_code == 500
    assert call in api.platform.calls
    api.platform.broken = set()
    assert api.get("engine-7").json()["state"] == "deleting"
    assert (api.put("engine-7", '"1"').status_code, api.make("engine-7").status_code) == (409, 409)
    assert api.delete("engine-7", '"1"').status_code == 200
    assert (api.iot().list_things()["things"], api.iot().list_certificates()["certificates"]) == ([], [])


def test_a_certificate_that_others_have_is_only_detached(api: Api) -> None:
    certificate_id = api.make("engine-7").json()["certificate"]["certificate_id"]
    arn = api.iot().describe_certificate(certificateId=certificate_id)["certificateDescription"]["certificateArn"]
    api.iot().create_thing(thingName="gateway")
    api.iot().attach_thing_principal(thingName="gateway", principal=arn)
    outcome = api.delete("engine-7").json()["certificates"]
    assert outcome == [{"certificate_id": certificate_id, "outcome": "detached; other things have it as well"}]
    assert api.iot().list_thing_principals(thingName="gateway")["principals"] == [arn]


def test_certificates_change_over_one_by_one(api: Api) -> None:
    old = api.make("engine-7").json()["certificate"]["certificate_id"]
    added = api.call("POST", "/engine-7/certificates", json={})
    new = added.json()["certificate_id"]
    assert added.status_code == 201
    assert added.json()["private_key"]
    assert api.get("engine-7").json()["certificate_ids"] == [old, new]
    removed = api.call("DELETE", f"/engine-7/certificates/{old}")
    assert (removed.status_code, removed.json()["certificate_ids"], removed.headers["ETag"]) == (200, [new], '"3"')
    assert [each["certificateId"] for each in api.iot().list_certificates()["certificates"]] == [new]
    assert code(api.call("DELETE", f"/engine-7/certificates/{old}")) == (404, "ResourceNotFoundException")
    assert [line["what"] for line in api.call("GET", "/engine-7/history").json()["lines"]] == [
        "certificate removed",
        "certificate added",
        "created",
    ]


def test_a_removal_that_breaks_off_has_cut_the_certificate_off(api: Api) -> None:
    old = api.make("engine-7").json()["certificate"]["certificate_id"]
    api.platform.broken = {"DeleteCertificate"}
    assert api.call("DELETE", f"/engine-7/certificates/{old}").status_code == 500
    api.platform.broken = set()
    assert api.iot().describe_certificate(certificateId=old)["certificateDescription"]["status"] == "INACTIVE"
    assert api.call("DELETE", f"/engine-7/certificates/{old}").status_code == 200


def test_a_device_has_ten_certificates_at_most(api: Api) -> None:
    api.make("engine-7")
    answers = [api.call("POST", "/engine-7/certificates", json={}) for _ in range(10)]
    assert [answer.status_code for answer in answers] == [201] * 9 + [409]
    assert answers[-1].json()["code"] == "LimitExceededException"
    assert len(api.iot().list_certificates()["certificates"]) == 10


def test_another_devices_certificate_is_not_reached(api: Api) -> None:
    api.make("engine-7")
    other = api.make("engine-8").json()["certificate"]["certificate_id"]
    assert code(api.call("DELETE", f"/engine-7/certificates/{other}")) == (404, "ResourceNotFoundException")
    assert api.call("DELETE", "/engine-7/certificates/abc").status_code == 400
    assert api.get("engine-8").json()["certificate_ids"] == [other]


def test_the_history_tells_each_version_who_when_and_what(api: Api) -> None:
    api.make("engine-7", attributes={"site": "x"})
    api.clock.advance(minutes=5)
    api.grant("otto", "engine-7", Right.READ)
    api.grant("otto", "engine-7", Right.WRITE)
    api.call("PUT", "/engine-7", "operator-otto", {"If-Match": '"1"', "X-Request-Id": "request-77"}, json={"attributes": {"site": "y"}})
    (newest, first) = api.call("GET", "/engine-7/history").json()["lines"]
    assert newest == {
        "version": 2,
        "at": "2026-11-28T12:05:00.000Z",
        "what": "changed",
        "user_id": "id-of-otto",
        "user_name": "otto",
        "request_id": "request-77",
        "changes": [{"field": "attributes.site", "before": "x", "after": "y"}],
    }
    assert (first["version"], first["what"], first["user_name"]) == (1, "created", "olga")


def test_the_history_is_read_page_by_page(api: Api) -> None:
    api.make("engine-7")
    for n in range(6):
        api.put("engine-7", "*", attributes={"n": str(n)})
    seen: list[int] = []
    token = ""
    while True:
        page = api.call("GET", f"/engine-7/history?limit=3{token}").json()
        seen += [line["version"] for line in page["lines"]]
        if not page["next_token"]:
            break
        token = f"&next_token={page['next_token']}"
    assert seen == [7, 6, 5, 4, 3, 2, 1]


def test_who_was_only_granted_a_device_neither_regroups_it_nor_makes_certificates_for_it(api: Api) -> None:
    api.make("engine-7", groups=["hall-3"], tags={"team": "a"})
    for right in (Right.READ, Right.WRITE):
        api.grant("otto", "engine-7", right)
    kept = {"groups": ["hall-3"], "tags": {"team": "a"}}
    assert api.put("engine-7", "*", "operator-otto", **kept, attributes={"n": "1"}).status_code == 200
    refused = [
        api.put("engine-7", "*", "operator-otto", **{**kept, "groups": []}),
        api.put("engine-7", "*", "operator-otto", **{**kept, "tags": {"team": "b"}}),
        api.call("POST", "/engine-7/certificates", "operator-otto", json={}),
        api.call("DELETE", "/engine-7/certificates/" + "a" * 64, "operator-otto"),
    ]
    assert [code(answer) for answer in refused] == [(403, "AccessDeniedException")] * 4
    assert api.put("engine-7", "*", "admin-ada", tags={"team": "b"}).status_code == 200


def test_a_device_that_is_made_again_goes_on_counting(api: Api) -> None:
    api.make("engine-7", attributes={"site": "x"})
    api.delete("engine-7")
    assert code(api.call("GET", "/engine-7/history")) == (404, "ResourceNotFoundException")
    assert api.make("engine-7").headers["ETag"] == '"3"'
    assert [line["version"] for line in api.call("GET", "/engine-7/history").json()["lines"]] == [3]
    assert [line["version"] for line in api.call("GET", "/engine-7/history", "admin-ada").json()["lines"]] == [3, 2, 1]


def test_an_id_whose_readings_are_anothers_is_not_taken_over(api: Api) -> None:
    api.make("engine-7")
    assert api.delete("engine-7").status_code == 200
    assert code(api.make("engine-7", user="operator-otto")) == (409, "ResourceAlreadyExistsException")
    assert code(api.get("engine-7", "operator-otto")) == (404, "ResourceNotFoundException")
    assert api.make("engine-7", user="admin-ada").status_code == 201


def test_an_administrator_reads_the_history_of_what_is_gone_and_not_of_what_never_was(api: Api) -> None:
    api.make("engine-7")
    api.delete("engine-7")
    assert [line["what"] for line in api.call("GET", "/engine-7/history", "admin-ada").json()["lines"]] == ["deleted", "created"]
    assert code(api.call("GET", "/engine-8/history", "admin-ada")) == (404, "ResourceNotFoundException")


def test_the_directory_knows_owner_groups_and_tags(api: Api) -> None:
    api.make("engine-7", groups=["hall-3"], tags={"team": "a b"})
    api.make("engine-8", user="operator-otto", groups=["hall-3"])
    directory = api.services.directory
    assert directory.facts("engine-7") == DeviceFacts("engine-7", "id-of-olga", frozenset({"hall-3"}), frozenset({"team=a b"}))
    assert directory.facts("engine-9") is None
    assert directory.owned_by("id-of-olga") == {"engine-7"}
    assert directory.in_group("hall-3") == {"engine-7", "engine-8"}
    assert directory.with_tag("team=a b") == {"engine-7"}
    assert directory.with_tag("team") == frozenset()
