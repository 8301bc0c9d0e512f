"""What an update, a get and a delete answer and what they leave, message by message."""

import pytest

from fleet.shadow.engine import Address, ShadowError
from tests.fleet.shadow.played import START, Played, at


@pytest.fixture
def shadow() -> Played:
    return Played()


def test_an_update_answers_with_the_sections_of_the_request_alone(shadow: Played) -> None:
    shadow.update({"desired": {"fan": "on"}})
    shadow.now += 5
    answered = shadow.update({"reported": {"fan": "off", "rpm": [900, 910]}}, clientToken="t-1")
    assert answered.accepted == {
        "state": {"reported": {"fan": "off", "rpm": [900, 910]}},
        "metadata": {"reported": {"fan": at(5), "rpm": [at(5), at(5)]}},
        "version": 2,
        "timestamp": START + 5,
        "clientToken": "t-1",
    }


def test_a_get_has_the_whole_state_its_delta_and_the_moment_of_asking(shadow: Played) -> None:
    shadow.update({"desired": {"fan": "on", "mode": {"eco": True}}})
    shadow.now += 5
    shadow.update({"reported": {"fan": "off", "mode": {"eco": True}}})
    shadow.now += 60
    assert shadow.get(b'{"clientToken": "t-2"}') == {
        "state": {
            "desired": {"fan": "on", "mode": {"eco": True}},
            "reported": {"fan": "off", "mode": {"eco": True}},
            "delta": {"fan": "on"},
        },
        "metadata": {
            "desired": {"fan": at(0), "mode": {"eco": at(0)}},
            "reported": {"fan": at(5), "mode": {"eco": at(5)}},
            "delta": {"fan": at(0)},
        },
        "version": 2,
        "timestamp": START + 65,
        "clientToken": "t-2",
    }


def test_every_update_tells_all_that_differs_and_not_only_what_it_changed(shadow: Played) -> None:
    shadow.update({"desired": {"fan": "on"}})
    shadow.now += 5
    answered = shadow.update({"desired": {"light": "on"}, "reported": {"rpm": 900}}, clientToken="t-3")
    assert answered.delta == {
        "state": {"fan": "on", "light": "on"},
        "metadata": {"fan": at(0), "light": at(5)},
        "version": 2,
        "timestamp": START + 5,
        "clientToken": "t-3",
    }
    assert shadow.update({"reported": {"fan": "on", "light": "on"}}).delta is None


def test_the_documents_show_the_shadow_before_and_after_without_a_delta(shadow: Played) -> None:
    first = shadow.update({"desired": {"fan": "on"}}).documents
    assert first == {
        "previous": None,
        "current": {"state": {"desired": {"fan": "on"}}, "metadata": {"desired": {"fan": at(0)}}, "version": 1},
        "timestamp": START,
    }
    shadow.now += 5
    assert shadow.update({"reported": {"fan": "off"}}, clientToken="t-4").documents == {
        "previous": first["current"],
        "current": {
            "state": {"desired": {"fan": "on"}, "reported": {"fan": "off"}},
            "metadata": {"desired": {"fan": at(0)}, "reported": {"fan": at(5)}},
            "version": 2,
        },
        "timestamp": START + 5,
        "clientToken": "t-4",
    }


def test_a_null_removes_a_section_and_is_echoed(shadow: Played) -> None:
    shadow.update({"desired": {"fan": "on"}, "reported": {"fan": "on"}})
    answered = shadow.update({"desired": None})
    assert answered.accepted["state"] == {"desired": None}
    assert answered.accepted["metadata"] == {"desired": at(0)}
    assert shadow.get()["state"] == {"reported": {"fan": "on"}}
    assert shadow.get()["metadata"] == {"reported": {"fan": at(0)}}


def test_a_null_state_clears_both_sections_and_leaves_the_shadow(shadow: Played) -> None:
    shadow.update({"desired": {"fan": "on"}, "reported": {"fan": "on"}})
    answered = shadow.update(None)
    assert (answered.accepted["state"], answered.accepted["metadata"]) == (None, at(0))
    assert shadow.get() == {"state": {}, "metadata": {}, "version": 2, "timestamp": START}


def test_an_empty_state_changes_nothing_but_the_version(shadow: Played) -> None:
    shadow.update({"desired": {"fan": "on"}})
    shadow.now += 5
    answered = shadow.update({})
    assert (answered.accepted["state"], answered.accepted["metadata"], answered.accepted["version"]) == ({}, {}, 2)
    assert shadow.get()["metadata"]["desired"] == {"fan": at(0)}


@pytest.mark.parametrize("version", [0, 1])
def test_a_new_shadow_takes_version_0_and_1(shadow: Played, version: int) -> None:
    assert shadow.update({}, version=version).shadow.version == 1


def test_a_new_shadow_takes_no_other_version(shadow: Played) -> None:
    assert shadow.refusal(b'{"state": {}, "version": 2}') == (400, "Invalid version")


@pytest.mark.parametrize("version", [0, 1, 3])
def test_a_version_that_is_not_the_present_one_is_a_conflict_and_changes_nothing(shadow: Played, version: int) -> None:
    shadow.update({"desired": {"fan": "on"}})
    shadow.update({"desired": {"fan": "off"}})
    with pytest.raises(ShadowError) as refused:
        shadow.update({"desired": {"fan": "broken"}}, version=version, clientToken="t-5")
    assert refused.value.body(START + 9) == {"code": 409, "message": "Version conflict", "timestamp": START + 9, "clientToken": "t-5"}
    assert shadow.get()["state"]["desired"] == {"fan": "off"}
    assert shadow.update({}, version=2).shadow.version == 3


@pytest.mark.parametrize("version", [None, 0, 1, 5])
def test_a_shadow_that_is_made_again_goes_on_with_its_version(shadow: Played, version: int | None) -> None:
    for _ in range(5):
        shadow.update({"desired": {"fan": "on"}})
    shadow.now += 5
    assert shadow.delete(b'{"clientToken": "t-6"}').accepted == {"version": 5, "timestamp": START + 5, "clientToken": "t-6"}
    again = shadow.update({"reported": {"rpm": 1}}, **({} if version is None else {"version": version}))
    assert again.accepted["version"] == 6
    assert again.documents["previous"] is None
    assert shadow.get()["state"] == {"reported": {"rpm": 1}}


@pytest.mark.parametrize("version", [2, 4, 6])
def test_a_shadow_that_is_made_again_takes_no_version_that_it_never_ended_with(shadow: Played, version: int) -> None:
    for _ in range(5):
        shadow.update({})
    shadow.delete()
    assert shadow.refusal(b'{"state": {}, "version": %d}' % version) == (409, "Version conflict")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (Address("engine-7"), "No shadow exists with name: engine-7"),
        (Address("engine-7", "climate"), "No shadow exists with name: engine-7~climate"),
    ],
)
def test_a_shadow_that_is_not_there_is_neither_read_nor_deleted_twice(address: Address, words: str) -> None:
    shadow = Played(address)
    for gone in (lambda: None, lambda: (shadow.update({}), shadow.delete())):
        gone()
        for ask in (shadow.get, shadow.delete):
            with pytest.raises(ShadowError) as refused:
                ask(b'{"clientToken": "t-7"}')
            assert (refused.value.code, refused.value.message, refused.value.client_token) == (404, words, "t-7")


@pytest.mark.parametrize("payload", [b"[", b"[]", b" ", b"null", b'{"clientToken": 7}', b'{"clientToken": "%s"}' % (b"x" * 65)])
def test_what_a_get_or_a_delete_brings_is_nothing_or_a_client_token(shadow: Played, payload: bytes) -> None:
    shadow.update({})
    words = "Invalid clientToken" if b"Token" in payload else "Invalid JSON"
    for ask in (shadow.get, shadow.delete):
        with pytest.raises(ShadowError) as refused:
            ask(payload)
        assert (refused.value.code, refused.value.message) == (400, words)


@pytest.mark.parametrize("address", [Address("t" * 128), Address("a:b_c-D9", "$x:y_z-9"), Address("t", "s" * 64)])
def test_an_address_of_the_longest_and_oddest_names_is_taken(address: Address) -> None:
    assert Played(address).update({}).shadow.version == 1


@pytest.mark.parametrize(
    ("address", "member"),
    [
        *[(Address(thing), "thingName") for thing in ("", "t" * 129, "a/b", "a b", "a\n", "é", "$a", "a+", "#")],
        *[(Address("t", name), "shadowName") for name in ("", "s" * 65, "a/b", "a\n", "é", "+")],
    ],
)
def test_a_name_that_aws_does_not_take_is_refused_by_every_operation(address: Address, member: str) -> None:
    shadow = Played(address)
    for ask in (lambda: shadow.update({}), shadow.get, shadow.delete):
        with pytest.raises(ShadowError, match=f"Value at '{member}'") as refused:
            ask()
        assert refused.value.code == 400
