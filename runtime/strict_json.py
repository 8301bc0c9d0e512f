"""What a JSON text may hide, for parsers that are to refuse it: hooks of `json.JSONDecoder`.

    JSONDecoder(object_pairs_hook=unique_keys, parse_constant=no_constant, parse_float=finite)

What devices send is parsed by `ingestion/strict_json.py`, several times faster and with a reason for each fault.
"""

import math
from collections import Counter
from typing import Any, NoReturn


class KeyTwice(ValueError):
    """`key` stands twice in one object: which of the two counts, readers do not agree upon."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the key {key[:60]!r} twice in one object")
        self.key = key


class NoNumber(ValueError):
    """NaN, Infinity, or what no double holds."""


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Raises KeyTwice."""
    document = dict(pairs)
    if len(document) < len(pairs):
        # Counted at once: of many keys, to look for each among all would take quadratic time.
        raise KeyTwice(next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1))
    return document


def no_constant(text: str) -> NoReturn:
    """Raises NoNumber."""
    raise NoNumber(f"{text}, which JSON does not have")


def finite(text: str) -> float:
    """Raises NoNumber."""
    value = float(text)
    if math.isinf(value):
        raise NoNumber(f"{text[:40]}, which no double holds")
    return value
