"""Bronze objects into the time-series store: what it missed while it was away, or all that was put since a moment.

Writing the same readings again changes nothing, so it may be interrupted anywhere and run again, beside any worker.
"""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import pyarrow.parquet as pq
from botocore.exceptions import ClientError

from lake.contracts import Contract
from lake.layout import bronze_prefix, ingest_partition
from lake.missed import forget_missed
from lake.objects import list_keys
from lake.tables import bronze
from runtime.log import logger
from runtime.platforms import Platform
from runtime.timeseries import Point, Value

# Readings that are held and written at once.
_ROWS = 5_000
# Columns of bronze that are no measures: those that a contract without fields has.
_NO_MEASURES = frozenset(bronze(Contract("none", 1, "event", "", ())).column_names)
log = logger("timeseries")


@dataclass(frozen=True)
class Caught:
    """What became of one bronze object's readings."""

    written: int
    refused: int = 0
    is_gone: bool = False


def catch_up(platform: Platform, key: str) -> Caught:
    """Write the readings of one bronze object and forget that it was missed.

    What the store refuses, reading by reading, it would refuse again. Raises ServiceError while the store is away; the note stays.
    """
    try:
        body = platform.client("s3").get_object(Bucket=platform.lake_bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        # Erased or expired since: what is no more in the lake has no place in a projection of it.
        forget_missed(platform, key)
        return Caught(0, is_gone=True)
    written = refused = 0
    for points in _points(key, body):
        rejects = platform.time_series().write(points)
        written += len(points) - len(rejects)
        refused += len(rejects)
        if rejects:
            first = rejects[0]
            log.warning(f"time series: {len(rejects)} readings of {key} refused: {points[first.index].device_id}: {first.reason}")
    forget_missed(platform, key)
    return Caught(written, refused)


def put_since(platform: Platform, contracts: Iterable[str], since: datetime) -> Iterator[str]:
    """Keys of the bronze objects that were put in the hour of `since` or later."""
    for contract in contracts:
        for key in list_keys(platform, bronze_prefix(contract)):
            partition = ingest_partition(key)
            if partition and partition.end > since:
                yield key


def measures_of(values: dict[str, Value]) -> dict[str, Value]:
    """The measures among the columns of a bronze row."""
    return {name: value for name, value in values.items() if name not in _NO_MEASURES}


def _points(key: str, body: bytes) -> Iterator[list[Point]]:
    partition = ingest_partition(key)
    assert partition is not None
    for batch in pq.ParquetFile(io.BytesIO(body)).iter_batches(_ROWS):
        yield [Point(partition.contract, row["device_id"], row["event_time"], measures_of(row)) for row in batch.to_pylist()]
