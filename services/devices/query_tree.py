"""What a search of devices asks for, as a tree."""

from dataclasses import dataclass
from enum import StrEnum


class Comparison(StrEnum):
    MORE = ">"
    MORE_OR_EQUAL = ">="
    LESS = "<"
    LESS_OR_EQUAL = "<="


@dataclass(frozen=True)
class Match:
    """`field` is "" for any. `parts` is the text, cut at its wildcards, which are None (any characters) and True (one character)."""

    field: str
    parts: tuple[str | bool | None, ...]


@dataclass(frozen=True)
class Compare:
    field: str
    how: Comparison
    value: str


@dataclass(frozen=True)
class Within:
    """An end that is None is open."""

    field: str
    low: str | None
    high: str | None
    includes_low: bool
    includes_high: bool


@dataclass(frozen=True)
class Not:
    of: "Node"


@dataclass(frozen=True)
class And:
    all: tuple["Node", ...]


@dataclass(frozen=True)
class Or:
    any: tuple["Node", ...]


Node = Match | Compare | Within | Not | And | Or
