"""Which bronze objects a silver run takes: those that no settled run has planned."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.catalog import append_rows
from lake.contracts import Contract
from lake.layout import IngestPartition, bronze_prefix, ingest_partition
from lake.objects import list_keys
from lake.publications import SETTLED, Planned, Publication, State, read_ledger, read_publications
from lake.tables import LEDGER, bronze, silver
from runtime.errors import JobError
from runtime.platforms import Platform
from spark_jobs.session import SparkLake
from spark_jobs.set_aside import Corrupt, SetAside, opened

# A partition is complete this long after its end: a put's clock may be off, and a listing may run over the hour.
_GRACE = timedelta(hours=1)


@dataclass(frozen=True)
class BronzeObject:
    key: str
    rows: int
    min_event_time: datetime | None
    max_event_time: datetime | None


@dataclass(frozen=True)
class Known:
    """What is known of a contract's runs and plans, read once. `replaced`: plans of objects that the erasure of a device took away."""

    runs: tuple[Publication, ...]
    planned: tuple[Planned, ...]
    replaced: tuple[Planned, ...] = ()

    @property
    def settled_objects(self) -> set[str]:
        settled = {run.run_id for run in self.runs if run.state in SETTLED}
        # While a device is erased, what is replaced may still be listed beside what took its place.
        return {planned.object for planned in (*self.planned, *self.replaced) if planned.run_id in settled}

    def objects_of(self, run_id: str) -> list[str]:
        return sorted({planned.object for planned in self.planned if planned.run_id == run_id})

    @property
    def run_ids(self) -> list[str]:
        return sorted({planned.run_id for planned in self.planned})

    def first_open_hour(self) -> datetime | None:
        """Start of the oldest partition that may not be complete; None when everything must be listed.

        A settled run that listed bronze saw every object of the partitions that had been complete then, and planned or
        found settled each of them; so what may be new lies in those that ended less than an hour before its plan, or
        later. Runs that accept or refuse another list nothing and do not count.
        """
        listing = {run.run_id for run in self.runs if run.state in SETTLED and run.related_run is None}
        moments = [planned.planned_at for planned in self.planned if planned.run_id in listing]
        if not moments:
            return None
        newest = max(moments).astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        return newest - _GRACE


def read_known(lake: SparkLake, contract: str) -> Known:
    table = silver(lake.contracts[contract])
    runs, plans = read_publications(lake.platform, table.name, contract), read_ledger(lake.platform, contract, replaced_too=True)
    present, replaced = (tuple(plan for plan in plans if plan.replaced is gone) for gone in (False, True))
    return Known(tuple(runs), present, replaced)


def is_held(known: Known, run_id: str) -> bool:
    return any(run.run_id == run_id and run.state is State.HELD for run in known.runs)


def new_objects(lake: SparkLake, contract: str, known: Known, everything: bool) -> list[str]:
    """Keys of bronze objects that no settled run has planned, from the oldest open partition on, or of all of bronze."""
    first = None if everything else known.first_open_hour()
    start = IngestPartition(contract, first).prefix if first else ""
    settled = known.settled_objects
    keys = list_keys(lake.platform, bronze_prefix(contract), start)
    return [key for key in keys if ingest_partition(key) is not None and key not in settled]


def append_plan(
    lake: SparkLake, contract: Contract, run_id: str, base_snapshot: int, keys: Sequence[str], planned_at: datetime, aside: SetAside
) -> list[BronzeObject]:
    """Note in the ledger what the run will read; the objects with their rows and times, from their footers. Corrupt ones go `aside`.

    `planned_at` is a moment before bronze was listed. Raises JobError for an object that is gone or holds what `contract` does not know.
    """
    objects = describe(lake.platform, contract, keys, aside)
    shared: dict[str, Any] = {"run_id": run_id, "contract": contract.name, "base_snapshot": base_snapshot, "planned_at": planned_at}
    append_rows(
        lake.platform,
        LEDGER,
        [
            shared | {"object": o.key, "rows": o.rows, "min_event_time": o.min_event_time, "max_event_time": o.max_event_time}
            for o in objects
        ],
    )
    return objects


def describe(platform: Platform, contract: Contract, keys: Iterable[str], aside: SetAside) -> list[BronzeObject]:
    """The objects that can be read; the others go `aside`."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        found = list(pool.map(lambda key: _describe(platform, contract, key), keys))
    for corrupt in found:
        if isinstance(corrupt, tuple):
            aside.add(*corrupt)
    return [described for described in found if isinstance(described, BronzeObject)]


def _describe(platform: Platform, contract: Contract, key: str) -> BronzeObject | tuple[str, str]:
    """The object, or its key and why it cannot be read."""
    try:
        file = opened(platform, key)
        unknown = set(file.schema_arrow.names) - set(bronze(contract).column_names)
        # From the column where a row group says nothing: a day left out would let the merge insert what is there already.
        times = _bounds_of_footer(file.metadata) or pc.min_max(file.read(["event_time"])["event_time"]).as_py().values()
    except Corrupt as error:
        return key, str(error)
    if unknown:
        raise JobError(
            f"silver.{contract.name}: bronze object {key} holds {', '.join(sorted(unknown))}, which version {contract.version} of the "
            "contract does not know; run it with the newer contract"
        )
    lowest, highest = times
    return BronzeObject(key, file.metadata.num_rows, lowest, highest)


def _bounds_of_footer(footer: pq.FileMetaData) -> tuple[datetime, datetime] | None:
    column = footer.schema.names.index("event_time")
    statistics = [footer.row_group(group).column(column).statistics for group in range(footer.num_row_groups)]
    if not statistics or any(s is None or not s.has_min_max for s in statistics):
        return None
    return min(s.min for s in statistics), max(s.max for s in statistics)
