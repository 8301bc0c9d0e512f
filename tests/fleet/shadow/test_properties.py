"""What holds of any request whatever, on any shadow."""

import copy
import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fleet.shadow import engine
from fleet.shadow.engine import Shadow, ShadowError, Update
from tests.fleet.shadow.played import ADDRESS, START, Played

KEYS = st.sampled_from(["a", "b", "é", "timestamp", ""])
SCALARS = st.one_of(st.booleans(), st.integers(-3, 3), st.sampled_from([0.0, 1.0, 2.5, 1e300]), st.text(max_size=3))
WITHOUT_NULL = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6)
# Objects three deep at most, so that what they hold stays within six levels.
PATCHES = st.dictionaries(
    KEYS, st.none() | SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(KEYS, st.none() | SCALARS, max_size=3)
)
STATES = st.none() | st.fixed_dictionaries({}, optional={"desired": st.none() | PATCHES, "reported": st.none() | PATCHES})
HISTORIES = st.lists(STATES, max_size=4)
LOOSE = st.recursive(
    st.none() | SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS | st.sampled_from(["desired"]), inner, max_size=2)
)
REQUESTS = st.fixed_dictionaries({}, optional={"state": LOOSE | STATES, "version": LOOSE, "clientToken": LOOSE})
PAYLOADS = st.one_of(
    st.binary(max_size=40),
    st.text(max_size=40).map(lambda text: text.encode("utf-8")),
    REQUESTS.map(lambda request: json.dumps(request).encode()),
)


def played(history: list[Any]) -> Played:
    shadow = Played()
    for state in history:
        shadow.update(state)
        shadow.now += 1
    return shadow


@given(HISTORIES, PAYLOADS)
def test_any_payload_gives_an_answer_or_a_shadow_error_and_changes_nothing_it_was_given(history: list[Any], payload: bytes) -> None:
    shadow = played(history)
    before = copy.deepcopy(shadow.shadow)
    for ask in (engine.update, engine.get, engine.delete):
        answered = _asked(ask, shadow.shadow, payload)
        if isinstance(answered, ShadowError):
            assert 400 <= answered.code < 500
            answered = answered.body(START)
        if isinstance(answered, Update):
            assert answered.shadow.version == len(history) + 1
        json.dumps(getattr(answered, "accepted", answered), ensure_ascii=False).encode()
    assert shadow.shadow == before


def _asked(ask: Callable[..., Any], shadow: Shadow | None, payload: bytes) -> Any:
    try:
        return ask(ADDRESS, shadow, payload, START)
    except ShadowError as error:
        return error


@given(HISTORIES)
def test_the_metadata_has_the_form_of_the_state(history: list[Any]) -> None:
    shadow = played([*history, {}])
    document = shadow.get()
    assert _form(document["state"]) == _form_of_metadata(document["metadata"])


def _form(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _form(member) for key, member in value.items()}
    return [_form(member) for member in value] if isinstance(value, list) else None


def _form_of_metadata(value: Any) -> Any:
    """Where a leaf is, told by its moment: in these tests no state holds so large a whole number."""
    if isinstance(value, dict):
        stamp = value.get("timestamp")
        return None if isinstance(stamp, int) and stamp >= START else {key: _form_of_metadata(member) for key, member in value.items()}
    return [_form_of_metadata(member) for member in value]


@given(HISTORIES)
def test_a_device_that_reports_its_delta_has_nothing_left_to_do(history: list[Any]) -> None:
    shadow = played([*history, {}])
    delta = shadow.get()["state"].get("delta")
    assert shadow.update({"reported": delta or {}}).delta is None


@given(HISTORIES)
def test_what_an_update_answers_is_what_a_get_shows(history: list[Any]) -> None:
    shadow = played(history)
    answered = shadow.update({})
    document = shadow.get()
    delta = document["state"].pop("delta", None), document["metadata"].pop("delta", None)
    assert answered.documents["current"] == {name: document[name] for name in ("state", "metadata", "version")}
    assert (answered.delta and answered.delta["state"], answered.delta and answered.delta["metadata"]) == delta


@given(HISTORIES, PATCHES, st.sampled_from(["desired", "reported"]))
def test_the_same_update_again_changes_no_state_and_one_without_its_nulls_neither(history: list[Any], patch: Any, section: str) -> None:
    shadow = played(history)
    shadow.update({section: patch})
    once = shadow.get()["state"]
    shadow.update({section: patch})
    assert shadow.get()["state"] == once
    there = {key: value for key, value in patch.items() if value is not None}
    shadow.update({section: there})
    assert shadow.get()["state"] == once


@given(st.dictionaries(KEYS, WITHOUT_NULL, max_size=3))
def test_what_is_written_into_nothing_is_read_back(section: dict[str, Any]) -> None:
    shadow = Played(limits=engine.Limits(depth=20))
    shadow.update({"reported": section})
    assert shadow.get()["state"] == ({"reported": section} if section else {})
