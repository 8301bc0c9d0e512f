"""The Airflow operator of a laptop: a job is a command beside Airflow."""

from collections import deque
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.providers.standard.operators.bash import BashOperator

from runtime.alarms import task_failed
from runtime.errors import NO_RETRY
from runtime.job_log import reason
from runtime.local import COMPUTE_POOL
from runtime.settings import REPOSITORY

_KEPT_LINES = 300


class JobOperator(BashOperator):
    """Its process group dies with the task, its output is the task's log, and what another try cannot mend is not tried again."""

    def __init__(self, **operator: Any) -> None:
        super().__init__(skip_on_exit_code=NO_RETRY, **operator)

    @cached_property
    def subprocess_hook(self) -> "_ListeningHook":
        return _ListeningHook()

    def execute(self, context: Any) -> Any:
        """Raises AirflowFailException where another try would end the same way, AirflowException otherwise, with the job's own reason."""
        # Imported here: the Airflow of MWAA, which only parses this, has no such module.
        from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

        try:
            return super().execute(context)
        except AirflowSkipException:
            raise AirflowFailException(f"{self._reason()}; another try would end the same way") from None
        except AirflowException as error:
            raise AirflowException(self._reason() or str(error)) from None

    def _reason(self) -> str:
        return reason(self.subprocess_hook.lines)


class _ListeningHook(SubprocessHook):
    """Keeps the last lines that the command writes. Its base hands them to its log alone, a line a call."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: deque[str] = deque(maxlen=_KEPT_LINES)

    @property
    def log(self) -> Any:
        return _Tee(super().log, self.lines)


class _Tee:
    def __init__(self, log: Any, lines: "deque[str]") -> None:
        self._log = log
        self._lines = lines

    def info(self, text: str, *values: Any) -> None:
        self._log.info(text, *values)
        if text == "%s":
            self._lines.append(str(values[0]))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


def command_task(task_id: str, command: Sequence[str], arguments: Sequence[str], operator: dict[str, Any]) -> Any:
    # Values travel as positional parameters of the shell through the environment, so that no template can add words to the command.
    names = [f"JOB_ARGUMENT_{index}" for index in range(len(arguments))]
    words = " ".join([*(f"'{word}'" for word in command), *(f'"${name}"' for name in names)])
    # Runs of one DAG, as a backfill makes them, would do each other's work twice.
    here = {"pool": COMPUTE_POOL, "max_active_tis_per_dag": 1}
    return JobOperator(
        task_id=task_id,
        bash_command=f"exec {words}",
        env=dict(zip(names, arguments, strict=True)),
        append_env=True,
        cwd=str(REPOSITORY),
        **{"on_failure_callback": task_failed} | operator | here,
    )
