"""The reference model itself, held to answers that were written by hand."""

import json
from typing import Any

import pytest

from tests.fleet.shadow.reference import Outcome, Reference

DESIRED_RED = b'{"state": {"desired": {"colour": "red", "speeds": [1, {"top": 2}]}}, "clientToken": "t-1"}'


def told(**document: Any) -> bytes:
    return json.dumps(document).encode()


def shadow(*payloads: bytes) -> Reference:
    """After these updates, a second apart from second 100 on."""
    known = Reference("engine-1")
    for number, payload in enumerate(payloads):
        assert known.update(payload, 100 + number).code == 200
    return known


def delta_of(desired: Any, reported: Any) -> Any:
    outcome = Reference("engine-1").update(told(state={"desired": desired, "reported": reported}), 100)
    return outcome.delta and outcome.delta["state"]


def test_the_first_update_answers_with_all_three_messages() -> None:
    outcome = Reference("engine-1").update(DESIRED_RED, 100)
    state = {"colour": "red", "speeds": [1, {"top": 2}]}
    metadata = {"colour": {"timestamp": 100}, "speeds": [{"timestamp": 100}, {"top": {"timestamp": 100}}]}
    head = {"version": 1, "timestamp": 100, "clientToken": "t-1"}
    current = {"state": {"desired": state}, "metadata": {"desired": metadata}, "version": 1}
    assert outcome == Outcome(
        200,
        accepted={"state": {"desired": state}, "metadata": {"desired": metadata}, **head},
        delta={"state": state, "metadata": metadata, **head},
        documents={"previous": None, "current": current, "timestamp": 100, "clientToken": "t-1"},
    )


def test_an_update_merges_what_it_gives_and_stamps_no_other_leaf() -> None:
    known = shadow(told(state={"desired": {"a": 1, "b": {"c": 2, "d": 3}}, "reported": {"a": 1}}))
    outcome = known.update(told(state={"desired": {"a": 1, "b": {"c": None, "e": [5]}}}), 107)
    assert outcome.accepted == {
        "state": {"desired": {"a": 1, "b": {"c": None, "e": [5]}}},
        "metadata": {"desired": {"a": {"timestamp": 107}, "b": {"c": {"timestamp": 107}, "e": [{"timestamp": 107}]}}},
        "version": 2,
        "timestamp": 107,
    }
    assert known.get(b"", 110).accepted == {
        "state": {"desired": {"a": 1, "b": {"d": 3, "e": [5]}}, "reported": {"a": 1}, "delta": {"b": {"d": 3, "e": [5]}}},
        "metadata": {
            "desired": {"a": {"timestamp": 107}, "b": {"d": {"timestamp": 100}, "e": [{"timestamp": 107}]}},
            "reported": {"a": {"timestamp": 100}},
            "delta": {"b": {"d": {"timestamp": 100}, "e": [{"timestamp": 107}]}},
        },
        "version": 2,
        "timestamp": 110,
    }
    assert outcome.documents is not None
    assert outcome.documents["previous"] == {
        "state": {"desired": {"a": 1, "b": {"c": 2, "d": 3}}, "reported": {"a": 1}},
        "metadata": {
            "desired": {"a": {"timestamp": 100}, "b": {"c": {"timestamp": 100}, "d": {"timestamp": 100}}},
            "reported": {"a": {"timestamp": 100}},
        },
        "version": 1,
    }


@pytest.mark.parametrize(
    ("before", "asked", "after"),
    [
        ({"desired": {"a": 1}}, {"desired": {"a": None}}, {}),
        ({"desired": {"a": {"b": 1}}}, {"desired": {"a": None}}, {}),
        ({"desired": {"a": 1, "b": 2}}, {"desired": {"a": None}}, {"desired": {"b": 2}}),
        ({"desired": {"a": {"b": 1}}}, {"desired": {"a": {"b": None}}}, {"desired": {"a": {}}}),
        ({"desired": {"a": {"b": 1}}}, {"desired": {"a": {}}}, {"desired": {"a": {"b": 1}}}),
        ({"desired": {"a": 1}}, {"desired": {"a": {}}}, {"desired": {"a": {}}}),
        ({"desired": {"a": 1}}, {"desired": {"a": {"b": None}}}, {"desired": {"a": {}}}),
        ({"desired": {"a": {"b": 1}}}, {"desired": {"a": 2}}, {"desired": {"a": 2}}),
        ({"desired": {"a": [1, 2, 3]}}, {"desired": {"a": [4]}}, {"desired": {"a": [4]}}),
        ({"desired": {"a": {}}}, {"desired": {"a": {"b": {"c": None, "d": 1}}}}, {"desired": {"a": {"b": {"d": 1}}}}),
        ({}, {"desired": {"a": {"b": {"c": None}}}}, {"desired": {"a": {"b": {}}}}),
        ({"desired": {"a": 1}, "reported": {"a": 1}}, {"desired": None}, {"reported": {"a": 1}}),
        ({"desired": {"a": 1}, "reported": {"a": 1}}, None, {}),
        ({"desired": {"a": 1}}, {}, {"desired": {"a": 1}}),
        ({}, {"desired": {}}, {}),
        ({}, {"desired": {}, "reported": {"a": None}}, {}),
        ({"desired": {"a": 1}}, {"desired": {}}, {"desired": {"a": 1}}),
    ],
)
def test_merge(before: Any, asked: Any, after: Any) -> None:
    assert shadow(told(state=before), told(state=asked)).state() == after


@pytest.mark.parametrize(
    ("desired", "reported", "delta"),
    [
        ({"a": 1}, {"a": 1.0}, None),
        ({"a": True}, {"a": 1}, {"a": True}),
        ({"a": 0}, {"a": False}, {"a": 0}),
        ({"a": [True]}, {"a": [1]}, {"a": [True]}),
        ({"a": [{"x": 1.0}]}, {"a": [{"x": 1}]}, None),
        ({"a": 2**53 + 1}, {"a": float(2**53)}, {"a": 2**53 + 1}),
        ({"a": "1"}, {"a": 1}, {"a": "1"}),
        ({"a": [1, 2]}, {"a": [1, 3]}, {"a": [1, 2]}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "x": 9}, "y": 9}, {"a": {"c": 2}}),
        ({"a": {"b": 1}}, {"a": 5}, {"a": {"b": 1}}),
        ({"a": 5}, {"a": {"b": 1}}, {"a": 5}),
        ({"a": []}, {}, {"a": []}),
        ({"a": {}}, {}, None),
        ({"a": {}, "b": {"c": {}, "d": 1}}, {}, {"b": {"d": 1}}),
        ({"a": 1}, {"a": {}}, {"a": 1}),
        ({}, {"a": 1}, None),
    ],
)
def test_delta(desired: Any, reported: Any, delta: Any) -> None:
    assert delta_of(desired, reported) == delta


def test_an_update_of_anything_sends_all_the_differences() -> None:
    known = shadow(told(state={"desired": {"a": 1, "b": 2}}))
    outcome = known.update(told(state={"reported": {"b": 2, "c": 3}}), 109)
    assert outcome.delta == {"state": {"a": 1}, "metadata": {"a": {"timestamp": 100}}, "version": 2, "timestamp": 109}


def test_a_deletion_keeps_the_number_and_the_next_creation_goes_on_from_it() -> None:
    known = shadow(*[told(state={"desired": {"a": 1}})] * 5)
    assert known.delete(b'{"clientToken": "t"}', 120) == Outcome(200, accepted={"version": 5, "timestamp": 120, "clientToken": "t"})
    assert known.get(b'{"clientToken": 7}', 121) == Outcome(400, "Invalid clientToken")
    gone = Outcome(404, "No shadow exists with name: engine-1", client_token="t")
    assert known.delete(b'{"clientToken": "t"}', 121) == known.get(b'{"clientToken": "t"}', 121) == gone
    again = known.update(told(state={"reported": {}}), 122)
    assert again.accepted == {"state": {"reported": {}}, "metadata": {"reported": {}}, "version": 6, "timestamp": 122}


def test_the_name_of_a_named_shadow_that_is_not_there_is_told_behind_its_things() -> None:
    assert Reference("engine-1", "config").get(b"", 100) == Outcome(404, "No shadow exists with name: engine-1~config")


@pytest.mark.parametrize(
    ("updates", "deleted", "version", "code"),
    [
        *((0, False, version, code) for version, code in ((0, 200), (1, 200), (2, 400), (-1, 400), (None, 200), (True, 400), (1.0, 400))),
        *(
            (3, False, version, code)
            for version, code in ((3, 200), (2, 409), (4, 409), (0, 409), (1, 409), (-3, 400), ("3", 400), (3.0, 400), (None, 200))
        ),
        *((3, False, version, 400) for version in (True, False, "", [], [3], {}, {"version": 3}, -1, -0.5, 2.5)),
        *((3, True, version, code) for version, code in ((3, 200), (0, 200), (1, 200), (2, 409), (4, 409), (-1, 400), (True, 400))),
    ],
)
def test_a_version_must_be_the_present_one(updates: int, deleted: bool, version: Any, code: int) -> None:
    known = shadow(*[told(state={})] * updates)
    if deleted:
        known.delete(b"", 109)
    outcome = known.update(told(state={}, version=version), 110)
    assert (outcome.code, outcome.message) == (code, {200: "", 400: "Invalid version", 409: "Version conflict"}[code])
    assert known.number == updates + (code == 200)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"", "Invalid JSON"),
        (b"[]", "Invalid JSON"),
        (b'{"state": {"desired": {"a": 1, "a": 1}}}', "Invalid JSON"),
        (b'{"state": {"desired": {"a": NaN}}}', "Invalid JSON"),
        (b'{"state": {"desired": {"a": 1e999}}}', "Invalid JSON"),
        (rb'{"state": {"desired": {"a": "\ud800"}}}', "Invalid JSON"),
        (b'{"state": {"desired": {"a": [1, {"b": null}]}}}', "Invalid JSON"),
        (b"{}", "Missing required node: state"),
        (b'{"state": []}', "State node must be an object"),
        (b'{"state": {"desired": 1}}', "Desired node must be an object"),
        (b'{"state": {"reported": []}}', "Reported node must be an object"),
        (b'{"state": {"delta": {}}}', "State contains an invalid node: 'delta'"),
        (b'{"state": {}, "version": "1"}', "Invalid version"),
        (b'{"state": {}, "clientToken": 1}', "Invalid clientToken"),
        (b'{"state": {"desired": {"a": ' + b"[" * 9_999 + b"]" * 9_999 + b"}}}", "JSON contains too many levels of nesting; maximum is 6"),
    ],
)
def test_a_bad_request_changes_nothing(payload: bytes, message: str) -> None:
    known = shadow(told(state={"desired": {"a": 7}}))
    assert known.update(payload, 110) == Outcome(400, message)
    assert (known.state(), known.number) == ({"desired": {"a": 7}}, 1)


def test_text_that_is_not_utf8_is_of_an_unsupported_encoding() -> None:
    message = "Unsupported documented encoding; supported encoding is UTF-8"
    assert Reference("engine-1").update(b'{"state": {"desired": {"a": "\xe9"}}}', 110) == Outcome(415, message)


@pytest.mark.parametrize(
    ("desired", "code"),
    [
        ({"one": {"two": {"three": {"four": {"five": 1}}}}}, 200),
        ({"one": {"two": {"three": {"four": {"five": {}}}}}}, 200),
        ({"one": {"two": {"three": {"four": {"five": [1]}}}}}, 200),
        ({"one": {"two": {"three": {"four": {"five": {"six": 1}}}}}}, 200),
        ({"one": {"two": {"three": {"four": {"five": {"six": None}}}}}}, 200),
        ({"one": {"two": {"three": {"four": {"five": {"six": {}}}}}}}, 400),
        ({"one": {"two": {"three": {"four": {"five": {"six": []}}}}}}, 400),
        ({"one": {"two": {"three": {"four": {"five": [[]]}}}}}, 400),
        ({"one": [[[[{}]]]]}, 200),
        ({"one": [[[[{"six": 1}]]]]}, 200),
        ({"one": [[[[[{}]]]]]}, 400),
        ({"one": [[[[[[]]]]]]}, 400),
    ],
)
def test_five_objects_or_arrays_may_stand_below_a_section(desired: Any, code: int) -> None:
    assert Reference("engine-1").update(told(state={"desired": desired}), 100).code == code
    assert Reference("engine-1", depth=7).update(told(state={"desired": desired}), 100).code == 200


@pytest.mark.parametrize(("letters", "code"), [(4_078, 200), (4_079, 413)])
def test_size_is_the_bytes_of_both_sections_after_the_merge(letters: int, code: int) -> None:
    # {"a":"…"} is 8 bytes beside its text; 8 + 2 * 4,078 + 8 + 20 = 8,192.
    known = shadow(told(state={"reported": {"a": "x" * 20}}))
    outcome = known.update(told(state={"desired": {"a": "é" * letters}}), 110)
    assert (outcome.code, known.number) == (code, 1 + (code == 200))


@pytest.mark.parametrize(("token", "code"), [("t" * 64, 200), ("é" * 32, 200), ("", 200), ("t" * 65, 400), ("é" * 33, 400)])
def test_a_token_has_64_bytes_at_most(token: str, code: int) -> None:
    outcome = Reference("engine-1").update(told(state={}, clientToken=token), 100)
    assert (outcome.code, (outcome.accepted or {}).get("clientToken")) == (code, token if code == 200 else None)


def test_a_refusal_gives_back_the_token_unless_that_is_wrong_itself() -> None:
    outcome = Reference("engine-1").update(told(state=1, clientToken="t"), 100)
    assert outcome == Outcome(400, "State node must be an object", client_token="t")
    assert Reference("engine-1").update(told(state=1, clientToken="t" * 65), 100) == Outcome(400, "State node must be an object")


def test_a_null_for_a_version_or_a_token_gives_none() -> None:
    known = shadow(told(state={"desired": {"a": 1}}))
    outcome = known.update(told(state={"desired": None}, version=None, clientToken=None), 110)
    metadata = {"desired": {"timestamp": 110}}
    assert outcome.accepted == {"state": {"desired": None}, "metadata": metadata, "version": 2, "timestamp": 110}
    assert known.get(b'{"clientToken": null}', 111).accepted == {"state": {}, "metadata": {}, "version": 2, "timestamp": 111}


def test_of_what_clears_everything_the_answer_has_a_null_and_one_stamp() -> None:
    known = shadow(told(state={"desired": {"a": 1}, "reported": {"a": 2}}))
    assert known.update(told(state=None), 110).accepted == {"state": None, "metadata": {"timestamp": 110}, "version": 2, "timestamp": 110}


def test_of_several_faults_the_first_is_told() -> None:
    too_deep = {"a": {"b": {"c": {"d": {"e": {"f": {"g": 1}}}}}}}
    known = shadow(told(state={}))
    asked: dict[str, Any] = {"state": 7, "version": 1.5, "clientToken": 7}
    mended: tuple[tuple[str, dict[str, Any]], ...] = (
        ("State node must be an object", {"state": {"reported": 7, "x": too_deep, "desired": 7}}),
        ("Desired node must be an object", {"state": {"reported": 7, "x": too_deep, "desired": too_deep}}),
        ("Reported node must be an object", {"state": {"reported": {"a": [None]}, "x": too_deep, "desired": too_deep}}),
        ("Invalid version", {"version": 9}),
        ("Invalid clientToken", {"clientToken": "t"}),
        ("JSON contains too many levels of nesting; maximum is 6", {"state": {"x": too_deep, "y": 1, "reported": {"a": [None]}}}),
        ("State contains an invalid node: 'x'", {"state": {"reported": {"a": [None], "b": "x" * 9_000}}}),
        ("Invalid JSON", {"state": {"reported": {"b": "x" * 9_000}}}),
        ("Version conflict", {"version": 1}),
        ("The payload exceeds the maximum size allowed", {"state": {}}),
        ("", {}),
    )
    for message, mend in mended:
        assert known.update(told(**asked), 110).message == message
        asked |= mend
