"""What a query's WHERE says of the files it needs: DuckDB's own parse of the statement, read for comparisons with constants.

It must never change an answer, so it says something of a table only where all is plain: each place in the statement that
names the table is a FROM of its own or an inner or left join, and the comparison is of one of its columns (a moment, a day,
a text or a whole number) with a constant of the same kind, standing in WHERE by itself, behind AND, or in an OR of such.
Anything else, or anything unknown, leaves the table whole; a table that is named twice needs what either place needs.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from lake.file_filter import Compare, Filter, OneOf, Value, either, every
from lake.statement import Node, nodes, parsed

_EXPLAIN = re.compile(r"\s*explain\s+(analyze\s+)?", re.IGNORECASE)
_SIGNS = {
    "COMPARE_EQUAL": "=",
    "COMPARE_LESSTHAN": "<",
    "COMPARE_LESSTHANOREQUALTO": "<=",
    "COMPARE_GREATERTHAN": ">",
    "COMPARE_GREATERTHANOREQUALTO": ">=",
}
_TURNED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
# The types of a constant that DuckDB compares with a column of the kind in the column's own type.
_COMPARABLE = {
    "timestamp": ("VARCHAR", "DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"),
    "date": ("VARCHAR", "DATE"),
    "string": ("VARCHAR",),
    "int64": ("TINYINT", "SMALLINT", "INTEGER", "BIGINT"),
}
_VALUE = {
    "timestamp": "CASE WHEN isfinite(v::TIMESTAMPTZ) THEN epoch_us(v::TIMESTAMPTZ) END",
    "date": "CASE WHEN isfinite(v::DATE) THEN v::DATE END",
    "string": "v",
    "int64": "v::BIGINT",
}
# A longer list is left to DuckDB: each value of it is asked for by itself, and PyIceberg looks at no more either.
_MOST_LISTED = 200
_CONSTANT_FUNCTIONS = frozenset({"+", "-", "trunc", "to_seconds", "to_minutes", "to_hours", "to_days", "to_weeks", "to_months", "to_years"})
_READERS_OF_NOTHING = frozenset({"range", "generate_series", "unnest"})


@dataclass(frozen=True)
class _Place:
    """A table that a FROM names: the words by which columns are known to be its own, and whether a bare name may be."""

    node: int
    table: str
    alias: str
    is_alone: bool


def filters(connection: Any, text: str, columns: Mapping[str, Mapping[str, str]], parameters: Sequence[Any] = ()) -> dict[str, Filter]:
    """By table, what must hold of its rows; `columns` are the tables that may be asked, with the kind of each column.

    A table that is not in the answer is needed whole. Never raises for wrong SQL: what cannot be read says nothing.
    """
    statement = parsed(connection, _EXPLAIN.sub("", text, count=1) if _EXPLAIN.match(text) else text)
    if statement is None or not all(_is_understood(node) for node in nodes(statement)):
        return {}
    reader = _Reader(connection, columns, {str(n): value for n, value in enumerate(parameters, 1)})
    said: dict[int, Filter | None] = {}
    for node in nodes(statement):
        if node.get("type") == "SELECT_NODE":
            said |= reader.places(node)
    wanted: dict[str, list[Filter | None]] = {}
    for node in nodes(statement):
        if node.get("type") == "BASE_TABLE":
            wanted.setdefault(_name(node), []).append(said.get(id(node)))
    found = {table: either(each) for table, each in wanted.items() if table in columns}
    return {table: each for table, each in found.items() if each is not None}


def _is_understood(node: Node) -> bool:
    """Whether a node hides no table: a function of the FROM may read one that its text names, a show may too."""
    if node.get("type") == "TABLE_FUNCTION":
        return str(node["function"].get("function_name")).lower() in _READERS_OF_NOTHING
    return node.get("type") not in ("SHOW_REF", "PIVOT")


def _name(node: Node) -> str:
    return f"{node.get('schema_name', '')}.{node.get('table_name', '')}".lower()


class _Reader:
    def __init__(self, connection: Any, columns: Mapping[str, Mapping[str, str]], parameters: Mapping[str, Any]) -> None:
        self._connection = connection
        self._columns = columns
        self._parameters = parameters

    def places(self, select: Node) -> dict[int, Filter | None]:
        """By the identity of the FROM's table nodes, what the WHERE of this SELECT says of them."""
        where = select.get("where_clause")
        if where is None or select.get("sample") is not None:
            return {}
        shadowed = {str(each.get("alias", "")).lower() for each in select["select_list"]} - {""}
        places = list(_places(select["from_table"], is_alone=True))
        names = [place.alias for place in places]
        return {p.node: self._read(where, p, shadowed) for p in places if p.table in self._columns and names.count(p.alias) == 1}

    def _read(self, expression: Node, place: _Place, shadowed: set[str]) -> Filter | None:
        kind = expression.get("type")
        if kind in ("CONJUNCTION_AND", "CONJUNCTION_OR"):
            parts = [self._read(child, place, shadowed) for child in expression["children"]]
            return every(parts) if kind == "CONJUNCTION_AND" else either(parts)
        if kind in _SIGNS:
            left, right, sign = expression["left"], expression["right"], _SIGNS[str(kind)]
            return self._compared(left, sign, right, place, shadowed) or self._compared(right, _TURNED[sign], left, place, shadowed)
        if kind == "COMPARE_BETWEEN":
            of = expression["input"]
            bounds = ((">=", expression["lower"]), ("<=", expression["upper"]))
            return every(self._compared(of, sign, bound, place, shadowed) for sign, bound in bounds)
        if kind == "COMPARE_IN":
            return self._listed(expression["children"], place, shadowed)
        return None

    def _compared(self, column: Node, sign: str, constant: Node, place: _Place, shadowed: set[str]) -> Filter | None:
        found = self._column(column, place, shadowed)
        if found is not None:
            value = self._value(constant, found[1], sign)
            return None if value is None else Compare(*found, sign, value)
        if column.get("type") == "OPERATOR_CAST" and str(column["type_expr"].get("type_name")).lower() == "date":
            return self._day(column["child"], sign, constant, place, shadowed)
        return None

    def _day(self, column: Node, sign: str, constant: Node, place: _Place, shadowed: set[str]) -> Filter | None:
        """``event_time::date`` compared with a day: the moments of that day, of those before or of those after it."""
        found = self._column(column, place, shadowed)
        day = self._value(constant, "date", sign) if found is not None and found[1] == "timestamp" else None
        if found is None or not isinstance(day, date):
            return None
        begin = self._value(_text(str(day)), "timestamp", sign)
        if not isinstance(begin, int):
            return None
        end = begin + 86_400_000_000
        bounds = {"=": ((">=", begin), ("<", end)), "<": (("<", begin),), "<=": (("<", end),), ">": ((">=", end),), ">=": ((">=", begin),)}
        return every(Compare(*found, bound, at) for bound, at in bounds[sign])

    def _listed(self, children: Sequence[Node], place: _Place, shadowed: set[str]) -> Filter | None:
        found = self._column(children[0], place, shadowed)
        if found is None or len(children) > _MOST_LISTED:
            return None
        values = [self._value(child, found[1], "=") for child in children[1:]]
        known = tuple(dict.fromkeys(value for value in values if value is not None))
        return OneOf(*found, known) if len(known) == len(set(values)) and known else None

    def _column(self, node: Node, place: _Place, shadowed: set[str]) -> tuple[str, str] | None:
        """Name and kind of the place's column that the node is; None where it is something else, or may be."""
        if node.get("type") != "COLUMN_REF":
            return None
        *table, name = (str(word).lower() for word in node["column_names"])
        if table and ".".join(table) not in (place.alias, place.table if place.alias == place.table.partition(".")[2] else place.alias):
            return None
        if not table and (not place.is_alone or name in shadowed):
            return None
        kinds = {column.lower(): (column, kind) for column, kind in self._columns[place.table].items() if kind in _COMPARABLE}
        return kinds.get(name)

    def _value(self, node: Node, kind: str, sign: str) -> Value | None:
        """The constant that the node is, as a column of `kind` is compared with it."""
        if not self._is_constant(node, sign):
            return None
        statement = {"error": False, "statements": [{"node": _selecting(self._connection, node)}]}
        try:
            (text,) = self._connection.execute("SELECT json_deserialize_sql(?)", [json.dumps(statement)]).fetchone()
            used = {key: value for key, value in self._parameters.items() if f"${key}" in re.findall(r"\$\d+", text)}
            whole = f"SELECT typeof(v), {_VALUE[kind]} FROM ({text.rstrip(';')}) _(v)"  # noqa: S608 - DuckDB's own writing of a constant
            named, value = self._connection.execute(whole, used).fetchone()
        except duckdb.Error:
            return None
        return value if named in _COMPARABLE[kind] else None

    def _is_constant(self, node: Node, sign: str) -> bool:
        kind = node.get("class")
        if kind == "CONSTANT":
            return True
        if kind == "PARAMETER":
            return str(node["identifier"]) in self._parameters
        if kind == "CAST":
            return not node["try_cast"] and self._is_constant(node["child"], sign)
        if kind != "FUNCTION":
            return False
        arguments = [argument["expression"] for argument in node.get("arguments", ())]
        name = str(node["function_name"]).lower()
        if name in ("+", "-") and len(arguments) == 2 and _is_now(arguments[0]):
            # Asked a moment before the query itself: a bound from below is then a little too low, which does no harm.
            return sign in (">", ">=") and self._is_constant(arguments[1], sign)
        return name in _CONSTANT_FUNCTIONS and all(self._is_constant(argument, sign) for argument in arguments)


def _places(node: Node, *, is_alone: bool) -> Iterator[_Place]:
    """The tables of a FROM from which a WHERE may take rows away before anything else is done with them."""
    kind = node.get("type")
    if kind == "BASE_TABLE" and node.get("sample") is None and not node.get("column_name_alias") and node.get("at_clause") is None:
        table = _name(node)
        yield _Place(id(node), table, str(node.get("alias") or node["table_name"]).lower(), is_alone)
    elif kind == "JOIN" and node.get("join_type") in ("INNER", "LEFT") and node.get("ref_type") in ("REGULAR", "CROSS"):
        yield from _places(node["left"], is_alone=False)
        yield from _places(node["right"], is_alone=False)


def _is_now(node: Node) -> bool:
    return node.get("class") == "FUNCTION" and str(node["function_name"]).lower() in ("now", "get_current_timestamp", "current_timestamp")


def _text(text: str) -> Node:
    return {"class": "CONSTANT", "type": "VALUE_CONSTANT", "alias": "", "literal": {"kind": "STRING", "text": text}}


def _selecting(connection: Any, expression: Node) -> Node:
    """A SELECT of the expression alone."""
    node: Node = json.loads(connection.execute("SELECT json_serialize_sql('SELECT 1')").fetchone()[0])["statements"][0]["node"]
    return node | {"select_list": [expression | {"alias": ""}]}
