"""A statement as DuckDB's own parser reads it."""

import json
from collections.abc import Iterator
from typing import Any

import duckdb

# A node of the parsed statement: JSON as DuckDB writes it.
Node = dict[str, Any]


def parsed(connection: Any, text: str) -> Node | None:
    """The tree of one SELECT; None for what cannot be read, is no SELECT, or is more than one."""
    try:
        row = connection.execute("SELECT json_serialize_sql(?)", [text]).fetchone()
    except duckdb.Error:
        return None
    answer: Node = json.loads(row[0])
    return None if answer.get("error") or len(answer["statements"]) != 1 else answer["statements"][0]


def nodes(value: Any) -> Iterator[Node]:
    """Every object of the tree, outer ones first."""
    if isinstance(value, dict):
        yield value
    for member in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(member)
