"""Trucks into a lake by the platform's own code: the worker's decode and its bronze objects, then the silver job with its gate."""

from pathlib import Path

from benchmarks.tsbs.messages import bodies
from benchmarks.tsbs.trucks import DIAGNOSTICS, READINGS, Trucks
from ingestion.batch import Batch
from ingestion.bronze import put_bronze
from lake.contracts import Contracts, load_contracts
from runtime.platforms import Platform
from runtime.sqs import Message
from spark_jobs import silver
from spark_jobs.session import SparkLake, prepare_tables

CONTRACTS_FOLDER = Path(__file__).parent / "contracts"


def contracts() -> Contracts:
    return load_contracts(CONTRACTS_FOLDER)


def put(trucks: Trucks, lake: SparkLake) -> int:
    """The messages decoded and put as bronze objects of the worker's size; how many readings."""
    platform: Platform = lake.platform
    batch, readings = Batch(platform.settings, lake.contracts), 0
    for body in bodies(trucks):
        batch.add(Message("", body))
        if batch.is_full:
            readings += _put(batch, lake)
            batch = Batch(platform.settings, lake.contracts)
    return readings + _put(batch, lake)


def to_silver(lake: SparkLake) -> None:
    for name in (READINGS, DIAGNOSTICS):
        prepare_tables(lake.platform, lake.contracts[name])
        silver.run(lake, name, "tsbs")


def _put(batch: Batch, lake: SparkLake) -> int:
    assert not batch.quarantined, batch.quarantined[0]
    if len(batch.rows):
        put_bronze(lake.platform, batch.rows, lake.clock.now())
    return len(batch.rows)
