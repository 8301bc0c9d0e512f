"""EMR under the real scheduler: the laptop's Airflow with a triggerer, whose AWS connection leads to the stand-in and the emulator's S3."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from local.airflow_client import Airflow
from local.child import Child
from local.processes import Part, Process
from runtime.settings import REPOSITORY
from tests.cloud import Cloud, running_cloud
from tests.emr.running import Running
from tests.emr.stand_in import ACCOUNT, APPLICATION, ROLE, EmrStandIn, Job, serving

TRIGGERER = Process(
    "airflow-triggerer", Part.AIRFLOW, "waits for what tasks are deferred to", "local.airflow", ("triggerer", "--skip-serve-logs")
)
# A worker that was killed is given up after seconds, not minutes.
QUICK = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "25",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "3",
    # The files do not change.
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
}
ARCHIVE = "s3://fleetlake-lake/code"


@dataclass
class Site:
    cloud: Cloud
    airflow: Airflow
    emr: EmrStandIn

    def task(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """What Airflow knows of the task, which all DAGs here name alike."""
        found: dict[str, Any] = self.airflow._call("GET", _task_path(dag_id, run_id))
        return found

    def mark_failed(self, dag_id: str, run_id: str) -> None:
        """As a person does in the UI."""
        self.airflow._call("PATCH", _task_path(dag_id, run_id), {"new_state": "failed"})


def _task_path(dag_id: str, run_id: str) -> str:
    return f"dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances/silver"


@contextmanager
def emr_site(home: Path, contracts: Path, dags: Path, before_end: Any) -> Iterator[Site]:
    aws = {"emr_application": APPLICATION, "emr_role": ROLE, "emr_archive": ARCHIVE}
    chosen = {"contracts_folder": contracts, "dags_folder": dags} | aws
    with running_cloud(home, ("emulator", "airflow"), schedules=False, variables=QUICK, **chosen) as cloud:
        stand_in = EmrStandIn(lambda job: start(cloud, job), before_end)
        with serving(stand_in) as emr, running_triggerer(cloud, connection(cloud, emr)):
            airflow = Airflow.of(cloud.settings)
            airflow._call("POST", "connections", {"connection_id": "aws_default"} | connection(cloud, emr))
            yield Site(cloud, airflow, emr)


@contextmanager
def running_triggerer(cloud: Cloud, connection: dict[str, Any]) -> Iterator[None]:
    """The provider's trigger cancels from within the event loop, where Airflow finds no connection but one of the environment."""
    environment = cloud.supervisor.environment() | {"AIRFLOW_CONN_AWS_DEFAULT": json.dumps(connection)}
    triggerer = Child(TRIGGERER, environment, cloud.settings.home)
    try:
        yield
    finally:
        triggerer.kill()
        triggerer.end(0)


def connection(cloud: Cloud, emr: EmrStandIn) -> dict[str, Any]:
    """As an operator of Airflow would make it: endpoints in the connection's `extra`."""
    extra = {
        "region_name": cloud.settings.region,
        "endpoint_url": emr.url,
        "service_config": {"s3": {"endpoint_url": cloud.supervisor.endpoints["aws_endpoint"]}},
    }
    return {"conn_type": "aws", "login": ACCOUNT, "password": "local", "extra": json.dumps(extra)}


def start(cloud: Cloud, job: Job) -> Running:
    """The job for real: our main.py with its arguments by spark-submit, over the laptop's lake."""
    submit = job.asked["jobDriver"]["sparkSubmit"]
    assert submit["entryPoint"] == f"{ARCHIVE}/main.py"
    environment = dict(os.environ) | cloud.settings.environment()
    uri = job.asked["configurationOverrides"]["monitoringConfiguration"]["s3MonitoringConfiguration"]["logUri"]
    folder = f"{uri.rstrip('/')}/applications/{APPLICATION}/jobs/{job.job_id}"
    command = [sys.executable, "-m", "spark_jobs.submit", *submit["entryPointArguments"]]
    return Running(command, environment, REPOSITORY, cloud.platform.client("s3"), folder)
