"""A job as a task of the laptop's Airflow: which of its ends are tried again."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.errors import NO_RETRY, ContractError, FleetlakeError, GateFailed, JobError, PublishLost, QueryError, ServiceError
from runtime.settings import REPOSITORY

pytestmark = pytest.mark.long

_EXECUTE = """
from runtime.local_tasks import command_task
task = command_task("job", ["sh", "-c"], [{script!r}], {{"retries": 2}})
try:
    task.execute({{}})
    print("END success")
except Exception as error:
    print("END", type(error).__name__, error)
"""


def end_of(script: str, tmp_path: Path) -> str:
    environment = os.environ | {"AIRFLOW_HOME": str(tmp_path), "PYTHONPATH": str(REPOSITORY)}
    words = [sys.executable, "-c", _EXECUTE.format(script=script)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120, check=False)
    ends = [line for line in done.stdout.splitlines() if line.startswith("END ")]
    assert len(ends) == 1, done.stdout + done.stderr
    return ends[0].removeprefix("END ")


def test_only_what_another_try_may_mend_is_tried_again_and_the_job_says_why(tmp_path: Path) -> None:
    said = """echo '{"level": "ERROR", "message": "silver: run r.1 is held", "exit_code": %d}'; echo '... 1 more'; exit %d"""
    assert end_of("exit 0", tmp_path) == "success"
    assert end_of(said % (1, 1), tmp_path) == "AirflowException silver: run r.1 is held"
    assert (
        end_of(said % (NO_RETRY, NO_RETRY), tmp_path) == "AirflowFailException silver: run r.1 is held; another try would end the same way"
    )
    assert end_of("exit 3", tmp_path).startswith("AirflowException Bash command failed")


@pytest.mark.parametrize(
    ("error", "code"),
    [(GateFailed(""), 4), (ContractError(""), 4), (JobError(""), 1), (PublishLost(""), 1), (ServiceError(""), 1), (QueryError(""), 1)],
)
def test_a_job_ends_with_4_where_nothing_changes_by_itself(error: FleetlakeError, code: int) -> None:
    assert error.job_exit_code == code
