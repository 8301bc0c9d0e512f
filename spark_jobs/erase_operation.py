"""A device struck from the tables of operation: a sentence loses the clause that names it, a sample its rows.

These rows tell of runs, not of readings, so they stay; what they say of the device goes, and the readings behind a verdict do.
Keys, states and names of tables are never touched: a word of theirs may be some device's id. All of a table's history goes with
it: these tables are read by their rows and not by their snapshots.
"""

import functools
import json
import operator
from collections.abc import Callable
from typing import Any

import pyarrow as pa
from pyspark.sql import Column
from pyspark.sql import functions as F

from lake.erased_device import Device
from lake.maintenance import Action
from lake.tables import OPS, Table
from spark_jobs.branch import Branch, load
from spark_jobs.expiry import expire_these
from spark_jobs.maintained import Change, apply
from spark_jobs.session import SparkLake

STRUCK = "(erased)"
_TRIES = 5


def naming(table: Table, device: Device) -> Column:
    """Rows that name the device in words, or are about it alone."""
    about = F.coalesce(F.col("device_id") == device.id, F.lit(False)) if "device_id" in table.column_names else F.lit(False)
    return about | _any_text(table, lambda column: column.rlike(device.pattern))


def _any_text(table: Table, holds: Callable[[Column], Column]) -> Column:
    texts = (F.coalesce(holds(F.col(name)), F.lit(False)) for name in table.words)
    return functools.reduce(operator.or_, texts, F.lit(False))


def struck(table: Table, device: Device, row: dict[str, Any]) -> dict[str, Any]:
    """A row without the device in its words: of a JSON list its entries are struck whole, of a text the clauses that name it."""
    return row | {name: _struck(device, row[name]) for name in table.words if row[name]}


def _struck(device: Device, text: str) -> str:
    if not device.is_named_in(text):
        return text
    document = _json(text)
    if isinstance(document, list):
        return json.dumps([{"device_id": STRUCK} if _is_about(device, entry) else entry for entry in document])
    # What stands in the same breath as the name may be a value of the device.
    return "; ".join(STRUCK if device.is_named_in(part) else part for part in text.split("; "))


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _is_about(device: Device, entry: Any) -> bool:
    return device.is_named_in(json.dumps(entry, ensure_ascii=False))


def strike(lake: SparkLake, table: Table, device: Device, run: str) -> int:
    """Rows that were changed. Raises ProofFailed where another row would be another afterwards."""
    changed: list[int] = []

    def write(branch: Branch) -> bool:
        iceberg = load(lake.platform, table)
        rows = iceberg.scan(snapshot_id=branch.base_snapshot).to_arrow()
        before = rows.to_pylist()
        # A row that is about the device alone goes whole: its values are the device's.
        stay = [row for row in before if row.get("device_id") != device.id]
        after = [struck(table, device, row) for row in stay]
        changed[:] = [len(before) - len(stay) + sum(old != new for old, new in zip(stay, after, strict=True))]
        if before == after:
            return False
        frame = lake.spark.createDataFrame(pa.Table.from_pylist(after, schema=rows.schema))
        frame.coalesce(1).writeTo(branch.identifier).overwrite(F.lit(True))
        return True

    apply(
        lake,
        Change(table, Action.ERASE, run, write, gone=naming(table, device), edited=_any_text(table, lambda text: text.contains(STRUCK))),
    )
    return changed[0]


def rows_naming(lake: SparkLake, device: Device) -> dict[str, int]:
    """By table of operation the rows that an erasure of the device would change or take."""
    found = {table.name: lake.table(table).where(naming(table, device)).count() for table in OPS}
    return {name: rows for name, rows in found.items() if rows}


def strike_all(lake: SparkLake, device: Device, run: str) -> dict[str, int]:
    """Every table of operation and its history; changed rows by table."""
    changed = {table.name: strike(lake, table, device, run) for table in OPS}
    for table in OPS:
        if changed[table.name] or _was_named_before(lake, table, device):
            iceberg = load(lake.platform, table)
            kept = {ref.snapshot_id for ref in iceberg.metadata.refs.values()}
            expire_these(lake, table, run, [s.snapshot_id for s in iceberg.snapshots() if s.snapshot_id not in kept])
    return changed


def _was_named_before(lake: SparkLake, table: Table, device: Device) -> bool:
    """Whether a killed erasure has struck main and not yet the history."""
    iceberg = load(lake.platform, table)
    current = iceberg.current_snapshot()
    if current is None or current.summary is None:
        return False
    # All but the last commits are appends; what an overwrite replaced may name it.
    return any(s.summary is not None and s.summary.operation.value == "overwrite" for s in iceberg.snapshots())
