"""Readings whose identity stands for other values already: to quarantine, as re-made canonical JSON."""

from typing import Any

from pyspark.sql import DataFrame

from lake.contracts import Contract
from lake.identity import canonical_json
from lake.quarantine import Quarantined, put_quarantined
from lake.reading import as_sent
from lake.reasons import Reason
from lake.tables import bronze
from runtime.log import logger
from spark_jobs.session import SparkLake

log = logger("silver")


def quarantine_conflicts(lake: SparkLake, contract: Contract, frame: DataFrame) -> int:
    """Put them before the run publishes: a crash in between repeats them, and none is lost. How many there were."""
    detail = "another reading with this identity and other values was published first"
    # By Arrow, which keeps the time zone; a Spark row's timestamps are naive, in the machine's own zone.
    found = frame.select(*bronze(contract).column_names).toArrow().to_pylist()
    rows = [refused(contract, row, Reason.EVENT_ID_CONFLICT, detail, "silver") for row in found]
    if rows:
        put_quarantined(lake.platform, rows, lake.clock.now(), lake.contracts)
        log.info(f"silver.{contract.name}: {len(rows)} readings conflict with one that was first; they are in quarantine")
    return len(rows)


def refused(contract: Contract, row: dict[str, Any], reason: Reason, detail: str, origin: str) -> Quarantined:
    """A quarantined row of a bronze row."""
    return Quarantined(
        contract=contract.name,
        device_id=row["device_id"],
        topic=row["topic"],
        content=canonical_json(as_sent(contract, row)),
        index=None,
        reason=reason,
        detail=detail,
        origin=origin,
        received_at=row["received_at"],
        principal=row["principal"],
        client_id=row["client_id"],
        trace_id=row["trace_id"],
        boot=row["boot"],
        event_id=row["event_id"],
    )
