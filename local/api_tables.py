"""The DynamoDB tables of the APIs on the laptop, as `fleet/tables.py` declares them. On AWS the infrastructure code creates the same."""

from typing import Any

from fleet.tables import TABLES, Table
from local.surroundings import check_platform
from runtime.platforms import Platform
from runtime.settings import Settings


def create(platform: Platform) -> None:
    """Create the tables that are missing; those that are there stay as they are. Raises SettingsError on another platform than the laptop's."""
    check_platform(platform.settings)
    dynamodb = platform.client("dynamodb")
    there = {name for page in dynamodb.get_paginator("list_tables").paginate() for name in page["TableNames"]}
    for table in TABLES:
        if table.full_name(platform.settings) not in there:
            create_table(dynamodb, table, platform.settings)


def create_table(dynamodb: Any, table: Table, settings: Settings) -> None:
    name = table.full_name(settings)
    dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", **definition(table))
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    if table.expires:
        dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": table.expires})


def definition(table: Table) -> dict[str, Any]:
    """Keys and indexes as CreateTable takes them."""
    names = [table.partition_key, *filter(None, [table.sort_key])]
    names += [key for index in table.indexes for key in (index.partition_key, index.sort_key)]
    kinds = [{"AttributeName": key, "AttributeType": "N" if key in table.number_keys else "S"} for key in dict.fromkeys(names)]
    indexes = [
        {"IndexName": index.name, "KeySchema": _keys(index.partition_key, index.sort_key), "Projection": {"ProjectionType": "ALL"}}
        for index in table.indexes
    ]
    return {
        "AttributeDefinitions": kinds,
        "KeySchema": _keys(table.partition_key, table.sort_key),
        **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
    }


def _keys(partition: str, sort: str) -> list[dict[str, str]]:
    keys = [{"AttributeName": partition, "KeyType": "HASH"}]
    return [*keys, {"AttributeName": sort, "KeyType": "RANGE"}] if sort else keys
