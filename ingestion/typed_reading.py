"""A contract as msgspec types: a reading, and a pack of them, checked in C as they are parsed.

What these types take is what ingestion/validate.py takes, and less of it: each limit here is the contract's or a narrower one.
A reading that they do not take is not refused; it is read again by the reference, which takes it or knows the reason.

A device writes all its readings alike, so the types come in shapes. The open one has every key of the contract, of which the optional
may be absent. The others are learnt from readings as they come and have exactly the keys of those, so that nothing is left to be
looked for: in what order, whether with ISO 8601 times, whether with fields that the contract does not know.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import attrgetter
from types import NoneType
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ingestion.validate import Rules
from lake.contracts import Contract, Field

# From here on a number is no longer spelt alike by everybody, or no longer exact (RFC 8785).
_LARGE = 1e15
_EXACT = 2**53 - 1
# Milliseconds of the years 2000 and 9999.
_EARLIEST_MS, _LATEST_MS = 946_684_800_000, 253_402_300_799_999
# Making a shape takes a millisecond: who sends ever new keys goes by the reference.
_MOST_SHAPES = 8
_MOST_KEYS = 64
# Quotes of a key with its value, by the value's type.
QUOTES: dict[type, int] = {UnsetType: 0, str: 4, NoneType: 2, int: 2, float: 2, bool: 2}


class _Member(NamedTuple):
    """The type of a key's value, whether that is a text, and whether it may be null or not be there."""

    kind: Any
    is_text: bool = False
    may_be_null: bool = False
    may_be_absent: bool = False

    @property
    def whole_kind(self) -> Any:
        kind = self.kind | None if self.may_be_null else self.kind
        return kind | UnsetType if self.may_be_absent else kind

    @property
    def varies(self) -> bool:
        """Whether its quotes are not the same in each reading."""
        return self.may_be_absent or (self.is_text and self.may_be_null)


_OWN = {
    "ts": _Member(Annotated[int, Meta(ge=_EARLIEST_MS, le=_LATEST_MS)]),
    "boot": _Member(Annotated[str, Meta(min_length=1, max_length=64)], is_text=True, may_be_null=True),
    "seq": _Member(Annotated[int, Meta(ge=0, le=_EXACT)], may_be_null=True),
    "device_id": _Member(str, is_text=True),
}
# What the contract does not know is kept as it is; a list or an object in it is left to the reference.
_UNKNOWN = _Member(
    Annotated[int, Meta(ge=-_EXACT, le=_EXACT)] | Annotated[float, Meta(gt=-_LARGE, lt=_LARGE)] | str | bool,
    is_text=True,
    may_be_null=True,
    may_be_absent=True,
)


@dataclass(frozen=True, eq=False)
class Shape:
    """`attributes` are those of a reading's struct, in its order, by the names that devices use. What is not given is UNSET.

    `quotes` are those of one reading but for its `varying` members, which may be absent, or a text or none.
    """

    contract: Contract
    attributes: Mapping[str, str]
    unknown: tuple[str, ...]
    has_text_time: bool
    has_device: bool
    quotes: int
    varying: tuple[Callable[[Any], Any], ...]
    read_pack: Callable[[bytes], Any]
    read_readings: Callable[[bytes], list[Any]]
    read_reading: Callable[[bytes], Any]

    def quotes_of(self, readings: Sequence[Any]) -> int:
        """How many quotes the text of these readings has; more than these are of a key that stands twice."""
        count = self.quotes * len(readings)
        for member in self.varying:
            count += sum([QUOTES[type(member(reading))] for reading in readings])
        return count


@dataclass
class TypedContract:
    """`shapes` are tried in this order: the one that took the last message comes first."""

    contract: Contract
    shapes: list[Shape]
    learnt: set[tuple[frozenset[str], bool]] = field(default_factory=set)

    def __post_init__(self) -> None:
        (self.open,) = self.shapes
        self.rules = Rules(self.contract)

    def prefer(self, shape: Shape) -> None:
        # A new list: another thread may be going through the old one.
        self.shapes = [shape, *(other for other in self.shapes if other is not shape)]

    def took(self, shape: Shape, reading: Any) -> None:
        """The next message is tried by the same shape first, or by one that fits closer."""
        if shape is not self.shapes[0]:
            self.prefer(shape)
        if shape is self.open:
            members = {name: getattr(reading, attribute) for name, attribute in shape.attributes.items()}
            self.learn({name: value for name, value in members.items() if value is not UNSET})

    def learn(self, document: Mapping[str, Any]) -> None:
        """A shape for readings like this one, which the reference takes, if there is none and not too many of others."""
        kind = frozenset(document), isinstance(document.get("ts"), str)
        if kind in self.learnt or len(self.learnt) >= _MOST_SHAPES or len(document) > _MOST_KEYS:
            return
        self.learnt.add(kind)
        unknown = [name for name in document if name not in _members(self.contract)]
        if all(_is_simple(name, document[name]) for name in unknown):
            self.prefer(_exact(self.contract, list(document), unknown, kind[1]))


@lru_cache(maxsize=256)
def typed_contract(contract: Contract) -> TypedContract:
    return TypedContract(contract, [_open(contract)])


def _open(contract: Contract) -> Shape:
    required = {"ts"} | {field.name for field in contract.fields if field.required}
    members = {name: member._replace(may_be_absent=name not in required) for name, member in _members(contract).items()}
    return _shape(contract, members, (), False)


def _exact(contract: Contract, names: list[str], unknown: list[str], has_text_time: bool) -> Shape:
    members = {name: _UNKNOWN if name in unknown else _members(contract)[name] for name in names}
    if has_text_time:
        members["ts"] = _Member(str, is_text=True)
    return _shape(contract, members, tuple(unknown), has_text_time)


def _is_simple(name: str, value: Any) -> bool:
    # Of other keys msgspec makes no attributes.
    return name.isascii() and name.isprintable() and not {'"', "\\"} & set(name) and not isinstance(value, dict | list)


def _members(contract: Contract) -> dict[str, _Member]:
    return _OWN | {field.name: _Member(_BARE[field.type](field), field.type == "string", not field.required) for field in contract.fields}


def _shape(contract: Contract, members: dict[str, _Member], unknown: tuple[str, ...], has_text_time: bool) -> Shape:
    # A field may be called as a keyword is; an attribute may not.
    attributes = {name: name if name in _OWN else f"field_{place}" for place, name in enumerate(members)}
    reading: Any = msgspec.defstruct(
        f"Reading_{contract.name}",
        [(attributes[n], m.whole_kind, UNSET) if m.may_be_absent else (attributes[n], m.whole_kind) for n, m in members.items()],
        kw_only=True,
        forbid_unknown_fields=True,
        rename={attributes[name]: name for name in members},
        gc=False,
    )
    head = [(name, _OWN[name]._replace(may_be_absent=True).whole_kind, UNSET) for name in ("boot", "device_id")]
    pack = msgspec.defstruct(
        f"Pack_{contract.name}", [*head, ("readings", list[reading])], kw_only=True, forbid_unknown_fields=True, gc=False
    )
    return Shape(
        contract=contract,
        attributes=attributes,
        unknown=unknown,
        has_text_time=has_text_time,
        has_device="device_id" in members,
        quotes=sum(4 if member.is_text else 2 for member in members.values() if not member.varies),
        varying=tuple(attrgetter(attributes[name]) for name, member in members.items() if member.varies),
        read_pack=msgspec.json.Decoder(pack).decode,
        read_readings=msgspec.json.Decoder(list[reading]).decode,
        read_reading=msgspec.json.Decoder(reading).decode,
    )


def _float64(field: Field) -> Any:
    least = -_LARGE if field.min is None else max(field.min, -_LARGE)
    most = _LARGE if field.max is None else min(field.max, _LARGE)
    # Below 1e15 itself: there is where an exponent would begin.
    return Annotated[float, Meta(ge=float(least), le=math.nextafter(most, 0) if most == _LARGE else float(most))]


def _int64(field: Field) -> Any:
    least = -_EXACT if field.min is None else min(max(math.ceil(field.min), -_EXACT), _EXACT)
    most = _EXACT if field.max is None else max(min(math.floor(field.max), _EXACT), -_EXACT)
    return Annotated[int, Meta(ge=least, le=most)]


def _string(field: Field) -> Any:
    if not field.enum:
        return Annotated[str, Meta(max_length=field.max_length)]
    # Both hold in the reference: one of the texts, and no longer than is allowed.
    texts = tuple(text for text in field.enum if len(text) <= field.max_length)
    return Literal[texts] if texts else Annotated[str, Meta(min_length=1, max_length=0)]


_BARE: dict[str, Callable[[Field], Any]] = {"float64": _float64, "int64": _int64, "bool": lambda _: bool, "string": _string}
