"""Stretches of days by Airflow's own backfill: one after the other, and said so where one fails."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest

from local import backfill
from runtime.errors import JobError, ServiceError

MONDAY = date(2026, 3, 2)


def day(number: int) -> date:
    return MONDAY + timedelta(days=number)


@dataclass
class FakeAirflow:
    """Each day of a backfill is queued, then running, then ended, a look at a time. `busy`: how often another backfill is in the way."""

    busy: int = 0
    bad: Sequence[date] = ()
    paused: bool = False
    begun: list[tuple[date, date, int]] = field(default_factory=list)
    looks: int = 0

    def wait_for_dag(self, dag_id: str) -> None:
        assert dag_id == "rebuild_pump"

    def is_paused(self, _dag_id: str) -> bool:
        return self.paused

    def drop_empty(self, _dag_id: str, first: date, last: date) -> None:
        assert first <= last

    def backfill(self, _dag_id: str, first: date, last: date, at_once: int) -> int | None:
        if self.busy:
            self.busy -= 1
            return None
        self.begun.append((first, last, at_once))
        self.looks = 0
        return len(self.begun)

    def days(self, _dag_id: str, first: date, last: date) -> dict[date, str]:
        self.looks += 1
        # A run of a day before the stretch is nothing to wait for.
        found = {first - timedelta(days=1): "running"}
        asked = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        ended = {one: "failed" if one in self.bad else "success" for one in asked}
        return found | (ended if self.looks > 2 else dict.fromkeys(asked[: self.looks], "running"))


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "_POLL_SECONDS", 0.0)


def run(airflow: Any, *ranges: tuple[date, date]) -> list[dict[date, str]]:
    seen: list[dict[date, str]] = []
    backfill.run(airflow, "pump", ranges, 3, seen.append)
    return seen


def test_a_stretch_begins_when_the_one_before_has_ended() -> None:
    airflow = FakeAirflow()
    seen = run(airflow, (day(0), day(1)), (day(4), day(4)))
    assert airflow.begun == [(day(0), day(1), 3), (day(4), day(4), 3)]
    assert seen[2:4] == [{day(0): "success", day(1): "success"}, {day(4): "running"}]


def test_another_backfill_of_the_dag_is_waited_for() -> None:
    airflow = FakeAirflow(busy=3)
    run(airflow, (day(0), day(0)))
    assert airflow.begun == [(day(0), day(0), 3)]


def test_days_that_fail_are_named_when_all_stretches_have_ended() -> None:
    airflow = FakeAirflow(bad=[day(1)])
    with pytest.raises(JobError, match="backfill of pump: the run of 2026-03-03 failed"):
        run(airflow, (day(0), day(1)), (day(4), day(4)))
    assert len(airflow.begun) == 2


def test_a_paused_dag_is_refused_as_its_runs_would_wait() -> None:
    with pytest.raises(ServiceError, match="DAG rebuild_pump is paused"):
        run(FakeAirflow(paused=True), (day(0), day(0)))
