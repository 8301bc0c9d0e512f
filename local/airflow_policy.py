"""A cluster policy for Airflow, as a file in its home: schedules begin a day after this start of the laptop's cloud.

At the first start every DAG with a schedule would run at once, for the interval that has just passed, and at each full hour
again: in the midst of a demo, whose failures would be published before its engines are scored. Who starts the cloud to
trigger runs, and not for a day's work, does not want that; what new data sets off is not touched.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from local.files import write_whole
from runtime.settings import Settings

_WAIT = timedelta(days=1)
_POLICY = '''\
"""Written by fleetlake at its start."""

from datetime import datetime

BEGIN = datetime.fromisoformat("{begin}")


def dag_policy(dag):
    for scheduled in (dag, *dag.tasks):
        scheduled.start_date = max(scheduled.start_date or BEGIN, BEGIN)
'''


def schedules_wait(settings: Settings) -> None:
    write_whole(_file(settings), _POLICY.format(begin=(datetime.now(UTC) + _WAIT).isoformat()))


def schedules_are_kept(settings: Settings) -> None:
    _file(settings).unlink(missing_ok=True)


def _file(settings: Settings) -> Path:
    # The place and name are Airflow's.
    return settings.home / "airflow" / "config" / "airflow_local_settings.py"
