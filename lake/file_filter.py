"""Which of a table's files a query needs: conditions that every row of its answer satisfies, to ask of files before they are opened.

A filter is true of each row that can count, and may be true of others: it only ever leaves out files that have no such row.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import reduce

from pyiceberg.expressions import (
    AlwaysTrue,
    And,
    BooleanExpression,
    EqualTo,
    GreaterThan,
    GreaterThanOrEqual,
    In,
    LessThan,
    LessThanOrEqual,
    Or,
)

# A timestamp is in microseconds since 1970, a date is a date.
Value = int | str | date
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOLDS: Mapping[str, Callable[[Value, Value], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ICEBERG = {"=": EqualTo, "<": LessThan, "<=": LessThanOrEqual, ">": GreaterThan, ">=": GreaterThanOrEqual}


@dataclass(frozen=True)
class Compare:
    """`kind` is the column's type as tables declare it."""

    column: str
    kind: str
    sign: str
    value: Value

    def __str__(self) -> str:
        return f"{self.column} {self.sign} {_shown(self.kind, self.value)}"


@dataclass(frozen=True)
class OneOf:
    column: str
    kind: str
    values: tuple[Value, ...]

    def __str__(self) -> str:
        return f"{self.column} in ({', '.join(_shown(self.kind, value) for value in self.values)})"


@dataclass(frozen=True)
class AllOf:
    parts: "tuple[Filter, ...]"

    def __str__(self) -> str:
        return " and ".join(f"({part})" if isinstance(part, AnyOf) else str(part) for part in self.parts)


@dataclass(frozen=True)
class AnyOf:
    parts: "tuple[Filter, ...]"

    def __str__(self) -> str:
        return " or ".join(f"({part})" if isinstance(part, AllOf) else str(part) for part in self.parts)


Filter = Compare | OneOf | AllOf | AnyOf


def every(parts: Iterable[Filter | None]) -> Filter | None:
    """What all the known `parts` say together; None says nothing, and takes nothing away."""
    known = tuple(dict.fromkeys(part for part in parts if part is not None))
    return None if not known else known[0] if len(known) == 1 else AllOf(known)


def either(parts: Iterable[Filter | None]) -> Filter | None:
    """True where one of `parts` is; None, hence all rows, where one of them says nothing."""
    known = tuple(dict.fromkeys(parts))
    if not known or None in known:
        return None
    return known[0] if len(known) == 1 else AnyOf(tuple(part for part in known if part is not None))


def as_iceberg(wanted: Filter | None, columns: Iterable[str]) -> BooleanExpression:
    """The filter for PyIceberg's planning over a table that has these `columns`; what is about others is left out."""
    there = frozenset(columns)
    return _as_iceberg(wanted, there) if wanted is not None else AlwaysTrue()


def may_hold(wanted: Filter | None, words: Mapping[str, Value]) -> bool:
    """Whether rows of a file may satisfy the filter, of which only these columns, one value for all of its rows, are known."""
    if isinstance(wanted, AllOf):
        return all(may_hold(part, words) for part in wanted.parts)
    if isinstance(wanted, AnyOf):
        return any(may_hold(part, words) for part in wanted.parts)
    if wanted is None or wanted.column not in words:
        return True
    there = words[wanted.column]
    if isinstance(wanted, OneOf):
        return there in wanted.values
    return _HOLDS[wanted.sign](there, wanted.value)


def _as_iceberg(wanted: Filter, there: frozenset[str]) -> BooleanExpression:
    if isinstance(wanted, AllOf):
        return reduce(And, (_as_iceberg(part, there) for part in wanted.parts))
    if isinstance(wanted, AnyOf):
        return reduce(Or, (_as_iceberg(part, there) for part in wanted.parts))
    if wanted.column not in there:
        return AlwaysTrue()
    if isinstance(wanted, OneOf):
        return In(wanted.column, {_literal(value) for value in wanted.values})
    return _ICEBERG[wanted.sign](wanted.column, _literal(wanted.value))


def _literal(value: Value) -> int | str:
    # Iceberg counts days from 1970, and takes a number for a date or a moment as its own count.
    return (value - _EPOCH.date()).days if isinstance(value, date) else value


def _shown(kind: str, value: Value) -> str:
    if kind == "timestamp" and isinstance(value, int):
        return (_EPOCH + timedelta(microseconds=value)).isoformat(sep=" ").replace("+00:00", "Z")
    return repr(value) if isinstance(value, str) else str(value)
