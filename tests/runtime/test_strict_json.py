"""What a JSON text may hide."""

import json
from typing import Any

import pytest

from runtime.strict_json import KeyTwice, NoNumber, finite, no_constant, unique_keys

_DECODER = json.JSONDecoder(object_pairs_hook=unique_keys, parse_constant=no_constant, parse_float=finite)


@pytest.mark.parametrize("text", ['{"a": 1, "a": 1}', '[{"b": {"a": 1, "\\u0061": 2}}]', '{"a": {}, "b": 1, "a": null}'])
def test_a_key_that_stands_twice_is_named_however_it_is_spelt(text: str) -> None:
    with pytest.raises(KeyTwice, match="the key 'a' twice in one object") as fault:
        _DECODER.decode(text)
    assert fault.value.key == "a"


@pytest.mark.parametrize("text", ["NaN", "[-Infinity]", '{"a": Infinity}', "1e999", "[-1e400]"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(NoNumber):
        _DECODER.decode(text)


@pytest.mark.parametrize(("text", "value"), [('{"a": {"a": 1}}', {"a": {"a": 1}}), ("1e308", 1e308), ("[1, 1.5, null]", [1, 1.5, None])])
def test_all_else_is_what_it_says(text: str, value: Any) -> None:
    assert _DECODER.decode(text) == value
