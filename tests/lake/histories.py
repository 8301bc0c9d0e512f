"""Random histories of a lake, and what each moment of them knew by a model that shares no code with `as_of`.

A history is arrivals, rebuilds, runs that are killed, compactions and expiries of snapshots, one after the other, each through the
real publication. Spark does not come into it: an attempt writes its rows with PyIceberg, as the jobs' own commits would.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyiceberg.io.pyarrow import _dataframe_to_data_files

from lake.catalog import QuickTransaction, append_rows, ensure_tables, open_catalog
from lake.contracts import load_contracts
from lake.query import sql
from lake.tables import Table, gold_hourly, iceberg_tables, silver, superseded
from runtime.clock import FixedClock
from runtime.errors import QueryError
from runtime.platforms import Platform
from spark_jobs.branch import Branch
from spark_jobs.publication import BOUNDARIES, heal, publish
from spark_jobs.session import LazyLake
from tests.lake.small_lake import NOON, SmallLake

Rows = dict[str, float]
_READ = "SELECT event_id, water FROM silver.boiler"
_READ_HOURS = "SELECT device_id, readings FROM gold.boiler_hourly"


class _Killed(BaseException):
    """No `except` of the code under test catches it: whatever a killed process would leave is left."""


@dataclass
class Change:
    """What a run does to a table; `known_at` is None from the swap until somebody notes it visible."""

    table: str
    put: Rows
    gone: frozenset[str]
    known_at: datetime | None = None


@dataclass
class History:
    """One random history; every answer that it gives is held against the model. `asked` counts answers, `refused` those refused."""

    home: Path
    seed: int
    asked: int = 0
    refused: int = 0
    killed: int = 0
    expired: int = 0
    _changes: list[Change] = field(default_factory=list)
    _moments: list[datetime] = field(default_factory=list)
    # Since when a run has been publishing to a table of which nobody has said what became of it.
    _open_since: dict[str, datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)
        self._small = SmallLake(self.home)
        self._contract = self._small.boiler
        self._now = NOON
        self._runs = self._seq = 0
        self._lake = LazyLake(self._small.platform, load_contracts(self._small.platform.settings.contracts_folder), "histories")
        ensure_tables(self._small.platform, iceberg_tables([self._contract]))

    def play(self, steps: int) -> None:
        """So many random steps, then every moment that was asked about is asked about again."""
        acts: list[Callable[[], None]] = [
            self._arrive,
            self._arrive,
            self._arrive,
            self._rebuild,
            self._roll_up,
            self._compact,
            self._expire,
        ]
        for _ in range(steps):
            self._advance()
            self._rng.choice(acts)()
            self._advance()
            if self._rng.random() < 0.6:
                self._ask(self._rng.choice(self._moments) if self._moments and self._rng.random() < 0.5 else self._now)
        self._publish_nothing()
        self._advance()
        for moment in {*self._moments, self._now}:
            self._ask(moment)

    # what happens

    def _arrive(self) -> None:
        """New readings, some of them late, some that are there already with the same or another value."""
        there = self._model(silver(self._contract).name)
        rows = {f"{self._new_seq():08d}": round(self._rng.random() * 100, 2) for _ in range(self._rng.randint(1, 4))}
        rows |= {identity: self._rng.choice([there[identity], -1.0]) for identity in self._some(there)}
        new = {identity: value for identity, value in rows.items() if identity not in there}

        def attempt(branch: Branch) -> list[str] | None:
            # As the merge finds it, by the branch's base and not by the model.
            base = {row["event_id"] for row in rows_at(self._small.platform, silver(self._contract), branch.base_snapshot)}
            branch.make()
            commit(branch, add=self._silver_rows({i: v for i, v in rows.items() if i not in base}, branch.run_id))
            return []

        self._publish(silver(self._contract), attempt, Change(silver(self._contract).name, new, frozenset()))

    def _rebuild(self) -> None:
        there = self._model(silver(self._contract).name)
        gone = self._some(there)
        changed = {identity: round(self._rng.random() * 100, 2) for identity in self._some(there) if identity not in gone}
        if not gone and not changed:
            return

        def attempt(branch: Branch) -> list[str] | None:
            base = rows_at(self._small.platform, silver(self._contract), branch.base_snapshot)
            branch.make()
            replaced = [row | {"superseded_by": branch.run_id} for row in base if row["event_id"] in {*gone, *changed}]
            append_rows(self._small.platform, superseded(self._contract), replaced)
            self._boundary("superseded")
            kept = [row for row in base if row["event_id"] not in {*gone, *changed}]
            commit(branch, add=[*kept, *self._silver_rows(changed, branch.run_id)], instead=True)
            return []

        self._publish(silver(self._contract), attempt, Change(silver(self._contract).name, changed, frozenset(gone)))

    def _roll_up(self) -> None:
        """Gold stands for any derived table: all of it is written anew, from what silver has in its main."""
        content = {f"{len(self._model(silver(self._contract).name))} readings": 1.0}
        table = gold_hourly(self._contract)

        def attempt(branch: Branch) -> list[str] | None:
            commit(branch, add=[{"device_id": next(iter(content)), "hour": NOON, "readings": 1}], instead=True)
            return []

        self._publish(table, attempt, Change(table.name, content, frozenset(self._model(table.name))))

    def _compact(self) -> None:
        """The same rows in other files: nothing that anybody may see."""
        table = self._rng.choice([silver(self._contract), gold_hourly(self._contract)])

        def attempt(branch: Branch) -> list[str] | None:
            rows = rows_at(self._small.platform, table, branch.base_snapshot)
            branch.make()
            commit(branch, add=rows, instead=True)
            return []

        self._publish(table, attempt, Change(table.name, {}, frozenset()))

    def _expire(self) -> None:
        for table in (silver(self._contract), gold_hourly(self._contract), superseded(self._contract)):
            if table != superseded(self._contract):
                self._heal(table)
            iceberg = open_catalog(self._small.platform).load_table(table.name)
            before = len(iceberg.snapshots())
            iceberg.maintenance.expire_snapshots().older_than(datetime.now(UTC).replace(tzinfo=None) + timedelta(days=1)).commit()
            self.expired += before - len(open_catalog(self._small.platform).load_table(table.name).snapshots())

    def _publish_nothing(self) -> None:
        """The next run of each table, whoever's it is, heals what was left."""
        for table in (silver(self._contract), gold_hourly(self._contract)):
            self._heal(table)

    # publication, and its kills

    def _publish(self, table: Table, attempt: Callable[[Branch], Any], change: Change) -> None:
        kill_at = self._rng.choice([*BOUNDARIES, "superseded"]) if self._rng.random() < 0.3 else None
        self._settle_model(table)
        self._runs += 1
        reached: list[str] = []

        def boundary(name: str) -> None:
            reached.append(name)
            if name == "publishing":
                self._open_since[table.name] = self._now
            elif name == "visible":
                self._open_since.pop(table.name)
            if name == kill_at:
                raise _Killed
            if self._moments and self._rng.random() < 0.2:
                self._ask(self._rng.choice(self._moments))

        self._boundary = boundary
        self._lake.boundary = boundary
        self._lake.clock = FixedClock(self._now)
        try:
            publish(self._lake, table, "boiler", f"r{self._runs}", attempt)
        except _Killed:
            self.killed += 1
        if "fast_forwarded" in reached:
            change.known_at = self._now if kill_at != "fast_forwarded" else None
            self._changes.append(change)

    def _heal(self, table: Table) -> None:
        self._settle_model(table)
        self._lake.clock = FixedClock(self._now)
        heal(self._lake, table, "boiler")

    def _settle_model(self, table: Table) -> None:
        """Each publisher begins by noting what became of those before it: what main has reached is known from now on."""
        self._open_since.pop(table.name, None)
        for change in self._changes:
            if change.table == table.name and change.known_at is None:
                change.known_at = self._now

    # what is asked

    def _ask(self, moment: datetime) -> None:
        """Both tables as of the moment are what the model says; where that is open yet, the question is refused."""
        if moment not in self._moments:
            self._moments.append(moment)
        for text, table in ((_READ, silver(self._contract)), (_READ_HOURS, gold_hourly(self._contract))):
            is_open = self._is_open(table, moment)
            rows, refusal = self._answer(text, moment)
            if rows is None:
                self.refused += 1
                was_expired = table == gold_hourly(self._contract) and "was expired" in refusal
                assert is_open or (was_expired and self.expired), f"seed {self.seed}, as of {moment}: {refusal}"
                continue
            assert not is_open, f"seed {self.seed}: {table.name} as of {moment} was answered while a publication before it was under way"
            self.asked += 1
            assert sorted(rows) == sorted(self._expected(table, moment)), f"seed {self.seed}: {table.name} as of {moment}"

    def _answer(self, text: str, moment: datetime) -> tuple[list[tuple[Any, ...]] | None, str]:
        try:
            return sql(text, as_of=moment, platform=self._small.platform, clock=FixedClock(self._now)).rows, ""
        except QueryError as error:
            return None, str(error)

    def _is_open(self, table: Table, moment: datetime) -> bool:
        return table.name in self._open_since and self._open_since[table.name] <= moment

    def _expected(self, table: Table, moment: datetime) -> Iterable[tuple[str, float]]:
        rows: Rows = {}
        for change in self._changes:
            if change.table == table.name and change.known_at is not None and change.known_at <= moment:
                rows = {identity: value for identity, value in rows.items() if identity not in change.gone} | change.put
        return rows.items()

    def _model(self, table: str) -> Rows:
        """What main holds: all changes, known by now or not."""
        rows: Rows = {}
        for change in self._changes:
            if change.table == table:
                rows = {identity: value for identity, value in rows.items() if identity not in change.gone} | change.put
        return rows

    def _advance(self) -> None:
        self._now += timedelta(minutes=1)

    def _new_seq(self) -> int:
        self._seq += 1
        return self._seq

    def _some(self, there: Rows) -> list[str]:
        return self._rng.sample(sorted(there), min(len(there), self._rng.randint(0, 2)))

    def _silver_rows(self, values: Mapping[str, float], run_id: str) -> list[dict[str, Any]]:
        """Every third is late by a day."""
        moments = {identity: NOON - timedelta(days=int(identity) % 3 == 0, minutes=int(identity)) for identity in values}
        envelope = {"device_id": "b-1", "boot": "x", "received_at": NOON, "run_id": run_id}
        return [
            envelope | {"event_id": identity, "seq": int(identity), "event_time": moments[identity], "water": value}
            for identity, value in values.items()
        ]


def rows_at(platform: Platform, table: Table, snapshot: int) -> list[dict[str, Any]]:
    return list(open_catalog(platform).load_table(table.name).scan(snapshot_id=snapshot).to_arrow().to_pylist())


def commit(branch: Branch, add: list[dict[str, Any]], instead: bool = False) -> None:
    """One snapshot on the branch: `add` beside what is there, or instead of it."""
    branch.make()
    iceberg = open_catalog(branch.platform).load_table(branch.table.name)
    columns = [{name: row.get(name) for name in iceberg.schema().column_names} for row in add]
    frame = pa.Table.from_pylist(columns, schema=iceberg.schema().as_arrow())
    with QuickTransaction(iceberg) as transaction, transaction.update_snapshot(branch=branch.name).overwrite() as snapshot:
        if instead:
            for task in iceberg.scan(snapshot_id=branch.base_snapshot).plan_files():
                snapshot.delete_data_file(task.file)
        for file in _dataframe_to_data_files(transaction.table_metadata, frame, iceberg.io):
            snapshot.append_data_file(file)
