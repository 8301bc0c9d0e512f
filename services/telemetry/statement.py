"""What a lake query may be: one SELECT over tables of the lake, of parts that are known to do nothing else.

DuckDB's own parser reads the text; each node of its tree must be of a listed kind. So a statement is refused for what it is and not
for what it looks like, and what a later DuckDB brings is refused until somebody lists it.
"""

import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

import duckdb

from lake.statement import Node
from services.problems import Forbidden, Invalid
from services.telemetry.functions import FUNCTIONS, TABLE_FUNCTIONS, TYPES

LONGEST = 64 * 1024
_RAW = ("bronze", "quarantine", "replayed", "ops")
_READING = (duckdb.StatementType.SELECT,)
_QUERIES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
_FROM = frozenset({"BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EXPRESSION_LIST", "EMPTY"})
_MODIFIERS = frozenset({"ORDER_MODIFIER", "LIMIT_MODIFIER", "DISTINCT_MODIFIER", "LIMIT_PERCENT_MODIFIER"})
_ORDERS = frozenset({"ORDER_DEFAULT", "ASCENDING", "DESCENDING"})
_PARTS = _QUERIES | _FROM | _MODIFIERS | _ORDERS
_WORDS = """
BETWEEN CASE CAST COLLATE COLUMN_REF COMPARISON CONJUNCTION CONSTANT FUNCTION LAMBDA OPERATOR PARAMETER POSITIONAL_REFERENCE STAR SUBQUERY
TYPE WINDOW
"""
_EXPRESSIONS = frozenset(_WORDS.split())
# Where no node of the statement can be.
_PLAIN = frozenset({"sample", "literal", "cte_map"})


@dataclass(frozen=True)
class Statement:
    """`tables` that it names, and `columns` that it can need of them, in small letters; None for all."""

    tables: tuple[str, ...]
    columns: frozenset[str] | None


def permitted(connection: Any, text: str, tables: Collection[str], *, is_admin: bool) -> Statement:
    """Raises as `checked` does; Forbidden for tables that are for admins."""
    offered = [name for name in tables if is_admin or name.partition(".")[0] not in _RAW]
    statement = checked(connection, text, tables, offered)
    # That they are there is no secret: the documentation has them all.
    if forbidden := [name for name in statement.tables if name not in offered]:
        words = "raw tables and those of operation are for admins; silver, gold and features are for all"
        raise Forbidden(f"query: {', '.join(forbidden)}: {words}")
    return statement


def checked(connection: Any, text: str, tables: Collection[str], offered: Collection[str] | None = None) -> Statement:
    """Raises Invalid for what may not be asked; `tables` are those there are, `offered` those that are proposed."""
    if len(text.encode("utf-8", "replace")) > LONGEST:
        raise Invalid(f"sql: it has more than {LONGEST:,} bytes")
    try:
        tree = _tree(connection, text)
        walk = _Walk(tables, tables if offered is None else offered)
        walk.visit(tree["node"], frozenset())
    except RecursionError:
        raise Invalid("sql: it is nested too deep") from None
    return Statement(tuple(sorted(walk.tables)), walk.needed())


def _tree(connection: Any, text: str) -> Node:
    try:
        statements = connection.extract_statements(text)
    except (duckdb.Error, UnicodeError) as error:
        raise Invalid(f"sql: {' '.join(str(error).split(chr(10) + 'LINE ')[0].split())[:500]}") from None
    if len(statements) != 1:
        raise Invalid(f"sql: these are {len(statements)} statements; ask one at a time" if statements else "sql: there is no statement")
    if statements[0].type not in _READING:
        raise Invalid(f"sql: {statements[0].type.name} is not answered here; only SELECT is")
    answer = _serialized(connection, text)
    if answer.get("error") or len(answer["statements"]) != 1:
        raise Invalid(f"sql: {str(answer.get('error_message', 'it cannot be read'))[:500]}")
    tree: Node = answer["statements"][0]
    return tree


def _serialized(connection: Any, text: str) -> Node:
    try:
        answer: Node = json.loads(connection.execute("SELECT json_serialize_sql(?)", [text]).fetchone()[0])
    except duckdb.Error as error:
        raise Invalid(f"sql: {' '.join(str(error).split())[:500]}") from None
    return answer


class _Walk:
    """`scope` are the names that WITH has given to queries, where they can be seen."""

    def __init__(self, known: Collection[str], offered: Collection[str]) -> None:
        self._known = known
        self._offered = offered
        self._columns: set[str] = set()
        self._whole: set[str] = set()
        self._aliases: set[str] = set()
        self._needs_all = False
        self.tables: set[str] = set()

    def needed(self) -> frozenset[str] | None:
        """A table's name that stands for a column is all of its row."""
        return None if self._needs_all or self._whole & self._aliases else frozenset(self._columns)

    def visit(self, value: Any, scope: frozenset[str]) -> None:
        if isinstance(value, list):
            for member in value:
                self.visit(member, scope)
        if not isinstance(value, dict):
            return
        self._check_kind(value)
        if "cte_map" in value:
            scope = self._named(value["cte_map"].get("map", ()), scope)
        if value.get("type") == "BASE_TABLE":
            self._table(value, scope)
        for name, member in value.items():
            if name not in _PLAIN:
                self.visit(member, scope)

    def _named(self, entries: Iterable[Node], scope: frozenset[str]) -> frozenset[str]:
        """Each name is known to those after it, and to itself where it is recursive."""
        for entry in entries:
            name, query = str(entry["key"]).lower(), entry["value"]
            is_recursive = query["query_node"].get("type") == "RECURSIVE_CTE_NODE"
            self.visit(query, scope | {name} if is_recursive else scope)
            scope = scope | {name}
        return scope

    def _check_kind(self, node: Node) -> None:
        kind, of = node.get("class"), node.get("type")
        if kind is None and of is None:
            return
        if kind is None:
            if of not in _PARTS:
                _refuse(str(of))
            self._note_part(node)
        elif kind not in _EXPRESSIONS:
            _refuse(str(kind))
        elif kind in ("FUNCTION", "WINDOW"):
            self._function(node)
        elif kind == "TYPE":
            _check_type(node)
        else:
            self._note_expression(node)

    def _note_part(self, node: Node) -> None:
        self._columns |= {str(name).lower() for name in node.get("using_columns") or ()}
        # Both join by all columns that are in both.
        self._needs_all |= node.get("ref_type") == "NATURAL"
        if node.get("type") == "TABLE_FUNCTION":
            name = _name(node["function"])
            if name not in TABLE_FUNCTIONS:
                raise Invalid(f"sql: FROM {name}(…) is not answered here; there are {', '.join(sorted(TABLE_FUNCTIONS))}")

    def _note_expression(self, node: Node) -> None:
        if node["class"] == "COLUMN_REF":
            names = [str(name).lower() for name in node.get("column_names") or ()]
            self._columns |= set(names)
            self._whole |= set(names[-1:])
        self._needs_all |= node["class"] == "STAR"

    def _function(self, node: Node) -> None:
        name = _name(node)
        if name not in FUNCTIONS or node.get("export_state"):
            raise Invalid(f"sql: the function {name[:80]} is not answered here")

    def _table(self, node: Node, scope: frozenset[str]) -> None:
        path = [str(part) for part in node["qualified_name"]["path"]]
        name = ".".join(path).lower()
        self._aliases |= {str(node.get("alias") or path[-1]).lower(), path[-1].lower()}
        if node.get("at_clause") is not None:
            raise Invalid("sql: FROM … AT is not answered here; ask with as_of")
        if len(path) == 1 and name in scope:
            return
        if len(path) != 2 or name not in self._known:
            raise Invalid(f"sql: there is no table {name[:120]}; the tables are {', '.join(self._offered)}")
        self.tables.add(name)


def _check_type(node: Node) -> None:
    name = _name(node)
    if re.sub(r"\s+", " ", name) not in TYPES:
        raise Invalid(f"sql: the type {name[:80]} is not answered here")


def _name(node: Node) -> str:
    """In small letters. One with a schema before it is none that is listed."""
    return ".".join(str(part) for part in node["qualified_name"]["path"]).lower()


def _refuse(kind: str) -> NoReturn:
    words = kind.removesuffix("_NODE").removesuffix("_REF").replace("_", " ").lower()
    raise Invalid(f"sql: {words} is not answered here; ask by SELECT, FROM, JOIN, WHERE, GROUP BY, WINDOW, ORDER BY, LIMIT and WITH")
