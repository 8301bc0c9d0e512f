"""The merge into a section: which keys stay, go and change, and which of them are stamped."""

from typing import Any

import pytest

from tests.fleet.shadow.played import Played, at


@pytest.mark.parametrize(
    ("there", "given", "merged", "metadata"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}, {"a": at(0), "b": at(5)}),
        ({"a": 1}, {"a": 1}, {"a": 1}, {"a": at(5)}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}}, {"a": {"x": 1, "y": 3}}, {"a": {"x": at(0), "y": at(5)}}),
        ({"a": {"x": 1}, "b": 1}, {"a": {"x": None}}, {"a": {}, "b": 1}, {"a": {}, "b": at(0)}),
        ({"a": {"x": 1}, "b": 1}, {"a": None}, {"b": 1}, {"b": at(0)}),
        ({"a": 1}, {"never": None, "b": {"never": None}}, {"a": 1, "b": {}}, {"a": at(0), "b": {}}),
        ({"a": 1}, {"b": {"c": {"never": None, "d": 1}}}, {"a": 1, "b": {"c": {"d": 1}}}, {"a": at(0), "b": {"c": {"d": at(5)}}}),
        ({"a": {"x": 1}}, {"a": 7}, {"a": 7}, {"a": at(5)}),
        ({"a": 7}, {"a": {"x": 1}}, {"a": {"x": 1}}, {"a": {"x": at(5)}}),
        ({"a": {"x": 1}}, {"a": {}}, {"a": {"x": 1}}, {"a": {"x": at(0)}}),
        ({"a": 7}, {"a": {}}, {"a": {}}, {"a": {}}),
        ({"a": [1, 2, 3]}, {"a": [4]}, {"a": [4]}, {"a": [at(5)]}),
        ({"a": [1]}, {"a": []}, {"a": []}, {"a": []}),
        ({"a": {"x": 1}}, {"a": [{"y": 1}, [2, 3]]}, {"a": [{"y": 1}, [2, 3]]}, {"a": [{"y": at(5)}, [at(5), at(5)]]}),
        ({"a": [{"x": 1}]}, {"a": {"x": 2}}, {"a": {"x": 2}}, {"a": {"x": at(5)}}),
        (
            {"timestamp": 1},
            {"b": {"timestamp": 2}},
            {"timestamp": 1, "b": {"timestamp": 2}},
            {"timestamp": at(0), "b": {"timestamp": at(5)}},
        ),
        ({"": 1}, {"": {"": 2}}, {"": {"": 2}}, {"": {"": at(5)}}),
    ],
)
@pytest.mark.parametrize("section", ["desired", "reported"])
def test_a_section_after_an_update_and_its_moments(
    section: str, there: dict[str, Any], given: dict[str, Any], merged: dict[str, Any], metadata: dict[str, Any]
) -> None:
    shadow = Played()
    shadow.update({section: there})
    shadow.now += 5
    shadow.update({section: given})
    document = shadow.get()
    assert (document["state"][section], document["metadata"][section]) == (merged, metadata)


@pytest.mark.parametrize("given", [{"a": None}, {"a": None, "never": None}])
def test_a_section_that_loses_its_last_key_is_gone(given: dict[str, Any]) -> None:
    shadow = Played()
    shadow.update({"desired": {"a": 1}, "reported": {"b": 1}})
    shadow.update({"desired": given})
    assert (shadow.get()["state"], shadow.get()["metadata"]) == ({"reported": {"b": 1}}, {"reported": {"b": at(0)}})


def test_an_empty_section_makes_none() -> None:
    shadow = Played()
    shadow.update({"desired": {}, "reported": {"never": None}})
    assert (shadow.get()["state"], shadow.get()["metadata"]) == ({}, {})


def test_the_other_section_keeps_its_moments() -> None:
    shadow = Played()
    shadow.update({"desired": {"a": 1}})
    shadow.now += 5
    shadow.update({"reported": {"a": 1}})
    assert shadow.get()["metadata"] == {"desired": {"a": at(0)}, "reported": {"a": at(5)}}
