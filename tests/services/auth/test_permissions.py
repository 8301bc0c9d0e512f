"""Grants and denials over the API: who may give, what counts with the next call, what is noted."""

import itertools
import uuid
from datetime import timedelta
from typing import Any

import pytest

from services.auth.rules import MOST_RULES
from services.identity import DeviceFacts
from tests.services.api import Api, Someone
from tests.services.auth.permission_calls import audit, code, deny, grant, rights, visible
from tests.services.auth.site import NOW


def test_a_grant_counts_with_the_next_call_and_its_taking_too(api: Api, root: Someone, anna: Someone, engine: DeviceFacts) -> None:
    assert rights(api, anna, engine) == ""
    (given,) = grant(api, root, anna, "engine-7").json()["grants"]
    assert given["effective_rights"] == ["read", "write"]
    assert rights(api, anna, engine) == "rw"
    assert api.call("DELETE", f"/users/{anna.id}/permissions/{given['grant_id']}", root).status_code == 204
    assert rights(api, anna, engine) == ""
    assert code(api.call("DELETE", f"/users/{anna.id}/permissions/{given['grant_id']}", root)) == (404, "ResourceNotFoundException")


def test_a_grant_of_a_group_or_a_tag_covers_its_devices(api: Api, root: Someone, anna: Someone, engine: DeviceFacts) -> None:
    for kind, value in (("groups", "hall-3"), ("tags", "site=bremen")):
        answer = api.call("POST", f"/users/{anna.id}/permissions/{kind}", root, json={kind: [value], "rights": ["read"]})
        assert rights(api, anna, engine) == "r"
        assert visible(api, anna).device_ids == {"engine-7"}
        grant_id = answer.json()["grants"][0]["grant_id"]
        api.call("DELETE", f"/users/{anna.id}/permissions/{grant_id}", root)
    assert visible(api, anna).device_ids == frozenset()


def test_an_expired_grant_counts_no_more(api: Api, root: Someone, anna: Someone, engine: DeviceFacts) -> None:
    until = (NOW + timedelta(minutes=5)).isoformat()
    grant(api, root, anna, "engine-7", expires_at=until)
    api.clock.advance(seconds=299)
    assert rights(api, anna, engine) == "rw"
    api.clock.advance(seconds=1)
    assert rights(api, anna, engine) == ""
    assert visible(api, anna).device_ids == frozenset()
    view = api.call("GET", f"/users/{anna.id}/permissions?device_id=engine-7&right=read", anna).json()
    assert view["grants"][0]["effective_rights"] == []
    assert [explained["reason"] for explained in view["explained"]] == [
        "the grant of read for device engine-7 expired at 2026-11-28T12:05:00Z"
    ]


@pytest.mark.parametrize("order", list(itertools.permutations(["grant", "deny", "grant group"])))
def test_a_denial_wins_in_whatever_order_and_until_it_is_lifted(
    api: Api, root: Someone, anna: Someone, engine: DeviceFacts, order: tuple[str, ...]
) -> None:
    group = {"groups": ["hall-3"], "rights": ["read"]}
    steps = {
        "grant": lambda: grant(api, root, anna, "engine-7"),
        "grant group": lambda: api.call("POST", f"/users/{anna.id}/permissions/groups", root, json=group),
        "deny": lambda: deny(api, root, anna, devices=["engine-7"]),
    }
    answers = {step: steps[step]() for step in order}
    assert rights(api, anna, engine) == ""
    assert visible(api, anna).device_ids == frozenset()
    (denied,) = answers["deny"].json()["denials"]
    assert api.call("DELETE", f"/users/{anna.id}/denials/{denied['denial_id']}", root).status_code == 204
    assert rights(api, anna, engine) == "rw"
    assert visible(api, anna).device_ids == {"engine-7"}


def test_a_denial_of_a_group_takes_its_devices_from_what_is_seen(api: Api, root: Someone, anna: Someone, engine: DeviceFacts) -> None:
    own = api.directory.add("pump-1", owner=anna.id, groups=("hall-3",))
    api.directory.add("pump-2", owner=anna.id)
    grant(api, root, anna, "engine-7")
    deny(api, root, anna, groups=["hall-3"], rights=["read"])
    assert (rights(api, anna, engine), rights(api, anna, own)) == ("", "")
    assert visible(api, anna).device_ids == {"pump-2"}


def test_the_same_again_changes_nothing(api: Api, root: Someone, anna: Someone, engine: DeviceFacts) -> None:
    other = api.user("rita", "admin")
    first, again = grant(api, root, anna, "engine-7"), grant(api, other, anna, "engine-7", rights=("write", "read"))
    assert first.json() == again.json()
    denials = [deny(api, by, anna, devices=["engine-7"]).json() for by in (root, other)]
    assert denials[0] == denials[1]
    assert sorted(line["what"] for line in audit(api, root, anna)) == ["deny", "grant"]


def test_many_devices_are_granted_together_or_not_at_all(api: Api, root: Someone, anna: Someone) -> None:
    names = [f"pump-{number}" for number in range(49)]
    for name in names:
        api.directory.add(name)
    assert code(grant(api, root, anna, *names[:5], "missing")) == (404, "ResourceNotFoundException")
    assert visible(api, anna).device_ids == frozenset()
    assert len(grant(api, root, anna, *names).json()["grants"]) == 49
    assert visible(api, anna).device_ids == frozenset(names)
    assert len(audit(api, root, anna)) == 49
    assert code(grant(api, root, anna, *names, "one-more")) == (400, "ValidationException")


def test_a_user_has_a_bounded_number_of_rules(api: Api, root: Someone, anna: Someone, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_RULES == 1000
    monkeypatch.setattr("services.auth.rules.MOST_RULES", 2)
    for name in ("a", "b", "c"):
        api.directory.add(name)
    assert grant(api, root, anna, "a", "b").status_code == 200
    assert grant(api, root, anna, "a", "b").status_code == 200
    assert code(grant(api, root, anna, "c")) == (409, "LimitExceededException")
    assert code(deny(api, root, anna, devices=["c"])) == (409, "LimitExceededException")


@pytest.mark.parametrize(
    "body",
    [
        {"devices": ["engine-7"], "rights": ["write"]},
        {"devices": ["engine-7"], "rights": []},
        {"devices": [], "rights": ["read"]},
        {"devices": ["engine-7"], "rights": ["own"]},
        {"devices": ["engine 7"], "rights": ["read"]},
        {"devices": ["../engine-7"], "rights": ["read"]},
        {"devices": ["engine-7"], "rights": ["read"], "expires_at": "2026-11-28T12:00:00Z"},
        {"devices": ["engine-7"], "rights": ["read"], "expires_at": "2027-11-28T12:00:00"},
        {"devices": ["engine-7"], "rights": ["read"], "for": "ever"},
        {"devices": "engine-7", "rights": ["read"]},
        {},
    ],
)
def test_a_grant_that_could_not_count_is_refused(api: Api, root: Someone, anna: Someone, engine: DeviceFacts, body: dict[str, Any]) -> None:
    answer = api.call("POST", f"/users/{anna.id}/permissions/devices", root, json=body)
    assert code(answer) == (400, "ValidationException")
    assert rights(api, anna, engine) == ""
    assert audit(api, root, anna) == []


def test_a_grant_without_read_says_how_to_mend_it(api: Api, root: Someone, anna: Someone, engine: DeviceFacts) -> None:
    assert "add read" in grant(api, root, anna, "engine-7", rights=("write", "update")).json()["detail"]


def test_an_operator_gives_rights_on_its_own_devices_alone(api: Api, root: Someone, anna: Someone, engine: DeviceFacts) -> None:
    bert = api.user("bert", "operator")
    api.directory.add("pump-1", owner=bert.id)
    assert grant(api, bert, anna, "pump-1").status_code == 200
    unseen, missing = grant(api, bert, anna, "engine-7"), grant(api, bert, anna, "engine-8")
    assert code(unseen) == code(missing) == (404, "ResourceNotFoundException")
    assert unseen.json()["detail"].replace("engine-7", "engine-8") == missing.json()["detail"]
    grant(api, root, bert, "engine-7")
    assert code(grant(api, bert, anna, "engine-7")) == (403, "AccessDeniedException")
    assert code(grant(api, bert, anna, "pump-1", "engine-7")) == (403, "AccessDeniedException")


def test_an_operator_takes_back_what_is_its_own_to_give(api: Api, root: Someone, anna: Someone, engine: DeviceFacts) -> None:
    bert = api.user("bert", "operator")
    own = api.directory.add("pump-1", owner=bert.id)
    given = grant(api, bert, anna, "pump-1").json()["grants"][0]["grant_id"]
    other = grant(api, root, anna, "engine-7").json()["grants"][0]["grant_id"]
    assert code(api.call("DELETE", f"/users/{anna.id}/permissions/{other}", bert)) == (404, "ResourceNotFoundException")
    assert api.call("DELETE", f"/users/{anna.id}/permissions/{given}", bert).status_code == 204
    assert (rights(api, anna, own), rights(api, anna, engine)) == ("", "rw")


def test_who_sees_whose_permissions(api: Api, root: Someone, anna: Someone) -> None:
    bert = api.user("bert")
    nobody = str(uuid.uuid4())
    for path in (f"/users/{anna.id}/permissions", f"/users/{anna.id}"):
        assert [api.call("GET", path, who).status_code for who in (root, anna, bert, None)] == [200, 200, 403, 401]
        missing = path.replace(anna.id, nobody)
        assert code(api.call("GET", missing, root)) == (404, "UserNotFoundException")
        assert api.call("GET", missing, bert).json()["detail"] == api.call("GET", path, bert).json()["detail"]
    assert code(grant(api, root, Someone(nobody, "", ""), "engine-7")) == (404, "UserNotFoundException")


def test_an_explanation_does_not_tell_a_foreign_device_from_a_missing_one(api: Api, anna: Someone, engine: DeviceFacts) -> None:
    foreign, missing = (api.call("GET", f"/users/{anna.id}/permissions?device_id={name}", anna) for name in ("engine-7", "engine-8"))
    assert code(foreign) == code(missing) == (404, "ResourceNotFoundException")
    assert foreign.json()["detail"].replace("engine-7", "engine-8") == missing.json()["detail"]


def test_an_administrator_is_told_why_another_may_or_may_not(api: Api, root: Someone, anna: Someone, engine: DeviceFacts) -> None:
    grant(api, root, anna, "engine-7")
    deny(api, root, anna, tags=["site=bremen"], rights=["write"])
    view = api.call("GET", f"/users/{anna.id}/permissions?device_id=engine-7", root).json()
    assert [(each["right"], each["is_allowed"], each["reason"]) for each in view["explained"]] == [
        ("read", True, "read is granted for device engine-7"),
        ("write", False, "write is denied for tag site=bremen since 2026-11-28T12:00:00Z"),
        ("command", False, "nothing grants command"),
        ("update", False, "nothing grants update"),
    ]
    assert code(api.call("GET", f"/users/{anna.id}/permissions?device_id=engine-8", root)) == (404, "ResourceNotFoundException")


def test_the_rights_on_each_device_are_shown_with_their_reasons(api: Api, root: Someone, anna: Someone, engine: DeviceFacts) -> None:
    api.directory.add("pump-1", owner=anna.id)
    grant(api, root, anna, "engine-7")
    deny(api, root, anna, devices=["pump-1"], rights=["update", "command"])
    view = api.call("GET", f"/users/{anna.id}/permissions", anna).json()
    granted, own = ("granted for device engine-7", f"grant:{view['grants'][0]['grant_id']}"), ("the device is the user's own", "own")
    assert view["devices"] == [
        {
            "device_id": "engine-7",
            "rights": [{"right": right, "reason": f"{right} is {granted[0]}", "by": granted[1]} for right in ("read", "write")],
        },
        {"device_id": "pump-1", "rights": [{"right": right, "reason": own[0], "by": own[1]} for right in ("read", "write")]},
    ]
    assert view["more_devices"] is False
    for number in range(60):
        api.directory.add(f"tank-{number}", owner=anna.id)
    view = api.call("GET", f"/users/{anna.id}/permissions", root).json()
    assert (len(view["devices"]), view["more_devices"]) == (50, True)


def test_a_viewer_s_grant_shows_what_of_it_counts(api: Api, root: Someone, engine: DeviceFacts) -> None:
    vera = api.user("vera", "viewer")
    (given,) = grant(api, root, vera, "engine-7").json()["grants"]
    assert (given["rights"], given["effective_rights"], given["reason"]) == (["read", "write"], ["read"], "a viewer may only read")
    assert api.call("GET", "/auth/me", vera).json()["permissions"]["grants"] == [given]
