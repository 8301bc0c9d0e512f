"""What is to be made again: days whose bronze, ledger and publications do not agree, and no others."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from lake.backfill import Day, plan, ranges
from lake.publications import State
from lake.tables import DEVICE_DAILY, LEDGER, features, gold_hourly
from runtime.errors import UserError
from tests.lake.small_lake import NOON, SmallLake
from tests.spark import FolderPlatform

MONDAY = NOON.date()


@pytest.fixture
def lake(tmp_path: Path) -> SmallLake:
    small = SmallLake(tmp_path / "home")
    small.platform = FolderPlatform(small.platform.settings)
    return small


def put(lake: SmallLake, run: str | None, *days: int, state: State = State.VISIBLE, readings: int = 2) -> str:
    """A bronze object with readings of the days (from MONDAY), planned by the run and in its state; of no run where there is none."""
    rows = [
        lake.reading(f"{run}{number}", seq=0) | {"event_time": NOON + timedelta(days=day)} for day in days for number in range(readings)
    ]
    key = lake.put_bronze(rows)
    if run:
        span = {"min_event_time": NOON + timedelta(days=min(days)), "max_event_time": NOON + timedelta(days=max(days))}
        shared = {"run_id": run, "contract": "boiler", "object": key, "rows": len(rows), "planned_at": NOON}
        lake.append(LEDGER, [shared | span])
        lake.note(run, state, 1, why="stuck" if state is State.HELD else None)
    return key


def derive(lake: SmallLake, *runs: str, but: str = "") -> None:
    for table in (gold_hourly(lake.boiler), features(lake.boiler), DEVICE_DAILY):
        if table.name != but:
            lake.note(f"d-{runs[0]}", State.VISIBLE, 2, table=table, inputs=[f"silver.boiler:{run}" for run in runs])


def statuses(days: list[Day]) -> list[str]:
    return [str(day.status) for day in days]


def week(lake: SmallLake, failed: Any = ()) -> list[Day]:
    return plan(lake.platform, lake.boiler, MONDAY, MONDAY + timedelta(days=6), failed)


def test_a_week_that_is_as_it_should_be_needs_nothing(lake: SmallLake) -> None:
    put(lake, "s.1", 0, 3)
    derive(lake, "s.1")
    found = week(lake)
    assert statuses(found) == ["fine"] * 7
    assert ranges(found) == []
    # The object's readings lie on Monday and Thursday; its bounds are all that the ledger knows.
    assert [(day.objects, day.readings) for day in found] == [(1, 4)] * 4 + [(0, 0)] * 3


def test_two_failed_days_and_a_stale_one_are_three_days_in_two_ranges(lake: SmallLake) -> None:
    put(lake, "s.1", 0)
    put(lake, "s.2", 5)
    derive(lake, "s.1")
    found = week(lake, {MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)})
    assert statuses(found) == ["fine", "failed", "failed", "fine", "fine", "stale", "fine"]
    assert "gold.boiler_hourly, features.boiler, gold.device_daily have not taken in run s.2" in found[5].why
    assert ranges(found) == [(MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)), (MONDAY + timedelta(days=5),) * 2]


def test_one_derived_table_that_is_behind_makes_a_day_stale(lake: SmallLake) -> None:
    put(lake, "s.1", 0)
    derive(lake, "s.1", but="features.boiler")
    assert week(lake)[0].why == "features.boiler has not taken in run s.1"


def test_an_object_that_no_run_has_planned_is_missing_on_the_days_of_its_readings(lake: SmallLake) -> None:
    key = put(lake, None, 2, 3, readings=3)
    abandoned = put(lake, "s.1", 6, state=State.ABANDONED)
    found = week(lake)
    assert statuses(found) == ["fine", "fine", "missing", "missing", "fine", "fine", "missing"]
    assert key in found[2].why
    assert abandoned in found[6].why
    assert (found[2].objects, found[2].readings) == (1, 6)


def test_an_object_that_cannot_be_read_may_be_of_any_day(lake: SmallLake) -> None:
    key = put(lake, None, 2)
    (lake.platform.object_folder / key).write_bytes(b"no Parquet")
    assert statuses(week(lake)) == ["missing"] * 7


def test_a_held_day_waits_for_a_person(lake: SmallLake) -> None:
    put(lake, "s.1", 4, state=State.HELD)
    found = week(lake)
    assert statuses(found) == ["fine"] * 4 + ["held"] + ["fine"] * 2
    assert "`fleetlake quality show s.1`" in found[4].why
    assert ranges(found) == []


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [(date(2026, 3, 2), date(2026, 3, 1), "give the earlier day first"), (MONDAY, date(2999, 1, 1), "2999-01-01 is not over")],
)
def test_what_is_no_stretch_of_days_is_refused(lake: SmallLake, first: date, last: date, words: str) -> None:
    with pytest.raises(UserError, match=words):
        plan(lake.platform, lake.boiler, first, last)
