"""Runs what a backfill plan asks for by Airflow's own backfills: one stretch of days after another, as a DAG has one at a time."""

import time
from collections.abc import Callable, Collection, Sequence
from datetime import date, timedelta

from local.airflow_client import ENDED, Airflow
from runtime.errors import JobError, ServiceError

# A backfill is active for up to 30 s after its last run; another one may be somebody else's.
_OTHERS_SECONDS = 3_600.0
_POLL_SECONDS = 2.0


def dag_of(contract: str) -> str:
    return f"rebuild_{contract}"


def failed_days(airflow: Airflow, contract: str, first: date, last: date) -> set[date]:
    """The days whose last rebuild failed."""
    dag_id = dag_of(contract)
    if not airflow.has_dag(dag_id):
        return set()
    return {day for day, state in airflow.days(dag_id, first, last).items() if state == "failed"}


def run(
    airflow: Airflow, contract: str, ranges: Sequence[tuple[date, date]], at_once: int, watch: Callable[[dict[date, str]], None]
) -> None:
    """Make every day of the ranges again; `watch` sees the states of the days under way. It can be interrupted and begun again.

    Raises ServiceError where Airflow would not run them, JobError naming the days that failed.
    """
    dag_id = dag_of(contract)
    airflow.wait_for_dag(dag_id)
    if airflow.is_paused(dag_id):
        raise ServiceError(f"backfill of {contract}: DAG {dag_id} is paused, and its runs would wait; unpause it in the Airflow UI")
    failed: list[date] = []
    for first, last in ranges:
        _begin(airflow, dag_id, first, last, at_once)
        states = _wait(airflow, dag_id, first, last, watch)
        failed += [day for day, state in states.items() if state != "success"]
    if failed:
        days = ", ".join(str(day) for day in sorted(failed))
        raise JobError(f"backfill of {contract}: the run of {days} failed; the log of its task in the Airflow UI says why")


def reconcile(airflow: Airflow, watch: Callable[[str], None], seconds: float = 3_600.0) -> None:
    """Have `reconcile` take in what no run has planned. Raises JobError where it failed."""
    run_id = airflow.trigger("reconcile")
    ended = airflow.wait("reconcile", run_id, seconds, lambda found: watch(found.state))
    if ended.state != "success":
        raise JobError(f"backfill: run {run_id} of reconcile failed; the log of its task in the Airflow UI says why")


def _begin(airflow: Airflow, dag_id: str, first: date, last: date, at_once: int) -> None:
    airflow.drop_empty(dag_id, first, last)
    deadline = time.monotonic() + _OTHERS_SECONDS
    while airflow.backfill(dag_id, first, last, at_once) is None:
        if time.monotonic() > deadline:
            raise ServiceError(
                f"backfill {dag_id} from {first} to {last}: another backfill of it is active still after {_OTHERS_SECONDS:.0f} s"
            )
        time.sleep(_POLL_SECONDS)


def _wait(airflow: Airflow, dag_id: str, first: date, last: date, watch: Callable[[dict[date, str]], None]) -> dict[date, str]:
    wanted = {first + timedelta(days=number) for number in range((last - first).days + 1)}
    while True:
        states = {day: state for day, state in airflow.days(dag_id, first, last).items() if day in wanted}
        if not states:
            raise ServiceError(
                f"backfill {dag_id} from {first} to {last}: Airflow made no run of these days; look at the backfill in its UI"
            )
        watch(states)
        if _all_ended(states, wanted):
            return states
        time.sleep(_POLL_SECONDS)


def _all_ended(states: dict[date, str], wanted: Collection[date]) -> bool:
    return states.keys() == set(wanted) and all(state in ENDED for state in states.values())
