"""What a request's payload says, and why it is refused before anything is looked up."""

import json
import math
from typing import Any

from tests.fleet.shadow.flat import SECTIONS

_ENCODING = "Unsupported documented encoding; supported encoding is UTF-8"


class Refused(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


def document(payload: bytes, deepest: int) -> dict[str, Any]:
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(415, _ENCODING) from None
    try:
        parsed = json.loads(text, object_pairs_hook=_once_each, parse_float=_finite, parse_constant=_no_number)
        # A lone half of a surrogate pair has no UTF-8.
        json.dumps(parsed, ensure_ascii=False).encode()
    except RecursionError:
        raise too_deep(deepest) from None
    except ValueError:
        raise Refused(400, "Invalid JSON") from None
    if not isinstance(parsed, dict):
        raise Refused(400, "Invalid JSON")
    return parsed


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _no_number(text: str) -> float:
    raise ValueError(text)


def check_state(asked: dict[str, Any]) -> None:
    """There is a state, and what it has of sections are objects; a null is as good as an object."""
    if "state" not in asked:
        raise Refused(400, "Missing required node: state")
    state = asked["state"]
    if state is not None and not isinstance(state, dict):
        raise Refused(400, "State node must be an object")
    for name in SECTIONS:
        section = (state or {}).get(name)
        if section is not None and not isinstance(section, dict):
            raise Refused(400, f"{name.capitalize()} node must be an object")


def version(asked: dict[str, Any]) -> int | None:
    """None where none is given; a null gives none."""
    given = asked.get("version")
    if given is None:
        return None
    if type(given) is not int or given < 0:
        raise Refused(400, "Invalid version")
    return given


def token(asked: dict[str, Any], most_bytes: int) -> str | None:
    """None where none is given; a null gives none."""
    given = asked.get("clientToken")
    if given is None:
        return None
    if not isinstance(given, str) or len(given.encode()) > most_bytes:
        raise Refused(400, "Invalid clientToken")
    return given


def sections(asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Those that are given and are not null."""
    return [section for name, section in (asked["state"] or {}).items() if name in SECTIONS and section is not None]


def too_deep(deepest: int) -> Refused:
    return Refused(400, f"JSON contains too many levels of nesting; maximum is {deepest}")


def is_deeper(section: dict[str, Any], than: int) -> bool:
    """Whether objects and arrays stand in each other on more than so many levels, of which `section` itself is the first.

    The levels are taken off from the outside; what is left then is too deep.
    """
    level: list[Any] = [section]
    for _ in range(than):
        level = [member for outer in level for member in (outer.values() if isinstance(outer, dict) else outer)]
        level = [member for member in level if isinstance(member, dict | list)]
    return bool(level)


def check_nodes(asked: dict[str, Any]) -> None:
    for name in asked["state"] or ():
        if name not in SECTIONS:
            raise Refused(400, f"State contains an invalid node: '{name}'")


def has_null_in_array(value: Any, in_array: bool = False) -> bool:
    if isinstance(value, dict):
        return any(has_null_in_array(member, in_array) for member in value.values())
    if isinstance(value, list):
        return any(has_null_in_array(element, True) for element in value)
    return value is None and in_array
