"""Items of DynamoDB as plain values, and plain values as its items. Numbers come back as Decimal."""

from collections.abc import Mapping
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

_serialize, _deserialize = TypeSerializer().serialize, TypeDeserializer().deserialize


def typed(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _serialize(value) for name, value in values.items()}


def typed_known(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is None."""
    return typed({name: value for name, value in values.items() if value is not None})


def plain(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _deserialize(value) for name, value in item.items()}
