"""The Airflow operator of a laptop: a job is a command beside Airflow."""

from collections.abc import Sequence
from typing import Any

from airflow.providers.standard.operators.bash import BashOperator

from runtime.errors import NO_RETRY
from runtime.settings import REPOSITORY


class JobOperator(BashOperator):
    """Its process group dies with the task, its output is the task's log, and what another try cannot mend is not tried again."""

    def __init__(self, **operator: Any) -> None:
        super().__init__(skip_on_exit_code=NO_RETRY, **operator)

    def execute(self, context: Any) -> Any:
        # Imported here: the Airflow of MWAA, which only parses this, has no such module.
        from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

        try:
            return super().execute(context)
        except AirflowSkipException:
            raise AirflowFailException("the job says above why it failed, and another try would end the same way") from None


def command_task(task_id: str, command: Sequence[str], arguments: Sequence[str], operator: dict[str, Any]) -> Any:
    # Values travel as positional parameters of the shell through the environment, so that no template can add words to the command.
    names = [f"JOB_ARGUMENT_{index}" for index in range(len(arguments))]
    words = " ".join([*(f"'{word}'" for word in command), *(f'"${name}"' for name in names)])
    return JobOperator(
        task_id=task_id,
        bash_command=f"exec {words}",
        env=dict(zip(names, arguments, strict=True)),
        append_env=True,
        cwd=str(REPOSITORY),
        **operator,
    )
