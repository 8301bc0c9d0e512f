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


def token(asked: dict[str, Any], most_bytes: int) -> str | None:
    given = asked.get("clientToken")
    if given is None:
        return None
    if not isinstance(given, str) or len(given.encode()) > most_bytes:
        raise Refused(400, "Invalid clientToken")
    return given


def version(asked: dict[str, Any]) -> int | None:
    given = asked.get("version")
    if given is not None and type(given) is not int:
        raise Refused(400, "Invalid version")
    return given


def state(asked: dict[str, Any]) -> dict[str, Any] | None:
    """None where the request clears everything."""
    if "state" not in asked:
        raise Refused(400, "Missing required node: state")
    given = asked["state"]
    if given is None:
        return None
    if not isinstance(given, dict):
        raise Refused(400, "State node must be an object")
    for name, section in given.items():
        if name not in SECTIONS:
            raise Refused(400, f"State contains an invalid node: '{name}'")
        if section is not None and not isinstance(section, dict):
            raise Refused(400, f"{name.capitalize()} node must be an object")
    return given


def too_deep(deepest: int) -> Refused:
    return Refused(400, f"JSON contains too many levels of nesting; maximum is {deepest}")


def is_deeper(value: Any, than: int, level: int = 1) -> bool:
    """Whether a name, or an array or object within an array, stands below level `than`; `value` itself stands at `level`."""
    if level > than:
        return True
    if isinstance(value, dict):
        return any(is_deeper(member, than, level + 1) for member in value.values())
    nested = [element for element in value if isinstance(element, dict | list)] if isinstance(value, list) else []
    return any(is_deeper(element, than, level + 1) for element in nested)


def has_null_in_array(value: Any, in_array: bool = False) -> bool:
    if isinstance(value, dict):
        return any(has_null_in_array(member, in_array) for member in value.values())
    if isinstance(value, list):
        return any(has_null_in_array(element, True) for element in value)
    return value is None and in_array
