"""Whole examples for the OpenAPI document, put together of those that the fields have."""

from collections.abc import Mapping, Sequence
from typing import Any

_REF = "#/components/schemas/"

Schema = Mapping[str, Any]


def example_of(schema: Schema, schemas: Mapping[str, Schema]) -> Any:
    """A value that the schema takes; `schemas` are those that it refers to by name. Raises LookupError with the place of what has no example."""
    for of_field in ("examples", "enum"):
        if schema.get(of_field):
            return schema[of_field][0]
    if "const" in schema:
        return schema["const"]
    return schema["default"] if "default" in schema else _composed(schema, schemas)


def _composed(schema: Schema, schemas: Mapping[str, Schema]) -> Any:
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].removeprefix(_REF)], schemas)
    if choices := schema.get("anyOf"):
        return _first(choices, schemas)
    if schema.get("type") == "array":
        return [example_of(schema["items"], schemas)]
    if "properties" in schema:
        return {name: _member(name, field, schemas) for name, field in schema["properties"].items()}
    raise LookupError(f"{schema.get('title', 'a value')} has no example")


def _first(choices: Sequence[Schema], schemas: Mapping[str, Schema]) -> Any:
    """Of the first choice; null where that has none and null is one."""
    values = [choice for choice in choices if choice.get("type") != "null"]
    try:
        return example_of(values[0], schemas)
    except LookupError:
        if len(values) == len(choices):
            raise
        return None


def _member(name: str, field: Schema, schemas: Mapping[str, Schema]) -> Any:
    try:
        return example_of(field, schemas)
    except LookupError as missing:
        raise LookupError(f"{name}: {missing}") from None


def used(document: Mapping[str, Any]) -> set[str]:
    """Names of the schemas that the operations refer to, directly or by others."""
    schemas = document["components"]["schemas"]
    found: set[str] = set()
    waiting = _named(document["paths"])
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting |= _named(schemas[name])
    return found


def _named(value: Any) -> set[str]:
    if isinstance(value, Mapping):
        named = {value["$ref"].removeprefix(_REF)} if isinstance(value.get("$ref"), str) else set()
        return named.union(*map(_named, value.values()))
    return set().union(*map(_named, value)) if isinstance(value, list) else set()
