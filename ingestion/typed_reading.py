"""A contract as msgspec types: a reading, and a pack of them, checked in C as they are parsed.

What these types take is what ingestion/validate.py takes, and less of it: each limit here is the contract's or a narrower one.
A reading that they do not take is not refused; it is read again by the reference, which takes it or knows the reason.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from lake.contracts import Contract, Field

# From here on a number is no longer spelt alike by everybody, or no longer exact (RFC 8785).
_LARGE = 1e15
_EXACT = 2**53 - 1
# Milliseconds of the years 2000 and 9999.
_EARLIEST_MS, _LATEST_MS = 946_684_800_000, 253_402_300_799_999
_BOOT = Annotated[str, Meta(min_length=1, max_length=64)] | None | UnsetType


@dataclass(frozen=True)
class TypedContract:
    """`attributes` are those of a reading's struct, by the names that devices use. What is not given is UNSET."""

    contract: Contract
    attributes: dict[str, str]
    read_pack: Callable[[bytes], Any]
    read_reading: Callable[[bytes], Any]
    time_of: Callable[[Any], int]
    device_of: Callable[[Any], str | UnsetType]

    def member(self, name: str) -> Callable[[Any], Any]:
        return attrgetter(self.attributes[name])


@lru_cache(maxsize=256)
def typed_contract(contract: Contract) -> TypedContract:
    own: dict[str, Any] = {
        "ts": Annotated[int, Meta(ge=_EARLIEST_MS, le=_LATEST_MS)],
        "boot": _BOOT,
        "seq": Annotated[int, Meta(ge=0, le=_EXACT)] | None | UnsetType,
        "device_id": str | UnsetType,
    }
    types = own | {field.name: _type(field) for field in contract.fields}
    required = {"ts"} | {field.name for field in contract.fields if field.required}
    # In the order of the names: what the encoder writes is then the reading's canonical form.
    names = sorted(types)
    # A field may be called as a keyword is; an attribute may not.
    attributes = {name: name if name in own else f"field_{name}" for name in names}
    reading = msgspec.defstruct(
        f"Reading_{contract.name}",
        [(attributes[n], types[n]) if n in required else (attributes[n], types[n], UNSET) for n in names],
        kw_only=True,
        forbid_unknown_fields=True,
        rename={attributes[name]: name for name in names},
        gc=False,
    )
    pack = msgspec.defstruct(
        f"Pack_{contract.name}",
        [("boot", _BOOT, UNSET), ("device_id", str | UnsetType, UNSET), ("readings", list[reading])],  # type: ignore[valid-type]
        kw_only=True,
        forbid_unknown_fields=True,
        gc=False,
    )
    read_pack, read_reading = (msgspec.json.Decoder(kind).decode for kind in (pack, reading))
    return TypedContract(contract, attributes, read_pack, read_reading, attrgetter("ts"), attrgetter("device_id"))


def _type(field: Field) -> Any:
    bare = _BARE[field.type](field)
    return bare if field.required else bare | None | UnsetType


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
