"""The tables of the APIs in the DynamoDB of a test."""

from typing import Any

from fleet.tables import TABLES, Table
from runtime.settings import Settings


def create_tables(client: Any, settings: Settings) -> None:
    for table in TABLES:
        client.create_table(TableName=table.full_name(settings), BillingMode="PAY_PER_REQUEST", **_schema(table))


def _schema(table: Table) -> dict[str, Any]:
    keys = {table.partition_key, table.sort_key} | {key for index in table.indexes for key in (index.partition_key, index.sort_key)}
    indexes = [
        {"IndexName": index.name, "KeySchema": _keys(index.partition_key, index.sort_key), "Projection": {"ProjectionType": "ALL"}}
        for index in table.indexes
    ]
    return {
        "KeySchema": _keys(table.partition_key, table.sort_key),
        "AttributeDefinitions": [
            {"AttributeName": key, "AttributeType": "N" if key in table.number_keys else "S"} for key in sorted(keys - {""})
        ],
        **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
    }


def _keys(partition_key: str, sort_key: str) -> list[dict[str, str]]:
    keys = [{"AttributeName": partition_key, "KeyType": "HASH"}]
    return keys + ([{"AttributeName": sort_key, "KeyType": "RANGE"}] if sort_key else [])
