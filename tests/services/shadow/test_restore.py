"""What restoring sends is what our engine makes the old state of."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fleet.shadow.engine import Address, update
from services.shadow.restore import restoring

_LEAVES = st.one_of(
    st.booleans(), st.integers(-2, 2), st.sampled_from([1.0, 0.5]), st.text("ab", max_size=2), st.lists(st.integers(0, 1), max_size=2)
)
_SECTIONS = st.dictionaries(
    st.sampled_from("xyz"),
    st.recursive(_LEAVES, lambda inner: st.dictionaries(st.sampled_from("xyz"), inner, min_size=1, max_size=3), max_leaves=5),
)


def _desired(state: dict[str, Any], change: dict[str, Any]) -> Any:
    """The desired section after `change` was sent to a shadow that desires `state`."""
    address = Address("engine-7")
    before = update(address, None, json.dumps({"state": {"desired": state}}).encode(), 100)
    return update(address, before.shadow, json.dumps({"state": {"desired": change}}).encode(), 200).shadow.desired or {}


@given(_SECTIONS, _SECTIONS)
def test_any_state_becomes_any_other(current: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert json.dumps(_desired(current, restoring(current, wanted)), sort_keys=True) == json.dumps(wanted, sort_keys=True)


def test_what_came_since_is_removed_and_what_is_the_same_is_not_sent() -> None:
    current = {"rpm": 900, "fan": {"level": 3, "mode": "auto"}, "lamp": True}
    assert restoring(current, {"rpm": 900, "fan": {"level": 1}}) == {"fan": {"level": 1, "mode": None}, "lamp": None}


def test_true_is_not_one() -> None:
    assert restoring({"on": 1}, {"on": True}) == {"on": True}
    assert restoring({"on": [1]}, {"on": [True]}) == {"on": [True]}
    assert json.dumps(restoring({"x": 1.0}, {"x": 1})) == '{"x": 1}'


def test_equal_states_need_nothing() -> None:
    assert restoring({"a": {"b": [1, {"c": 2}]}}, {"a": {"b": [1, {"c": 2}]}}) == {}
