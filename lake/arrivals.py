"""When something arrived of each device: from silver, and from the bronze objects that are newer than it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow.dataset as pads
import pyarrow.fs as pafs

from lake.contracts import Contract
from lake.health import Arrivals
from lake.layout import IngestPartition, bronze_prefix, ingest_partition
from lake.objects import list_keys
from lake.publications import read_ledger
from lake.query import sql
from runtime.platforms import Platform

# A device that is not heard for so long is known by its state alone.
_LOOKED_BACK = timedelta(days=2)
# Fewer spans between arrivals tell nothing of what is usual; of more, nine tenths are no longer than what is.
_LEAST_SPANS = 3
_USUALLY = 0.9


@dataclass(frozen=True)
class Heard:
    """`arrivals` are of each device of which something arrived in the last two days, by device. `silver_lag` is how much older the newest arrival
    in silver is than the newest in bronze; two days where silver has none.
    """

    arrivals: list[Arrivals]
    silver_lag: timedelta


def heard(platform: Platform, contract: Contract, now: datetime) -> Heard:
    in_silver, in_bronze = list(_in_silver(platform, contract, now)), list(_in_bronze(platform, contract, now))
    times: dict[str, set[datetime]] = defaultdict(set)
    for device, received_at in [*in_silver, *in_bronze]:
        times[device].add(received_at)
    newest_in_silver = max((at for _, at in in_silver), default=now - _LOOKED_BACK)
    newest = max((at for _, at in in_bronze), default=newest_in_silver)
    arrivals = [_of_device(device, sorted(moments)) for device, moments in sorted(times.items())]
    return Heard(arrivals, max(timedelta(), newest - newest_in_silver))


def _of_device(device: str, moments: list[datetime]) -> Arrivals:
    spans = np.diff([moment.timestamp() for moment in moments])
    usual = float(np.quantile(spans, _USUALLY)) if len(spans) >= _LEAST_SPANS else None
    return Arrivals(device, moments[-1], usual)


def _in_silver(platform: Platform, contract: Contract, now: datetime) -> Iterable[tuple[str, datetime]]:
    text = f"SELECT DISTINCT device_id, received_at FROM silver.{contract.name} WHERE event_time >= ?"  # noqa: S608 - a contract's name
    return sql(text, platform=platform, parameters=[now - _LOOKED_BACK]).rows


def _in_bronze(platform: Platform, contract: Contract, now: datetime) -> Iterable[tuple[str, datetime]]:
    """From the partition before that in which silver was planned last; where it never was, of the last two days."""
    planned = max((plan.planned_at for plan in read_ledger(platform, contract.name)), default=now - _LOOKED_BACK)
    since = max(planned - timedelta(hours=1), now - _LOOKED_BACK).astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    start = IngestPartition(contract.name, since).prefix
    keys = [key for key in list_keys(platform, bronze_prefix(contract.name), start) if ingest_partition(key)]
    if not keys:
        return []
    located = [pafs.FileSystem.from_uri(platform.object_uri(key)) for key in keys]
    stored = pads.dataset([path for _, path in located], filesystem=located[0][0], format="parquet", partitioning=None)
    table = stored.to_table(columns=["device_id", "received_at"])
    return zip(table["device_id"].to_pylist(), table["received_at"].to_pylist(), strict=True)
