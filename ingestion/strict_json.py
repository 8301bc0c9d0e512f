"""JSON as a device may send it: strict UTF-8, no duplicate key, no NaN, no number that would change on the way."""

import json
import math
from collections import Counter
from typing import Any, NoReturn

import orjson

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
    quick = _parse_plain(content)
    return quick if quick is not None else parse_exactly(content)


def _parse_plain(content: bytes) -> Any:
    """The same for what devices send as a rule, several times faster; None where only the exact way knows."""
    # Without a backslash each text has two quotes, so that a key which stands twice shows in their number.
    if b"\\" in content:
        return None
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    texts = _count_texts(document, MAX_DEPTH)
    return document if texts is not None and 2 * texts == content.count(b'"') else None


def _count_texts(value: Any, left: int) -> int | None:
    """Texts in a document, keys too; None where it is too deep or has a number that may have changed on the way."""
    kind = type(value)
    if kind is str:
        return 1
    if kind is int:
        return 0 if -_INT64 <= value < _INT64 else None
    if kind is float:
        # A whole number beyond 64 bits has become a float too.
        return 0 if -_INT64 < value < _INT64 else None
    if kind is not dict and kind is not list:
        return 0
    if left == 0:
        return None
    count = len(value) if kind is dict else 0
    for member in value.values() if kind is dict else value:
        if type(member) is float and -_INT64 < member < _INT64:
            continue
        of_member = _count_texts(member, left - 1)
        if of_member is None:
            return None
        count += of_member
    return count


def parse_exactly(content: bytes) -> Any:
    """The document, by the standard library's parser, which tells each reason apart. Raises Refused."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(Reason.NOT_UTF8, f"byte {error.start} is not UTF-8") from None
    try:
        document = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise Refused(Reason.NOT_JSON, f"{_words(error)} at byte {len(text[: error.pos].encode())}") from None
    except RecursionError:
        raise Refused(Reason.TOO_DEEP, f"nested more than {MAX_DEPTH} levels deep") from None
    # The depth first: the walk for surrogates may then recurse.
    _refuse_depth(document, MAX_DEPTH)
    if "\\u" in text:
        _refuse_surrogates(document)
    return document


def _words(error: json.JSONDecodeError) -> str:
    if error.doc.startswith("\ufeff"):
        return "it begins with a byte order mark (EF BB BF), which JSON does not have,"
    # Some of the parser's sentences end for the place to follow.
    return error.msg.removesuffix(" at").rstrip(": ")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        # Counted at once: of many keys, to look for each among all would take quadratic time.
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
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
