"""The declared tables as Arrow schemas and Spark DDL."""

import pyarrow as pa

from lake.layout import table_identifier
from lake.tables import Table

ARROW = {
    "string": pa.string(),
    "int64": pa.int64(),
    "int32": pa.int32(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "binary": pa.binary(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}
SPARK = {
    "string": "string",
    "int64": "bigint",
    "int32": "int",
    "float64": "double",
    "bool": "boolean",
    "binary": "binary",
    "date": "date",
    "timestamp": "timestamp",
}
DUCKDB = {
    "string": "VARCHAR",
    "int64": "BIGINT",
    "int32": "INTEGER",
    "float64": "DOUBLE",
    "bool": "BOOLEAN",
    "binary": "BLOB",
    "date": "DATE",
    "timestamp": "TIMESTAMPTZ",
}


def arrow_schema(table: Table) -> pa.Schema:
    """Column order as declared; nothing is marked as not null, because a reader may meet older files."""
    return pa.schema([pa.field(column.name, ARROW[column.type]) for column in table.columns])


def spark_columns(table: Table) -> str:
    """The column list of a CREATE TABLE."""
    return ", ".join(f"`{c.name}` {SPARK[c.type]}{' NOT NULL' if c.required else ''}" for c in table.columns)


def spark_create(table: Table) -> str:
    """CREATE TABLE IF NOT EXISTS of an Iceberg table."""
    partition = f" PARTITIONED BY ({table.partition.replace('day(', 'days(').replace('month(', 'months(')})" if table.partition else ""
    properties = ", ".join(f"'{key}'='{value}'" for key, value in table.properties)
    options = f" TBLPROPERTIES ({properties})" if properties else ""
    return f"CREATE TABLE IF NOT EXISTS {table_identifier(table.name)} ({spark_columns(table)}) USING iceberg{partition}{options}"
