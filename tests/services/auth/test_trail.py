"""The trail of changes, and what goes with a device or a user."""

from services.auth.audit import Actor
from services.auth.grants import Scope
from services.identity import Caller, DeviceFacts, Right, Role, Visible
from tests.services.api import Api, Someone
from tests.services.auth.permission_calls import audit, code, deny, grant, rights, visible
from tests.services.auth.site import NOW


def test_the_trail_says_who_what_before_and_after(api: Api, root: Someone, anna: Someone, engine: DeviceFacts) -> None:
    headers = {"X-Request-Id": "request-0001"}
    body = {"devices": ["engine-7"], "rights": ["read"]}
    given = api.call("POST", f"/users/{anna.id}/permissions/devices", root, json=body, headers=headers).json()["grants"][0]
    api.clock.advance(seconds=1)
    api.call("DELETE", f"/users/{anna.id}/permissions/{given['grant_id']}", root)
    taken, granted = audit(api, root, anna)
    what = {"id": given["grant_id"], "scope": "device", "value": "engine-7", "rights": ["read"], "expires_at": None}
    assert granted == {
        "at": "2026-11-28T12:00:00Z",
        "who": root.id,
        "who_name": "root",
        "what": "grant",
        "before": None,
        "after": what,
        "request_id": "request-0001",
    }
    assert (taken["what"], taken["before"], taken["after"], taken["at"]) == ("take-grant", what, None, "2026-11-28T12:00:01Z")


def test_the_trail_is_read_page_by_page_by_its_reader_alone(api: Api, root: Someone, anna: Someone) -> None:
    for number in range(5):
        api.directory.add(f"pump-{number}")
        grant(api, root, anna, f"pump-{number}")
        api.clock.advance(seconds=1)
    seen, token = [], ""
    while True:
        page = api.call("GET", f"/users/{anna.id}/audit?limit=2{token}", root).json()
        seen += [line["after"]["value"] for line in page["lines"]]
        if page["next_token"] is None:
            break
        token = f"&next_token={page['next_token']}"
    assert seen == ["pump-4", "pump-3", "pump-2", "pump-1", "pump-0"]
    other = api.user("rita", "admin")
    assert code(api.call("GET", f"/users/{anna.id}/audit?limit=2{token}", other)) == (400, "InvalidNextTokenException")


def test_with_a_device_its_grants_and_denials_go(api: Api, root: Someone, anna: Someone, engine: DeviceFacts) -> None:
    bert = api.user("bert", "operator")
    for who in (anna, bert):
        grant(api, root, who, "engine-7")
    deny(api, root, bert, devices=["engine-7"])
    pump = api.directory.add("pump-1")
    grant(api, root, anna, "pump-1")
    gone = api.services.users.rules.forget_device("engine-7", Actor(root.id, "root", "request-1"))
    assert gone == 3
    assert [rights(api, who, engine) for who in (anna, bert)] == ["", ""]
    assert rights(api, anna, pump) == "rw"
    assert api.services.users.rules.table.keys_of_scope(Scope.of_device("engine-7")) == []


def test_a_deleted_user_is_given_nothing(api: Api, root: Someone, anna: Someone, engine: DeviceFacts) -> None:
    api.services.users.roles.mark_deleted(anna.id, "anna", Actor(root.id, "root", "request-1"))
    assert code(grant(api, root, anna, "engine-7")) == (409, "ConcurrentModificationException")
    assert api.services.users.rules.table.read(anna.id).grants == ()


def test_a_caller_that_was_not_verified_here_is_looked_up(api: Api, root: Someone, anna: Someone, engine: DeviceFacts) -> None:
    grant(api, root, anna, "engine-7")
    known = Caller(anna.id, "anna", Role.OPERATOR, "", NOW)
    assert api.services.permissions.decide(known, Right.WRITE, engine).is_allowed
    assert api.services.permissions.visible(known).device_ids == {"engine-7"}


def test_a_device_sees_itself(api: Api, engine: DeviceFacts) -> None:
    device, unknown = api.user("engine-7", "device"), api.user("engine-9", "device")
    assert rights(api, device, engine) == "rw"
    assert visible(api, device) == Visible(device_ids=frozenset({"engine-7"}))
    assert visible(api, unknown) == Visible()


def test_an_administrator_sees_everything(api: Api, root: Someone) -> None:
    assert visible(api, root) == Visible(everything=True)
