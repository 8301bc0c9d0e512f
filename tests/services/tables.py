"""The tables of the APIs in a DynamoDB of the tests."""

from typing import Any

from fleet.tables import TABLES
from local.api_tables import create_table
from runtime.settings import Settings


def create_tables(client: Any, settings: Settings) -> None:
    for table in TABLES:
        create_table(client, table, settings)
