"""Whether a device is what a query asks for. Pure: what is known of the device is given in.

Text is compared without regard to case, word by word, where words are what white space separates; a phrase is words one behind the other.
Comparisons and ranges are of numbers where both sides are (also in an attribute, which is text always); else of texts, in the order of
their characters; a number and a text never compare. A field that has no value satisfies nothing but NOT.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

from services.devices import query_fields
from services.devices.device import Device
from services.devices.query_fields import Source
from services.devices.query_tree import And, Compare, Comparison, Match, Node, Not, Or, Within


@dataclass(frozen=True)
class Subject:
    """`shadows` has a document by shadow name, "" for the classic one. `last_seen` is in epoch milliseconds."""

    device: Device
    shadows: Mapping[str, Any] = field(default_factory=dict)
    last_seen: int | None = None
    is_connected: bool | None = None


def sources(node: Node) -> frozenset[Source]:
    """What must be looked up to answer the query."""
    if isinstance(node, And | Or):
        return frozenset().union(*(sources(each) for each in (node.all if isinstance(node, And) else node.any)))
    return sources(node.of) if isinstance(node, Not) else frozenset({query_fields.source(node.field)})


def matches(node: Node, subject: Subject) -> bool:
    if isinstance(node, And):
        return all(matches(each, subject) for each in node.all)
    if isinstance(node, Or):
        return any(matches(each, subject) for each in node.any)
    if isinstance(node, Not):
        return not matches(node.of, subject)
    return any(_holds(node, value) for value in values(subject, node.field))


def values(subject: Subject, name: str) -> Iterator[Any]:
    """Each value of a field: text, number or bool."""
    if not name:
        yield from _anything(subject)
    elif found := query_fields.SHADOW.fullmatch(name):
        state = _state(subject.shadows.get(found["name"] or "", {}))
        yield from _at(state.get(found["section"]), found["path"].split("."))
    elif name == query_fields.LAST_SEEN:
        yield from () if subject.last_seen is None else (subject.last_seen,)
    elif name == query_fields.CONNECTED:
        yield from () if subject.is_connected is None else (subject.is_connected,)
    else:
        yield from _of_registry(subject.device, name)


def _of_registry(device: Device, name: str) -> Iterator[str]:
    draft = device.draft
    kind, _, key = name.partition(".")
    if kind in ("attributes", "tags"):
        named = draft.attributes if kind == "attributes" else draft.tags
        yield from (named[key],) if key in named else ()
    elif name == "thingName":
        yield device.device_id
    elif name == "thingGroupNames":
        yield from draft.groups
    elif draft.type:
        yield draft.type


def _anything(subject: Subject) -> Iterator[Any]:
    draft = subject.device.draft
    yield subject.device.device_id
    yield from (draft.type, *draft.groups, *draft.attributes.values(), *draft.tags.values())
    for document in subject.shadows.values():
        state = _state(document)
        yield from _leaves(state.get("reported"))
        yield from _leaves(state.get("desired"))


def _state(document: Any) -> Mapping[str, Any]:
    state = document.get("state") if isinstance(document, dict) else None
    return state if isinstance(state, dict) else {}


def _at(node: Any, path: list[str]) -> Iterator[Any]:
    for step in path:
        node = node.get(step) if isinstance(node, dict) else None
    # An object is no value; of an array each member is one.
    yield from _leaves(node) if not isinstance(node, dict) else ()


def _leaves(node: Any) -> Iterator[Any]:
    if isinstance(node, dict):
        for member in node.values():
            yield from _leaves(member)
    elif isinstance(node, list):
        for member in node:
            yield from _leaves(member)
    elif node is not None:
        yield node


def _holds(node: Match | Compare | Within, value: Any) -> bool:
    if isinstance(node, Match):
        return _fits(node, value)
    if isinstance(node, Compare):
        return _compared(node.field, node.how, value, node.value)
    low = Comparison.MORE_OR_EQUAL if node.includes_low else Comparison.MORE
    high = Comparison.LESS_OR_EQUAL if node.includes_high else Comparison.LESS
    return (node.low is None or _compared(node.field, low, value, node.low)) and (
        node.high is None or _compared(node.field, high, value, node.high)
    )


def _fits(node: Match, value: Any) -> bool:
    if len(node.parts) == 1 and isinstance(wanted := node.parts[0], str):
        if node.field == query_fields.LAST_SEEN:
            return query_fields.epoch_ms(wanted) == value
        if _is_number(value) and query_fields.is_number(wanted):
            return Decimal(value) == Decimal(wanted)
    return _found(node.parts, _text(value).casefold())


def _found(parts: tuple[str | bool | None, ...], text: str) -> bool:
    """Whole words, one behind the other; a wildcard reaches over no white space, but for the * that stands alone."""
    if parts == (None,):
        return True
    words = text.split()
    if len(parts) == 1 and isinstance(parts[0], str):
        wanted = parts[0].casefold().split()
        return any(words[at : at + len(wanted)] == wanted for at in range(len(words) - len(wanted) + 1)) if wanted else not words
    tokens = _tokens(parts)
    return any(_like(tokens, word) for word in words)


@lru_cache(maxsize=256)
def _tokens(parts: tuple[str | bool | None, ...]) -> tuple[str | bool | None, ...]:
    return tuple(token for part in parts for token in (part.casefold() if isinstance(part, str) else (part,)))


def _like(tokens: tuple[str | bool | None, ...], word: str) -> bool:
    """In at most len(tokens) × len(word) steps: a regular expression of many wildcards can take for ever."""
    at, place, star, kept = 0, 0, -1, 0
    while place < len(word):
        token = tokens[at] if at < len(tokens) else ""
        if token is None:
            star, kept, at = at, place, at + 1
        elif token is True or token == word[place]:
            at, place = at + 1, place + 1
        elif star >= 0:
            kept += 1
            at, place = star + 1, kept
        else:
            return False
    return all(token is None for token in tokens[at:])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _compared(name: str, how: Comparison, value: Any, operand: str) -> bool:
    if name == query_fields.LAST_SEEN:
        moment = query_fields.epoch_ms(operand)
        return moment is not None and _in_order(how, value, moment)
    number = _number(value)
    if number is not None and query_fields.is_number(operand):
        return _in_order(how, number, Decimal(operand))
    return isinstance(value, str) and not query_fields.is_number(operand) and _in_order(how, value.casefold(), operand.casefold())


def _number(value: Any) -> Decimal | None:
    if isinstance(value, str):
        return Decimal(value) if query_fields.is_number(value) else None
    return Decimal(value) if _is_number(value) else None


def _in_order(how: Comparison, value: Any, operand: Any) -> bool:
    if how is Comparison.MORE:
        return bool(value > operand)
    if how is Comparison.MORE_OR_EQUAL:
        return bool(value >= operand)
    return bool(value < operand) if how is Comparison.LESS else bool(value <= operand)
