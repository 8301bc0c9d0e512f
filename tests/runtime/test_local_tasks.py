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
task = command_task("job", ["sh", "-c"], ["exit {code}"], {{"retries": 2}})
try:
    task.execute({{}})
    print("END success")
except Exception as error:
    print("END", type(error).__name__)
"""


@pytest.mark.parametrize(("code", "end"), [(0, "success"), (1, "AirflowException"), (NO_RETRY, "AirflowFailException")])
def test_only_what_another_try_may_mend_is_tried_again(code: int, end: str, tmp_path: Path) -> None:
    environment = os.environ | {"AIRFLOW_HOME": str(tmp_path), "PYTHONPATH": str(REPOSITORY)}
    words = [sys.executable, "-c", _EXECUTE.format(code=code)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert f"END {end}\n" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [(GateFailed(""), 4), (ContractError(""), 4), (JobError(""), 1), (PublishLost(""), 1), (ServiceError(""), 1), (QueryError(""), 1)],
)
def test_a_job_ends_with_4_where_nothing_changes_by_itself(error: FleetlakeError, code: int) -> None:
    assert error.job_exit_code == code
