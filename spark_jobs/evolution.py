"""A new version of a contract evolves its tables in place; what does not follow from the version they hold is refused.

The version that a table was last written under is kept in its property ``fleetlake.contract``.
"""

import dataclasses
import json
from typing import Any

from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table as IcebergTable

from lake.catalog import iceberg_schema, open_catalog
from lake.contracts import Contract, Field, Quality, check_compatible
from lake.tables import contract_tables
from runtime.errors import RetryLater
from runtime.log import logger
from spark_jobs.session import SparkLake

PROPERTY = "fleetlake.contract"
_TRIES = 20
log = logger("evolution")


def evolve(lake: SparkLake, contract: Contract) -> None:
    """Bring the contract's tables to its version. Raises ContractError where the version does not follow from theirs."""
    catalog = open_catalog(lake.platform)
    now = to_json(contract)
    for table in contract_tables(contract):
        for _ in range(_TRIES):
            iceberg = catalog.load_table(table.name)
            held = iceberg.properties.get(PROPERTY)
            if held == now:
                break
            earlier = from_json(held) if held else None
            if earlier is not None and earlier.version > contract.version:
                # An older checkout beside a newer one: the tables keep the newer version, which can hold the older's readings.
                break
            if earlier is not None:
                check_compatible(earlier, contract)
            try:
                _bring_up(iceberg, [column.name for column in table.columns], iceberg_schema(table), now)
            except CommitFailedException:
                continue
            log.info(f"{table.name}: now holds version {contract.version} of contract {contract.name}")
            break
        else:
            raise RetryLater(f"evolve {table.name}: other writers committed first {_TRIES} times; run it again")


def _bring_up(iceberg: IcebergTable, names: list[str], declared: Any, text: str) -> None:
    there = set(iceberg.schema().column_names)
    with iceberg.transaction() as transaction:
        missing = [name for name in names if name not in there]
        if missing:
            with transaction.update_schema() as update:
                for name in missing:
                    update.add_column(name, declared.find_field(name).field_type)
        transaction.set_properties({PROPERTY: text})


def to_json(contract: Contract) -> str:
    """What of a contract its tables depend on; thresholds and words are left out."""
    fields = [{key: getattr(field, key) for key in _KEPT if getattr(field, key) != _DEFAULT[key]} for field in contract.fields]
    return json.dumps({"name": contract.name, "version": contract.version, "kind": contract.kind, "fields": fields})


_DEFAULT = dataclasses.asdict(Field("", ""))
_KEPT = ("name", "type", "unit", "min", "max", "required", "max_length", "enum", "lifetime_counter")


def from_json(text: str) -> Contract:
    document = json.loads(text)
    fields = tuple(Field(**(values | {"enum": tuple(values.get("enum", ()))})) for values in document["fields"])
    return Contract(document["name"], document["version"], document["kind"], "", fields, quality=Quality())
