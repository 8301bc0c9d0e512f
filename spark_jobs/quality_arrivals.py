"""What arrived while a run's readings did: held and refused readings, what decode quarantined."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pyarrow.compute as pc
import pyarrow.dataset as pads
import pyarrow.fs as pafs
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lake.contracts import Contract
from lake.layout import ingest_partition, quarantine_day_prefix
from lake.objects import list_keys
from lake.publications import State
from lake.quarantine_rows import replayed_ids
from runtime.platforms import Platform
from spark_jobs.bronze_plan import Known
from spark_jobs.quality_completeness import EXPECTED_HOURS
from spark_jobs.quality_limits import checked_for_stuck, silence, stuck_after
from spark_jobs.session import SparkLake

# Readings that are received less than this apart were received in one go.
_LULL = timedelta(minutes=10)
_TO_SECONDS = "%Y-%m-%d %H:%M:%S"
_ARRIVED = ["device_id", "event_time", "event_id", "_of_run"]


@dataclass(frozen=True)
class Span:
    """The run's rows: how many, from when to when, the hours they are of, and the minutes in which they were received."""

    rows: int
    first: datetime
    last: datetime
    hours: frozenset[datetime]
    received_minutes: frozenset[datetime]


@dataclass(frozen=True)
class Around:
    """From when to when rows around a run matter to its verdict: spans in their order, `silence` apart at least."""

    spans: tuple[tuple[datetime, datetime], ...]

    @property
    def condition(self) -> str:
        """What Iceberg prunes partitions by."""
        texts = (
            f"(event_time >= timestamp'{since:{_TO_SECONDS}}' AND event_time < timestamp'{until:{_TO_SECONDS}}')"
            for since, until in self.spans
        )
        return " OR ".join(texts) or "false"

    def on_days(self, days: Collection[date], are_these: bool) -> "Around":
        """What of it lies on the days, or on all others."""
        pieces = [piece for span in self.spans for piece in _by_day(*span) if (piece[0].date() in days) is are_these]
        return Around(tuple(pieces))

    def meets(self, first: datetime, last: datetime) -> bool:
        return any(first <= until and last >= since for since, until in self.spans)


def _by_day(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    while since < until:
        midnight = since.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        yield since, min(midnight, until)
        since = midnight


def span_of(rows: DataFrame) -> Span | None:
    """None when the run has no rows."""
    times = [F.min("event_time"), F.max("event_time")]
    sets = [F.collect_set(F.date_trunc(unit, column).cast("long")) for unit, column in (("hour", "event_time"), ("minute", "received_at"))]
    # Numbers, because the driver would turn moments into its own time zone's.
    found = rows.agg(F.count("*"), *(F.unix_micros(time) for time in times), *sets).first()
    if found is None or not found[0]:
        return None
    first, last = (datetime.fromtimestamp(micros / 1e6, UTC) for micros in (found[1], found[2]))
    hours, minutes = (frozenset(datetime.fromtimestamp(second, UTC) for second in seconds) for seconds in found[3:5])
    return Span(found[0], first, last, hours, minutes)


def around(contract: Contract, span: Span) -> Around:
    """As far as a streak with a row of the run, or an expectation of one of its hours, can reach.

    Rows that are scattered over a long time have spans of their own, and what lies between is not read.
    """
    longest = max((stuck_after(contract, field) for field in checked_for_stuck(contract)), default=0)
    streak = timedelta(seconds=2 * longest * (contract.cadence_seconds or 0))
    before, after = max(streak, timedelta(hours=EXPECTED_HOURS)), timedelta(hours=1) + max(streak, timedelta(hours=2))
    spans: list[tuple[datetime, datetime]] = []
    for hour in sorted(span.hours):
        since, until = hour - before, hour + after
        if spans and since - spans[-1][1] < silence(contract):
            spans[-1] = (spans[-1][0], until)
        else:
            spans.append((since, until))
    return Around(tuple(spans))


def rows_around(table: DataFrame, columns: Sequence[str | Column], span: Span, within: Around, needs_ids: bool = False) -> DataFrame:
    """The rows of `table` that matter to the run's, with `columns` and their `event_id`.

    Ids are random, and half of what a day's files hold. Those of one id lie on one day: so where nobody `needs_ids` of all, they are
    read on the days of the run's own rows, and are null on the others.
    """
    if needs_ids:
        return table.where(within.condition).select("event_id", *columns)
    days = {hour.date() for hour in span.hours}
    own = table.where(within.on_days(days, are_these=True).condition).select("event_id", *columns)
    others = table.where(within.on_days(days, are_these=False).condition)
    return own.unionByName(others.select(F.lit(None).cast("string").alias("event_id"), *columns))


def with_waiting(lake: SparkLake, contract: Contract, seen: DataFrame, keys: Sequence[str], within: Around) -> DataFrame:
    """`seen` with the readings of held and refused runs, whose objects are `keys`: they arrived, although nobody sees them."""
    # Imported here: the silver run imports the gate.
    from spark_jobs.silver import read_bronze

    arrived = seen.select(*_ARRIVED)
    if not keys:
        return arrived
    waiting = read_bronze(lake, contract, keys).where(within.condition).withColumn("_of_run", F.lit(0)).select(*_ARRIVED)
    return arrived.unionByName(waiting.dropDuplicates(["event_id"]).join(arrived, on="event_id", how="left_anti"))


def objects_of_waiting(known: Known, within: Around) -> list[str]:
    waiting = {run.run_id for run in known.runs if run.state in (State.HELD, State.REFUSED)}
    return sorted(
        {
            planned.object
            for planned in known.planned
            if planned.run_id in waiting
            and planned.min_event_time
            and planned.max_event_time
            and within.meets(planned.min_event_time, planned.max_event_time)
        }
    )


def arrival_spans(contract: Contract, minutes: Iterable[datetime]) -> list[tuple[datetime, datetime]]:
    """From when to when the run's readings were received, without the lulls of more than two cadences between them."""
    lull = max(_LULL, timedelta(seconds=2 * (contract.cadence_seconds or 0)))
    spans: list[tuple[datetime, datetime]] = []
    for minute in sorted(minutes):
        end = minute + timedelta(minutes=1)
        if spans and minute - spans[-1][1] <= lull:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((minute, end))
    return spans


def quarantined(
    platform: Platform, contract: Contract, objects: Iterable[str], spans: Sequence[tuple[datetime, datetime]]
) -> dict[str, int]:
    """How many readings decode refused of what was received in `spans`, by reason, the most frequent first; but what was replayed.

    They were put on the days on which the worker put the run's `objects`, or just after midnight.
    """
    days = {partition.hour.date() for key in objects if (partition := ingest_partition(key))}
    keys = [key for day in sorted(days | {day + timedelta(days=1) for day in days}) for key in _quarantine_keys(platform, contract, day)]
    if not keys or not spans:
        return {}
    located = [pafs.FileSystem.from_uri(platform.object_uri(key)) for key in keys]
    stored = pads.dataset([path for _, path in located], filesystem=located[0][0], format="parquet", partitioning=None)
    rows = stored.to_table(columns=["quarantine_id", "received_at", "reason"], filter=pc.field("origin") == "decode").to_pylist()
    # A message that was delivered twice may have been refused twice.
    refused = {row["quarantine_id"]: row["reason"] for row in rows if row["received_at"] and _is_within(row["received_at"], spans)}
    gone = replayed_ids(platform, contract.name) if refused else set()
    refused = {identity: reason for identity, reason in refused.items() if identity not in gone}
    return dict(Counter(refused.values()).most_common())


def taken_in(table: DataFrame, spans: Sequence[tuple[datetime, datetime]]) -> int:
    """How many of the readings in `table` were received in `spans`, by whichever run they came."""
    if not spans:
        return 0
    within = " OR ".join(
        f"(received_at >= timestamp'{first:{_TO_SECONDS}}' AND received_at < timestamp'{end:{_TO_SECONDS}}')" for first, end in spans
    )
    return table.where(within).count()


def _is_within(moment: datetime, spans: Sequence[tuple[datetime, datetime]]) -> bool:
    before = bisect_right(spans, moment, key=lambda span: span[0])
    return before > 0 and moment < spans[before - 1][1]


def _quarantine_keys(platform: Platform, contract: Contract, day: date) -> list[str]:
    return [key for key in list_keys(platform, quarantine_day_prefix(contract.name, day)) if key.endswith(".parquet")]
