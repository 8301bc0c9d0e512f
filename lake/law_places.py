"""Where readings are: silver, held or waiting bronze, and quarantine, as tables of identities for the law to compare.

seen_silver       contract, device_id, event_id, digest, run_id
seen_held         contract, device_id, event_id, digest       bronze objects that the gate holds back
seen_waiting      contract, device_id, event_id, digest       bronze objects that no run has settled yet
seen_quarantined  contract, device_id, quarantine_id, event_id, digest, reason, origin      but what was replayed
seen_replayed     contract, quarantine_id, event_id, digest, refused_id                     each reading of a replayed row
"""

# ruff: noqa: S608 - SQL is made here from declared names and planned files

from collections.abc import Iterable
from typing import Any

from lake.contracts import Contract
from lake.law_values import digest_of_columns, digest_of_json
from lake.layout import UNKNOWN_CONTRACT
from lake.publications import SETTLED, State, read_ledger, read_publications
from lake.query_tables import QueryTables, object_files, select_objects
from lake.tables import bronze, replayed
from runtime.platforms import Platform

_TABLES = {
    "seen_silver": "contract VARCHAR, device_id VARCHAR, event_id VARCHAR, digest VARCHAR, run_id VARCHAR",
    "seen_held": "contract VARCHAR, device_id VARCHAR, event_id VARCHAR, digest VARCHAR",
    "seen_waiting": "contract VARCHAR, device_id VARCHAR, event_id VARCHAR, digest VARCHAR",
    "seen_quarantined": "contract VARCHAR, device_id VARCHAR, quarantine_id VARCHAR, event_id VARCHAR, digest VARCHAR, "
    "reason VARCHAR, origin VARCHAR",
    "seen_replayed": "contract VARCHAR, quarantine_id VARCHAR, event_id VARCHAR, digest VARCHAR, refused_id VARCHAR",
}


def look(connection: Any, platform: Platform, tables: QueryTables, contracts: Iterable[Contract]) -> None:
    """Make and fill the tables of this module's docstring.

    Each place before those that follow it on a reading's way: what moves on meanwhile is seen at its new place, never nowhere.
    """
    for name, columns in _TABLES.items():
        connection.execute(f"CREATE TABLE {name} ({columns})")
    every = tuple(contracts)
    # A replay is noted when its readings are in bronze; so first, and what is noted later counts as quarantined still.
    for contract in every:
        _look_at_replayed(connection, platform, contract)
    for contract in every:
        _look_at_bronze(connection, platform, contract)
    later = [f"{schema}.{contract.name}" for schema in ("quarantine", "silver") for contract in every]
    tables.make(connection, [*later, f"quarantine.{UNKNOWN_CONTRACT}"], None)
    for contract in every:
        _look_at_quarantine(connection, contract)
        _look_at_silver(connection, contract)
    connection.execute(
        f"INSERT INTO seen_quarantined SELECT contract, device_id, quarantine_id, event_id, NULL, reason, origin "
        f"FROM quarantine.{UNKNOWN_CONTRACT}"
    )
    connection.execute("DELETE FROM seen_quarantined WHERE quarantine_id IN (SELECT quarantine_id FROM seen_replayed)")


def _look_at_replayed(connection: Any, platform: Platform, contract: Contract) -> None:
    """Digests are of the bytes that were refused once; what was refused again has no values that count."""
    tables = [replayed(name) for name in (contract.name, UNKNOWN_CONTRACT)]
    records = " UNION ALL BY NAME ".join(f"SELECT * FROM ({select_objects(table, object_files(platform, table))})" for table in tables)
    documents = f"SELECT *, CASE WHEN event_id IS NOT NULL THEN decode(bytes)::JSON END AS document FROM ({records}) WHERE contract = ?"
    connection.execute(
        "INSERT INTO seen_replayed SELECT DISTINCT contract, quarantine_id, event_id, "
        f"CASE WHEN event_id IS NOT NULL THEN {digest_of_json(contract, 'document')} END, refused_id FROM ({documents})",
        [contract.name],
    )


def _look_at_bronze(connection: Any, platform: Platform, contract: Contract) -> None:
    """Only objects that are held or wait are read: the readings of the others must be in silver or quarantine."""
    table = bronze(contract)
    objects = object_files(platform, table)
    ledger = read_ledger(platform, contract.name, replaced_too=True)
    state = {run.run_id: run.state for run in read_publications(platform, f"silver.{contract.name}", contract.name)}
    settled = {plan.object for plan in ledger if state.get(plan.run_id) in SETTLED}
    held = {plan.object for plan in ledger if state.get(plan.run_id) is State.HELD}
    for name, keys in (("seen_held", held & objects.keys()), ("seen_waiting", objects.keys() - settled)):
        if keys:
            select = select_objects(table, {key: objects[key] for key in sorted(keys)})
            connection.execute(
                f"INSERT INTO {name} SELECT ?, device_id, event_id, {digest_of_columns(contract)} FROM ({select})", [contract.name]
            )


def _look_at_silver(connection: Any, contract: Contract) -> None:
    digest = digest_of_columns(contract)
    connection.execute(
        f"INSERT INTO seen_silver SELECT ?, device_id, event_id, {digest}, run_id FROM silver.{contract.name}", [contract.name]
    )


def _look_at_quarantine(connection: Any, contract: Contract) -> None:
    """Readings that silver or the gate put there were made again as JSON; the digest tells whose they are."""
    name, known = f"quarantine.{contract.name}", "contract, device_id, quarantine_id, event_id"
    remade = f"SELECT *, decode(bytes)::JSON AS document FROM {name} WHERE origin != 'decode'"
    connection.execute(f"INSERT INTO seen_quarantined SELECT {known}, NULL, reason, origin FROM {name} WHERE origin = 'decode'")
    connection.execute(
        f"INSERT INTO seen_quarantined SELECT {known}, {digest_of_json(contract, 'document')}, reason, origin FROM ({remade})"
    )
