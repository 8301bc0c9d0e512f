"""Which event days of a contract are to be made again, and why: bronze, the ledger and the publications held against each other.

    missing   bronze has objects of the day that no settled run has planned: `reconcile` takes them in
    failed    the day's last rebuild failed
    stale     silver has runs with readings of the day that gold or features have not taken in
    held      the quality gate holds readings of the day: a person settles them, a backfill does not

A day that is several of these is the first of them. What a day costs is what its rebuild reads.
"""

from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from lake.contracts import Contract
from lake.layout import bronze_prefix, ingest_partition
from lake.objects import list_keys
from lake.publications import SETTLED, Planned, Publication, State, read_ledger, read_publications
from lake.tables import DEVICE_DAILY, features, gold_hourly, silver
from runtime.errors import UserError
from runtime.platforms import Platform


class Status(StrEnum):
    MISSING = "missing"
    FAILED = "failed"
    STALE = "stale"
    HELD = "held"
    FINE = "fine"


# What a backfill makes again.
TO_RUN = (Status.MISSING, Status.FAILED, Status.STALE)


@dataclass(frozen=True)
class Day:
    """`objects` and `readings` are what a rebuild of the day reads: whole objects, with readings of other days in them."""

    day: date
    status: Status
    why: str
    objects: int
    readings: int


@dataclass(frozen=True)
class _Object:
    """A bronze object by its key, and the days that its readings are of; of all where that is not known."""

    key: str
    readings: int
    first: datetime | None
    last: datetime | None

    def covers(self, day: date) -> bool:
        return self.first is None or self.last is None or self.first.date() <= day <= self.last.date()


def plan(platform: Platform, contract: Contract, first: date, last: date, failed: Collection[date] = ()) -> list[Day]:
    """Every day of [`first`, `last`]; `failed` are the days whose last rebuild failed. Raises UserError where it is no stretch of days."""
    if last < first:
        raise UserError(f"backfill of {contract.name}: {last} is before {first}; give the earlier day first")
    today = datetime.now(UTC).date()
    if last >= today:
        # Airflow runs a day when it is over, and so does a backfill.
        raise UserError(
            f"backfill of {contract.name}: {last} is not over; give {today - timedelta(days=1)} at the latest: a pipeline's run takes what is of today"
        )
    runs = read_publications(platform, silver(contract).name, contract.name)
    plans = read_ledger(platform, contract.name)
    settled = {run.run_id for run in runs if run.state in SETTLED}
    unplanned = _unplanned(platform, contract, {plan.object for plan in plans if plan.run_id in settled})
    found = _Found(contract, runs, plans, unplanned, _taken(platform, contract), frozenset(failed))
    return [found.day(first + timedelta(days=number)) for number in range((last - first).days + 1)]


def ranges(days: Iterable[Day]) -> list[tuple[date, date]]:
    """The days to run as stretches without a hole: first and last day of each."""
    found: list[tuple[date, date]] = []
    for day in sorted(day.day for day in days if day.status in TO_RUN):
        if found and day - found[-1][1] == timedelta(days=1):
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


@dataclass(frozen=True)
class _Found:
    contract: Contract
    runs: Sequence[Publication]
    plans: Sequence[Planned]
    unplanned: Sequence[_Object]
    taken: dict[str, set[str]]
    failed: frozenset[date]

    def day(self, day: date) -> Day:
        visible = [plan for plan in self._of(State.VISIBLE) if _covers(plan, day)]
        status, why = self._status(day, visible)
        fresh = [found for found in self.unplanned if found.covers(day)]
        objects = {plan.object: plan.rows for plan in visible} | {found.key: found.readings for found in fresh}
        return Day(day, status, why, len(objects), sum(objects.values()))

    def _status(self, day: date, visible: Sequence[Planned]) -> tuple[Status, str]:
        missing = [found.key for found in self.unplanned if found.covers(day)]
        if missing:
            return Status.MISSING, f"{len(missing)} bronze objects are in no run, such as {missing[0]}"
        if day in self.failed:
            return Status.FAILED, "its last rebuild failed"
        behind = {table: sorted({plan.run_id for plan in visible} - taken) for table, taken in self.taken.items()}
        stale = {table: runs for table, runs in behind.items() if runs}
        if stale:
            has, (run, *_) = "has" if len(stale) == 1 else "have", next(iter(stale.values()))
            return Status.STALE, f"{', '.join(stale)} {has} not taken in run {run}"
        held = sorted({plan.run_id for plan in self._of(State.HELD) if _covers(plan, day)})
        if held:
            return Status.HELD, f"run {held[0]} is held; `fleetlake quality show {held[0]}`"
        return Status.FINE, ""

    def _of(self, state: State) -> list[Planned]:
        runs = {run.run_id for run in self.runs if run.state is state}
        return [plan for plan in self.plans if plan.run_id in runs]


def _covers(plan: Planned, day: date) -> bool:
    return _Object(plan.object, plan.rows, plan.min_event_time, plan.max_event_time).covers(day)


def _taken(platform: Platform, contract: Contract) -> dict[str, set[str]]:
    """The silver runs that visible publications of each derived table name as input."""
    derived = [gold_hourly(contract), features(contract)] if contract.is_measurement else []
    prefix = f"{silver(contract).name}:"
    found: dict[str, set[str]] = {}
    for table in (*derived, DEVICE_DAILY):
        visible = [run for run in read_publications(platform, table.name, contract.name) if run.state is State.VISIBLE]
        found[table.name] = {name.removeprefix(prefix) for run in visible for name in run.inputs if name.startswith(prefix)}
    return found


def _unplanned(platform: Platform, contract: Contract, settled: Collection[str]) -> list[_Object]:
    """The bronze objects that no settled run planned, with their days from their footers."""
    keys = [key for key in list_keys(platform, bronze_prefix(contract.name)) if ingest_partition(key) and key not in settled]
    with ThreadPoolExecutor(max_workers=8) as pool:
        return list(pool.map(lambda key: _footer(platform, key), keys))


def _footer(platform: Platform, key: str) -> _Object:
    """One that cannot be read may hold readings of any day."""
    filesystem, path = pafs.FileSystem.from_uri(platform.object_uri(key))
    try:
        times = pc.min_max(pq.read_table(path, columns=["event_time"], filesystem=filesystem)["event_time"]).as_py()
        rows = pq.read_metadata(path, filesystem=filesystem).num_rows
    except (OSError, pa.ArrowException):
        return _Object(key, 0, None, None)
    return _Object(key, rows, times["min"], times["max"])
