"""Silver as no run left it: as a defect of an earlier version might have."""

from datetime import date

from lake.catalog import append_rows, open_catalog
from lake.contracts import Contract
from lake.tables import silver
from spark_jobs.session import SparkLake


def spoil(lake: SparkLake, contract: Contract, day: date, place: float) -> None:
    """Of the day's readings one is gone, by its place among them (0 to 1), and the first by identity has another value."""
    table = silver(contract)
    iceberg = open_catalog(lake.platform).load_table(table.name)
    rows = sorted(iceberg.scan().to_arrow().to_pylist(), key=lambda row: row["event_id"])
    of_day = [row for row in rows if row["event_time"].date() == day]
    lost, changed = of_day[int(place * len(of_day))], of_day[0]
    kept = [row for row in rows if row is not lost or row is changed]
    iceberg.delete()
    append_rows(lake.platform, table, [row | ({"pressure_bar": 0.5} if row is changed else {}) for row in kept])
