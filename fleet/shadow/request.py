"""What a client sends: strict JSON, its client token, and for an update the state it asks for."""

import json
from dataclasses import dataclass
from typing import Any

from fleet.shadow.errors import ShadowError
from runtime.strict_json import finite, no_constant, unique_keys

SECTIONS = ("desired", "reported")


@dataclass(frozen=True)
class Limits:
    """Of the Device Shadow service: bytes of a document, levels of nesting, bytes of a token.

    A level is an object or an array; desired's or reported's own object is the first, and a plain value has none. So of
    ``{"desired": {"one": {"two": {"three": {"four": {"five": {}}}}}}}``, AWS's example of the deepest that it takes, ``five`` is the sixth:
    it may have plain members, and no further object. AWS's page, which speaks of five levels, may be read as forbidding ``five`` any member
    (then names are what is counted), or as one level less. Counted by objects and arrays the example passes and is the deepest, and so
    counts AWS's open edge component, whose message names six. Newer pages speak of 8 levels, and an account's documents may be raised to 30 KiB.
    """

    document_bytes: int = 8192
    depth: int = 6
    token_bytes: int = 64


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class UpdateRequest:
    """`state` None clears both sections; `version` and `client_token` None were not given, or were null."""

    state: dict[str, Any] | None
    version: int | None
    client_token: str | None


def parse_update(payload: bytes, limits: Limits) -> UpdateRequest:
    """Raises ShadowError with the first fault, in the order of AWS's table of messages; which it tells of several AWS does not state."""
    document = _parse(payload, limits)
    token = None if _token_fault(document, limits) else document.get("clientToken")
    fault = (
        _shape_fault(document)
        or _version_fault(document)
        or _token_fault(document, limits)
        or _nesting_fault(document["state"], limits)
        or _node_fault(document["state"])
        or _array_fault(document["state"])
    )
    if fault:
        raise ShadowError(400, fault, token)
    return UpdateRequest(document["state"], document.get("version"), token)


def parse_token(payload: bytes, limits: Limits) -> str | None:
    """The client token of a get or a delete, whose payload may be empty. Raises ShadowError."""
    if not payload:
        return None
    document = _parse(payload, limits)
    if fault := _token_fault(document, limits):
        raise ShadowError(400, fault)
    return document.get("clientToken")


def _parse(payload: bytes, limits: Limits) -> dict[str, Any]:
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError:
        # AWS's own spelling.
        raise ShadowError(415, "Unsupported documented encoding; supported encoding is UTF-8") from None
    try:
        document = _DECODER.decode(text)
        if "\\u" in text:
            # Half of a surrogate pair is no text: nothing that holds it could be sent on.
            json.dumps(document, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        raise ShadowError(400, _too_deep(limits)) from None
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise ShadowError(400, "Invalid JSON")
    return document


_DECODER = json.JSONDecoder(object_pairs_hook=unique_keys, parse_constant=no_constant, parse_float=finite)


def _shape_fault(document: dict[str, Any]) -> str | None:
    if "state" not in document:
        return "Missing required node: state"
    state = document["state"]
    if state is None:
        return None
    if not isinstance(state, dict):
        return "State node must be an object"
    for section in SECTIONS:
        if not isinstance(state.get(section), dict | None):
            return f"{section.capitalize()} node must be an object"
    return None


def _version_fault(document: dict[str, Any]) -> str | None:
    """A whole number that is not negative; ``true`` is none, and neither is ``1.0``. A null gives none."""
    version = document.get("version")
    return None if version is None or (type(version) is int and version >= 0) else "Invalid version"


def _token_fault(document: dict[str, Any], limits: Limits) -> str | None:
    """A null gives none."""
    token = document.get("clientToken")
    is_good = token is None or (isinstance(token, str) and len(token.encode("utf-8")) <= limits.token_bytes)
    return None if is_good else "Invalid clientToken"


def _nesting_fault(state: dict[str, Any] | None, limits: Limits) -> str | None:
    sections = ((state or {}).get(section) for section in SECTIONS)
    return _too_deep(limits) if any(_is_deeper(section, limits.depth) for section in sections) else None


def _too_deep(limits: Limits) -> str:
    return f"JSON contains too many levels of nesting; maximum is {limits.depth}"


def _is_deeper(value: Any, levels: int) -> bool:
    """Whether objects and arrays stand in each other more than `levels` deep; it looks no deeper itself."""
    if not isinstance(value, dict | list):
        return False
    members = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(member, levels - 1) for member in members)


def _node_fault(state: dict[str, Any] | None) -> str | None:
    strange = next((node for node in state or {} if node not in SECTIONS), None)
    return None if strange is None else f"State contains an invalid node: '{strange}'"


def _array_fault(state: dict[str, Any] | None) -> str | None:
    """AWS's documents say that such an array is rejected, and not with which words. It looks as deep as `state` is: `_nesting_fault` first."""
    return "Invalid JSON" if _has_null_in_array(state) else None


def _has_null_in_array(value: Any, is_inside: bool = False) -> bool:
    """An array is one value: a null at any depth of it would remove nothing, and AWS refuses it."""
    if isinstance(value, dict):
        return any(_has_null_in_array(member, is_inside) for member in value.values())
    if isinstance(value, list):
        return any(_has_null_in_array(member, True) for member in value)
    return value is None and is_inside
