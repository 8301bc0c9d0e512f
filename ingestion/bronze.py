"""Decoded readings as bronze objects: one Parquet object a contract and batch, named by its content."""

from datetime import datetime

from ingestion.rows import BronzeRows, Rows
from lake.bronze_file import parquet_of as parquet_of
from lake.layout import bronze_object
from lake.objects import put_once
from runtime.platforms import Platform


def put_bronze(platform: Platform, rows: Rows, put_at: datetime) -> tuple[int, int]:
    """Put the rows, an object for each contract; how many objects were new, and how many were there already."""
    objects = bronze_objects(rows, put_at)
    made = sum(put_once(platform, key, parquet_of(found.table)) for key, found in objects.items())
    return made, len(objects) - made


def bronze_objects(rows: Rows, put_at: datetime) -> dict[str, BronzeRows]:
    """The rows of each object that `put_bronze` makes of them, by its key."""
    return {bronze_object(found.contract.name, put_at, found.digest): found for found in rows.bronze()}
