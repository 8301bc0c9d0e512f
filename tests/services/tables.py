"""The APIs' tables in whatever answers as DynamoDB."""

from typing import Any

from fleet.tables import TABLES, Table
from runtime.settings import Settings


def create_tables(client: Any, settings: Settings) -> None:
    for table in TABLES:
        client.create_table(**_request(table, settings))


def _request(table: Table, settings: Settings) -> dict[str, Any]:
    keys = {table.partition_key, table.sort_key, *(key for index in table.indexes for key in (index.partition_key, index.sort_key))} - {""}
    request: dict[str, Any] = {
        "TableName": table.full_name(settings),
        "KeySchema": _schema(table.partition_key, table.sort_key),
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "N" if key in table.number_keys else "S"} for key in sorted(keys)],
        "BillingMode": "PAY_PER_REQUEST",
    }
    if table.indexes:
        request["GlobalSecondaryIndexes"] = [
            {"IndexName": index.name, "KeySchema": _schema(index.partition_key, index.sort_key), "Projection": {"ProjectionType": "ALL"}}
            for index in table.indexes
        ]
    return request


def _schema(partition_key: str, sort_key: str) -> list[dict[str, str]]:
    schema = [{"AttributeName": partition_key, "KeyType": "HASH"}]
    return [*schema, {"AttributeName": sort_key, "KeyType": "RANGE"}] if sort_key else schema
