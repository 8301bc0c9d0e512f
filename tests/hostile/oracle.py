"""What must become of bytes that nobody wrote down: by Python's own JSON with recording hooks, and by the contract in plain words.

Of several things that are wrong with a reading the oracle tells all; the decoder must give one of them, and take what has none.
"""

import json
import math
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.hostile.cases import DEVICE, LATEST_MS, Row, Sound

_ISO = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]+))?)?(?:[Zz]|([+-])([0-9]{2}):?([0-9]{2}))"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MS, _LAST_MS = 946_684_800_000, 253_402_300_799_999
_OWN = {"ts", "seq", "boot", "device_id"}


@dataclass(frozen=True)
class Parsed:
    """`wrong` are the reasons why these bytes are refused as JSON; without any, `document` is what they say."""

    document: Any = None
    wrong: frozenset[str] = frozenset()


def parse(content: bytes) -> Parsed:
    try:
        text = content.decode("utf-8", "strict")
    except UnicodeDecodeError:
        return Parsed(wrong=frozenset({"not_utf8"}))
    seen = _Seen()
    try:
        document = json.loads(
            text, object_pairs_hook=seen.members, parse_constant=seen.constant, parse_int=seen.whole, parse_float=seen.broken
        )
    except json.JSONDecodeError:
        # Something else may be wrong before the place where the syntax is.
        return Parsed(wrong=frozenset(seen.wrong or {"not_json"}))
    except RecursionError:
        return Parsed(wrong=frozenset({*seen.wrong, "too_deep"}))
    if _depth(document) > 16:
        seen.wrong.add("too_deep")
    elif _has_half_a_pair(document):
        seen.wrong.add("lone_surrogate")
    return Parsed(document, frozenset(seen.wrong))


@dataclass
class _Seen:
    wrong: set[str] = field(default_factory=set)

    def members(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) < len(pairs):
            self.wrong.add("duplicate_key")
        return dict(pairs)

    def constant(self, text: str) -> None:
        self.wrong.add("not_finite")

    def whole(self, text: str) -> int:
        # Longer than any that fits; a conversion would be slow.
        value = int(text) if len(text) < 30 else 2**64
        if not -(2**63) <= value < 2**63:
            self.wrong.add("number_out_of_range")
        return value

    def broken(self, text: str) -> float:
        value = float(text)
        if math.isinf(value):
            self.wrong.add("number_out_of_range")
        return value


def _depth(document: Any) -> int:
    """Level by level, so that no depth is too deep for it."""
    level, depth = [document], 0
    while True:
        level = [value for value in level if isinstance(value, dict | list)]
        if not level:
            return depth
        depth += 1
        level = [member for value in level for member in (value.values() if isinstance(value, dict) else value)]


def _has_half_a_pair(document: Any) -> bool:
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def reasons(document: Any, contract: str) -> set[str]:
    """All that is wrong with one reading; nothing for one that must be taken."""
    if not isinstance(document, dict):
        return {"wrong_type"}
    found = _of_own(document) | _of_time(document.get("ts"))
    for name, look in _FIELDS[contract].items():
        found |= look(document.get(name))
    if contract == "vault" and set(document) - _OWN - set(_FIELDS["vault"]):
        found.add("unknown_field")
    return found


def _of_own(document: dict[str, Any]) -> set[str]:
    found = set()
    if "device_id" in document and document["device_id"] != DEVICE:
        found.add("device_mismatch")
    seq = document.get("seq")
    if wrong_boot(document.get("boot")) or not (seq is None or (type(seq) is int and seq >= 0)):
        found.add("wrong_type")
    return found


def wrong_boot(boot: Any) -> bool:
    return not (boot is None or (type(boot) is str and 1 <= len(boot) <= 64))


def _of_time(ts: Any) -> set[str]:
    if ts is None:
        return {"missing"}
    moment = moment_ms(ts)
    if moment is None or not _FIRST_MS <= moment <= _LAST_MS:
        return {"bad_time"}
    return {"future_time"} if moment > LATEST_MS else set()


def moment_ms(ts: Any) -> int | None:
    """Epoch milliseconds; None for what is none."""
    if type(ts) in (int, float):
        return int(ts) if ts == math.floor(ts) else None
    found = _ISO.fullmatch(ts) if isinstance(ts, str) else None
    if found is None:
        return None
    *clock, fraction, sign, hours, minutes = found.groups()
    try:
        moment = datetime(*[int(part or 0) for part in clock], tzinfo=UTC)  # type: ignore[misc,arg-type]
    except ValueError:
        return None
    ahead = 0
    if sign:
        if int(hours) > 23 or int(minutes) > 59:
            return None
        ahead = (int(hours) * 60 + int(minutes)) * (-60_000 if sign == "-" else 60_000)
    return (moment - _EPOCH) // timedelta(milliseconds=1) - ahead + int(((fraction or "") + "000")[:3])


def _number(value: Any, least: float = -math.inf, most: float = math.inf) -> set[str]:
    if type(value) not in (int, float):
        return {"wrong_type"}
    return set() if least <= value <= most else {"out_of_range"}


def _whole(value: Any, least: float = -math.inf, most: float = math.inf) -> set[str]:
    if type(value) is float and (value != math.floor(value) or abs(value) >= 2**53):
        return {"wrong_type"}
    return _number(value, least, most)


def _text(value: Any, longest: int = 256, of: tuple[str, ...] = ()) -> set[str]:
    if type(value) is not str:
        return {"wrong_type"}
    return {"out_of_range"} if len(value) > longest or (of and value not in of) else set()


def _bool(value: Any) -> set[str]:
    return set() if type(value) is bool else {"wrong_type"}


def _must(look: Any) -> Any:
    return lambda value: {"missing"} if value is None else look(value)


def _may(look: Any) -> Any:
    return lambda value: set() if value is None else look(value)


_FIELDS: dict[str, dict[str, Any]] = {
    "kiln": {
        "water": _must(lambda value: _number(value, 0, 120)),
        "drift": _may(_number),
        "starts": _may(lambda value: _whole(value, 0)),
        "shift": _may(_whole),
        "level": _may(lambda value: _whole(value, -5, 5)),
        "burning": _may(_bool),
        "mode": _may(lambda value: _text(value, of=("eco", "full"))),
        "note": _may(lambda value: _text(value, 5)),
    },
    "vault": {
        "doors": _must(lambda value: _whole(value, 0, 9)),
        "shut": _must(_bool),
        "label": _must(_text),
        "grams": _must(_number),
        "hint": _may(_text),
    },
}
_KINDS: dict[str, Any] = dict.fromkeys(("water", "drift", "grams"), float) | dict.fromkeys(("starts", "shift", "level", "doors"), int)


def row(document: dict[str, Any], contract: str, head_boot: str | None) -> Row:
    """The row of a reading that has no reason against it."""
    fields = _FIELDS[contract]
    values = {n: _KINDS.get(n, lambda same: same)(document[n]) for n in fields if document.get(n) is not None}
    unknown = {name: value for name, value in document.items() if name not in fields and name not in _OWN}
    extra = json.dumps(unknown, sort_keys=True, ensure_ascii=False, separators=(",", ":")) if unknown else None
    moment = moment_ms(document["ts"])
    assert moment is not None
    return Sound(b"", document, values, moment, document.get("seq"), document.get("boot"), extra, contract).row(head_boot)
