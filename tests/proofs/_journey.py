"""What the proofs share: a cloud, jobs as Airflow starts them, DAG runs to their end, the law."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from lake.hops import truth_files
from lake.law import Verdict, verify
from local import airflow_pools
from local.airflow_client import Airflow, Run
from runtime.settings import REPOSITORY
from tests.cloud import Cloud

RUN_SECONDS = 900.0


def say(words: str) -> None:
    """A line of progress; a full-size proof takes minutes."""
    print(f"{time.strftime('%H:%M:%S')} {words}", flush=True)  # noqa: T201


def add_contracts(cloud: Cloud, names: Iterable[str]) -> None:
    """The repository's files of these contracts into the folder of a cloud that runs, and their pools, as its daemon would make them."""
    for name in names:
        shutil.copy(REPOSITORY / "contracts" / f"{name}.yaml", cloud.settings.contracts_folder)
    airflow_pools.ensure(cloud.supervisor.settings)


def submit(cloud: Cloud, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """One Spark job by its launcher, as an Airflow task starts it."""
    command = cloud.platform.spark_command(list(arguments))
    environment = dict(os.environ) | cloud.settings.environment()
    return subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False, timeout=RUN_SECONDS)


def submitted(cloud: Cloud, *arguments: str) -> None:
    done = submit(cloud, *arguments)
    assert done.returncode == 0, f"{' '.join(arguments)}:\n{(done.stdout + done.stderr)[-4000:]}"


def run_dags(cloud: Cloud, dag_ids: Sequence[str]) -> list[Run]:
    """Trigger the DAGs together and wait for all; each must succeed."""
    airflow = Airflow.of(cloud.settings)
    started = {dag_id: airflow.trigger(dag_id) for dag_id in dag_ids}
    ended = [airflow.wait(dag_id, run_id, RUN_SECONDS) for dag_id, run_id in started.items()]
    for run in ended:
        assert run.state == "success", _why(airflow, run)
    return ended


def next_run(cloud: Cloud, dag_id: str, before: Iterable[str]) -> Run:
    """The run of `dag_id` that assets start, when it has ended well."""
    airflow, known, deadline = Airflow.of(cloud.settings), set(before), time.monotonic() + 120
    while time.monotonic() < deadline:
        new = [run_id for run_id in airflow.run_ids(dag_id) if run_id not in known]
        if new:
            ended = airflow.wait(dag_id, new[0], RUN_SECONDS)
            assert ended.state == "success", _why(airflow, ended)
            return ended
        time.sleep(0.5)
    raise AssertionError(f"no asset started {dag_id}")


def _why(airflow: Airflow, run: Run) -> str:
    logs = [airflow.log(run.dag_id, run.run_id, task.task_id, task.try_number)[-3000:] for task in run.tasks if task.state == "failed"]
    return f"{run.dag_id} {run.run_id} is {run.state}: " + "\n".join(logs)


def queued(cloud: Cloud) -> int:
    """Messages that wait or are being worked on."""
    sqs = cloud.platform.client("sqs")
    url = sqs.get_queue_url(QueueName=cloud.settings.telemetry_queue)["QueueUrl"]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


def drained(cloud: Cloud, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while queued(cloud):
        assert time.monotonic() < deadline, f"{queued(cloud)} messages are still queued"
        cloud.supervisor.check()
        time.sleep(0.2)


def the_law(cloud: Cloud, files: Sequence[Path] = ()) -> Verdict:
    """The verdict, which must hold."""
    verdict = verify(cloud.platform, list(files) or truth_files(cloud.settings.home), wait_seconds=10)
    assert verdict.holds, [str(violation) for violation in verdict.violations[:10]]
    return verdict
