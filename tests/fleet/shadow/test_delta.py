"""What of the desired state a device has yet to do."""

from typing import Any

import pytest

from tests.fleet.shadow.played import Played, at

SAME: list[tuple[Any, Any]] = [
    (1, 1.0),
    (0, -0.0),
    (2**60, 2**60),
    (100, 1e2),
    ("a", "a"),
    (True, True),
    ([1, [2.0]], [1.0, [2]]),
    ([{"a": 1, "b": 2}], [{"b": 2.0, "a": 1}]),
    ([], []),
]
DIFFERENT: list[tuple[Any, Any]] = [
    (True, 1),
    (0, False),
    (1, True),
    (False, ""),
    (1, "1"),
    (1, 1.5),
    (2**53 + 1, float(2**53)),
    ([1], [True]),
    ([1, 2], [2, 1]),
    ([1], [1, 1]),
    ([{"a": 1}], [{"a": 1, "b": 1}]),
    ([{"a": False}], [{"a": 0}]),
    ([], {"x": 1}),
    ("", 0),
    (5, {"x": 1}),
    (5, {}),
]


def delta_of(desired: Any, reported: Any) -> Any:
    answered = Played().update({"desired": desired, "reported": reported})
    return answered.delta and answered.delta["state"]


@pytest.mark.parametrize(("wanted", "there"), SAME)
def test_values_that_are_equal_as_json_leave_nothing_to_do(wanted: Any, there: Any) -> None:
    assert delta_of({"k": wanted}, {"k": there}) is None


@pytest.mark.parametrize(("wanted", "there"), DIFFERENT)
def test_values_that_differ_are_wanted_whole_and_with_their_own_type(wanted: Any, there: Any) -> None:
    delta = delta_of({"k": wanted}, {"k": there})
    assert delta == {"k": wanted}
    assert type(delta["k"]) is type(wanted)


@pytest.mark.parametrize(
    ("desired", "reported", "delta"),
    [
        ({"a": 1}, None, {"a": 1}),
        (None, {"a": 1}, None),
        ({"a": 1}, {"a": 1, "b": 2}, None),
        ({"a": {"b": {"c": 1, "d": 2}, "e": 3}}, {"a": {"b": {"c": 1, "d": 9}, "e": 3}}, {"a": {"b": {"d": 2}}}),
        ({"a": {"b": 1}}, {"a": 7}, {"a": {"b": 1}}),
        ({"a": {"b": 1}}, {"a": [1]}, {"a": {"b": 1}}),
        ({"a": {}}, {"a": 7}, None),
        ({"a": {}}, None, None),
        ({"a": {"b": {}}, "c": 1}, {"c": 2}, {"c": 1}),
        ({"a": {"b": {}, "c": 1}}, {"z": 1}, {"a": {"c": 1}}),
    ],
)
def test_the_delta_has_the_path_to_what_is_missing_or_differs(desired: Any, reported: Any, delta: Any) -> None:
    assert delta_of(desired, reported) == delta


def test_its_metadata_is_that_of_the_desired_leaves_in_it() -> None:
    shadow = Played()
    shadow.update({"desired": {"a": {"b": 1, "c": 2}, "d": [1, {"e": 2}]}, "reported": {"a": {"b": 0}}})
    shadow.now += 5
    answered = shadow.update({"desired": {"a": {"c": 3}}, "reported": {"a": {"b": 1}}})
    assert answered.delta is not None
    assert answered.delta["state"] == {"a": {"c": 3}, "d": [1, {"e": 2}]}
    assert answered.delta["metadata"] == {"a": {"c": at(5)}, "d": [at(0), {"e": at(0)}]}
