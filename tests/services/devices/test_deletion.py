"""Whose device it is to take away."""

from services.identity import Right
from tests.services.devices.surroundings import Api
from tests.services.devices.test_refusals import code


def test_who_was_only_granted_a_device_does_not_delete_it(api: Api) -> None:
    api.make("engine-7")
    for right in Right:
        api.grant("otto", "engine-7", right)
    assert code(api.delete("engine-7", user="operator-otto")) == (403, "AccessDeniedException")
    assert code(api.delete("engine-7", user="operator-oscar")) == (404, "ResourceNotFoundException")
    assert api.get("engine-7").json()["state"] == "active"
    assert api.delete("engine-7").status_code == 200
    api.make("engine-8")
    assert api.delete("engine-8", user="admin-ada").status_code == 200
