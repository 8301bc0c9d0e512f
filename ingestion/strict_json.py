"""JSON as a device may send it: strict UTF-8, no duplicate key, no NaN, no number that would change on the way."""

import json
import math
from typing import Any, NoReturn

from lake.reasons import Reason

MAX_DEPTH = 16
_INT64 = 2**63
_LONGEST_DETAIL = 300


class Refused(Exception):
    """Why a message, a reading or a value is refused: `reason` and `detail`."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail[:_LONGEST_DETAIL]


def parse(content: bytes) -> Any:
    """The document. Raises Refused with the first reason found."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(Reason.NOT_UTF8, f"byte {error.start} is not UTF-8") from None
    try:
        document = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise Refused(Reason.NOT_JSON, f"{error.msg} at character {error.pos}") from None
    except RecursionError:
        raise Refused(Reason.TOO_DEEP, f"nested more than {MAX_DEPTH} levels deep") from None
    # The depth first: the walk for surrogates may then recurse.
    _refuse_depth(document, MAX_DEPTH)
    if "\\u" in text:
        _refuse_surrogates(document)
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise Refused(Reason.DUPLICATE_KEY, f"the key {twice!r} stands twice")
    return document


def _not_finite(text: str) -> NoReturn:
    raise Refused(Reason.NOT_FINITE, f"{text} is no number")


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise Refused(Reason.NUMBER_OUT_OF_RANGE, f"{text[:40]} does not fit a double")
    return value


def _int(text: str) -> int:
    # The length first: the conversion of a very long number takes quadratic time.
    if len(text) > 20 or not -_INT64 <= int(text) < _INT64:
        raise Refused(Reason.NUMBER_OUT_OF_RANGE, f"{text[:40]} does not fit 64 bits")
    return int(text)


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_not_finite, parse_float=_float, parse_int=_int)


def _refuse_surrogates(value: Any) -> None:
    if isinstance(value, str):
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise Refused(Reason.LONE_SURROGATE, "a text holds half of a surrogate pair")
    elif isinstance(value, dict):
        for key, member in value.items():
            _refuse_surrogates(key)
            _refuse_surrogates(member)
    elif isinstance(value, list):
        for member in value:
            _refuse_surrogates(member)


def _refuse_depth(value: Any, left: int) -> None:
    if not isinstance(value, dict | list):
        return
    if left == 0:
        raise Refused(Reason.TOO_DEEP, f"nested more than {MAX_DEPTH} levels deep")
    for member in value.values() if isinstance(value, dict) else value:
        _refuse_depth(member, left - 1)
