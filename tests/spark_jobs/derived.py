"""What tests of gold and features share: silver as its runs would have published it, without a run's cost."""

from collections.abc import Iterable, Mapping
from typing import Any

from lake.catalog import append_rows, open_catalog
from lake.contracts import Contract
from lake.publications import State, note
from lake.tables import LEDGER, silver, superseded
from spark_jobs.session import SparkLake
from tests.spark import reading

_NOT_IN_SILVER = {"principal", "client_id", "topic"}


def publish_silver(lake: SparkLake, contract_name: str, rows: Iterable[Mapping[str, Any]], run: str) -> None:
    """Append `rows` (as bronze has them) to silver as the visible run `run`, with its plan in the ledger."""
    table = silver(lake.contracts[contract_name])
    silver_rows = [{name: value for name, value in row.items() if name not in _NOT_IN_SILVER} | {"run_id": run} for row in rows]
    times = [row["event_time"] for row in silver_rows]
    planned = {"run_id": run, "contract": contract_name, "object": f"object-{run}", "rows": len(times), "planned_at": lake.clock.now()}
    append_rows(lake.platform, LEDGER, [planned | {"min_event_time": min(times), "max_event_time": max(times)}])
    append_rows(lake.platform, table, silver_rows)
    note(lake.platform, lake.clock, run, table, contract_name, State.VISIBLE, snapshot_id=_snapshot(lake, table.name))


def rebuild_silver(lake: SparkLake, contract_name: str, gone: Iterable[str], rows: Iterable[Mapping[str, Any]], run: str) -> None:
    """As a rebuild does: the readings `gone` go to the superseded table, `rows` come in their place; no plan in the ledger."""
    contract = lake.contracts[contract_name]
    table, identities = silver(contract), set(gone)
    iceberg = open_catalog(lake.platform).load_table(table.name)
    there = iceberg.scan().to_arrow().to_pylist()
    append_rows(lake.platform, superseded(contract), [row | {"superseded_by": run} for row in there if row["event_id"] in identities])
    kept = [row for row in there if row["event_id"] not in identities]
    iceberg.delete()
    new = [{name: value for name, value in row.items() if name not in _NOT_IN_SILVER} | {"run_id": run} for row in rows]
    append_rows(lake.platform, table, kept + new)
    note(lake.platform, lake.clock, run, table, contract_name, State.VISIBLE, snapshot_id=_snapshot(lake, table.name))


def series(contract: Contract, device_id: str, minutes: Iterable[float], **columns: Any) -> list[dict[str, Any]]:
    """A reading at each of `minutes` after NOON; a column given as a list has one value for each of them."""
    times = list(minutes)
    values = [{name: value[i] if isinstance(value, list) else value for name, value in columns.items()} for i in range(len(times))]
    return [reading(contract, device_id, minute, seq=int(minute * 60), **values[i]) for i, minute in enumerate(times)]


def _snapshot(lake: SparkLake, name: str) -> int:
    snapshot = open_catalog(lake.platform).load_table(name).current_snapshot()
    assert snapshot is not None
    return int(snapshot.snapshot_id)
