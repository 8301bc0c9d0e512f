"""What an update may bring: the first fault is told, in the order of AWS's table, and nothing is kept of what is refused."""

import json
from typing import Any

import pytest

from fleet.shadow.engine import Limits, ShadowError
from tests.fleet.shadow.played import Played

TOO_DEEP = "JSON contains too many levels of nesting; maximum is 6"


def nested(levels: int, inner: Any = None, *, by_array: bool = False) -> Any:
    """`levels` objects (or arrays) in each other, the innermost one empty or with `inner`."""
    value: Any = ([] if by_array else {}) if inner is None else ([inner] if by_array else {"in": inner})
    for _ in range(levels - 1):
        value = [value] if by_array else {"n": value}
    return value


def desired(value: Any) -> bytes:
    return json.dumps({"state": {"desired": value}}).encode()


@pytest.mark.parametrize(
    ("payload", "code", "words"),
    [
        (b"", 400, "Invalid JSON"),
        (b"{", 400, "Invalid JSON"),
        (b"[]", 400, "Invalid JSON"),
        (b'"state"', 400, "Invalid JSON"),
        (b'\xef\xbb\xbf{"state": {}}', 400, "Invalid JSON"),
        (b'{"state": {}} x', 400, "Invalid JSON"),
        (b'{"state": {}, "state": {}}', 400, "Invalid JSON"),
        (b'{"state": {"desired": {"a": 1, "\\u0061": 2}}}', 400, "Invalid JSON"),
        (b'{"state": {"desired": {"a": NaN}}}', 400, "Invalid JSON"),
        (b'{"state": {"desired": {"a": -Infinity}}}', 400, "Invalid JSON"),
        (b'{"state": {"desired": {"a": 1e999}}}', 400, "Invalid JSON"),
        (b'{"state": {"desired": {"a": ' + b"9" * 5000 + b"}}}", 400, "Invalid JSON"),
        (b'{"state": {"desired": {"a": "\\ud800"}}}', 400, "Invalid JSON"),
        (b'{"state": {"desired": {"\\udfff": 1}}}', 400, "Invalid JSON"),
        (b'{"state": {"desired": {"a": [null]}}}', 400, "Invalid JSON"),
        (b'{"state": {"reported": {"a": {"b": [1, [2, null]]}}}}', 400, "Invalid JSON"),
        (b'{"state": {"desired": {"a": [{"b": null}]}}}', 400, "Invalid JSON"),
        (b'\xff\xfe{\x00"\x00', 415, "Unsupported documented encoding; supported encoding is UTF-8"),
        (b'{"state": {"desired": {"a": "\xe9"}}}', 415, "Unsupported documented encoding; supported encoding is UTF-8"),
        (b"{}", 400, "Missing required node: state"),
        (b'{"desired": {}}', 400, "Missing required node: state"),
        (b'{"state": []}', 400, "State node must be an object"),
        (b'{"state": "{}"}', 400, "State node must be an object"),
        (b'{"state": false}', 400, "State node must be an object"),
        (b'{"state": {"desired": []}}', 400, "Desired node must be an object"),
        (b'{"state": {"desired": false}}', 400, "Desired node must be an object"),
        (b'{"state": {"reported": 1}}', 400, "Reported node must be an object"),
        (b'{"state": {}, "version": "1"}', 400, "Invalid version"),
        (b'{"state": {}, "version": true}', 400, "Invalid version"),
        (b'{"state": {}, "version": 1.0}', 400, "Invalid version"),
        (b'{"state": {}, "version": -1}', 400, "Invalid version"),
        (b'{"state": {}, "version": []}', 400, "Invalid version"),
        (b'{"state": {}, "version": {}}', 400, "Invalid version"),
        (b'{"state": {}, "clientToken": 1}', 400, "Invalid clientToken"),
        (b'{"state": {}, "clientToken": "' + b"x" * 65 + b'"}', 400, "Invalid clientToken"),
        (b'{"state": {}, "clientToken": "' + "é".encode() * 33 + b'"}', 400, "Invalid clientToken"),
        (b'{"state": {"delta": {}}}', 400, "State contains an invalid node: 'delta'"),
        (b'{"state": {"desired": {}, "Reported": {}}}', 400, "State contains an invalid node: 'Reported'"),
    ],
)
def test_a_request_that_aws_refuses_is_refused_with_its_code_and_words(payload: bytes, code: int, words: str) -> None:
    shadow = Played()
    shadow.update({"desired": {"fan": "on"}})
    before = shadow.get()
    assert shadow.refusal(payload) == (code, words)
    assert shadow.get() == before


def test_of_several_faults_the_first_of_the_table_is_told() -> None:
    faults: list[tuple[dict[str, Any], str]] = [
        ({"state": {"desired": 1, "reported": 1, "x": 1}}, "Desired node must be an object"),
        ({"state": {"desired": {}, "reported": 1, "x": 1}}, "Reported node must be an object"),
        ({"state": {"desired": nested(7), "x": 1}}, "Invalid version"),
        ({"state": {"desired": nested(7), "x": 1}, "version": 9}, "Invalid clientToken"),
        ({"state": {"desired": nested(7), "x": 1}, "version": 9, "clientToken": ""}, TOO_DEEP),
        ({"state": {"desired": nested(6), "x": 1}, "version": 9, "clientToken": ""}, "State contains an invalid node: 'x'"),
        ({"state": {"desired": {"a": "x" * 9000}}, "version": 9, "clientToken": ""}, "Version conflict"),
        ({"state": {"desired": {"a": "x" * 9000}}, "version": 1, "clientToken": ""}, "The payload exceeds the maximum size allowed"),
    ]
    shadow = Played()
    shadow.update({})
    rest = {"version": "none", "clientToken": 7}
    assert [shadow.refusal(json.dumps(rest | request).encode())[1] for request, _ in faults] == [words for _, words in faults]


def test_a_sound_client_token_comes_back_with_whatever_is_wrong_beside_it() -> None:
    for payload in (b'{"clientToken": "t-1"}', b'{"state": {}, "version": [], "clientToken": "t-1"}'):
        with pytest.raises(ShadowError) as refused:
            Played().send(payload)
        assert refused.value.client_token == "t-1"
    with pytest.raises(ShadowError) as refused:
        Played().send(b'{"clientToken": "%s"}' % (b"x" * 65))
    assert refused.value.body(5) == {"code": 400, "message": "Missing required node: state", "timestamp": 5}


@pytest.mark.parametrize("token", ["", "x" * 64, "é" * 32])
def test_a_client_token_of_64_bytes_comes_back(token: str) -> None:
    assert Played().update({}, clientToken=token).accepted["clientToken"] == token


def test_a_null_for_a_version_or_a_token_counts_as_none_given() -> None:
    shadow = Played()
    for version in (1, 2, 3):
        answered = shadow.update({"reported": {"rpm": version}}, version=None, clientToken=None)
        assert (answered.accepted["version"], "clientToken" in answered.accepted) == (version, False)
    assert "clientToken" not in shadow.get(b'{"clientToken": null}')
    assert "clientToken" not in shadow.delete(b'{"clientToken": null}').accepted


def test_the_deepest_example_of_aws_is_taken_and_may_have_plain_members_only() -> None:
    def five(innermost: str) -> bytes:
        return b'{"state": {"desired": {"one": {"two": {"three": {"four": {"five": %s}}}}}}}' % innermost.encode()

    for innermost in ("{}", '{"six": 1}', '{"six": null, "seven": "x"}', "[1]"):
        assert Played().send(five(innermost)).shadow.version == 1
    for innermost in ('{"six": {}}', '{"six": []}', "[{}]", "[[]]"):
        assert Played().refusal(five(innermost)) == (400, TOO_DEEP)


@pytest.mark.parametrize("by_array", [False, True])
def test_six_levels_are_taken_and_seven_are_not(by_array: bool) -> None:
    section = {"n": nested(5, "leaf", by_array=by_array)}
    assert Played().send(desired(section)).shadow.desired == section
    assert Played().refusal(desired({"n": nested(6, by_array=by_array)})) == (400, TOO_DEEP)
    assert Played().refusal(desired({"n": nested(6)}).replace(b"desired", b"reported")) == (400, TOO_DEEP)


def test_the_depth_is_a_limit_that_may_be_set() -> None:
    deep = Limits(depth=8)
    assert Played(limits=deep).send(desired(nested(8))).shadow.version == 1
    assert Played(limits=deep).refusal(desired(nested(9))) == (400, "JSON contains too many levels of nesting; maximum is 8")


@pytest.mark.parametrize(
    "payload",
    [
        b"[" * 100_000,
        b'{"state": {"desired": ' + b'{"a":' * 30_000,
        b'{"state": {"desired": {"a": ' + b"[" * 900 + b"]" * 900 + b"}}}",
        b'{"state": {"desired": {"a": ' + b"[" * 60_000 + b"]" * 60_000 + b"}}}",
        b'{"state": {}, "version": ' + b"[" * 60_000 + b"]" * 60_000 + b"}",
        b'{"state": {"x\\u0041": ' + b"[" * 60_000 + b"]" * 60_000 + b"}}",
    ],
)
def test_a_depth_bomb_is_refused_as_too_deep(payload: bytes) -> None:
    assert Played().refusal(payload) == (400, TOO_DEEP)


def test_what_stands_beside_state_is_no_concern() -> None:
    answered = Played().send(b'{"state": {}, "metadata": {"desired": 1}, "note": [null, {"deep": [[[[[[[[1]]]]]]]]}]}')
    assert (answered.accepted["state"], answered.accepted["metadata"]) == ({}, {})


def test_large_numbers_come_back_whole() -> None:
    digits = "9" * 400
    answered = Played().send(b'{"state": {"desired": {"n": ' + digits.encode() + b', "x": 1e308, "y": -0.0}}}')
    assert answered.shadow.desired == {"n": int(digits), "x": 1e308, "y": 0.0}
