"""Runs the EMR operator of this environment against the stand-in, and prints what became of its tries: ``python -m tests.dags.emr_operator``."""

import json
import os
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from runtime import emr_task
from runtime.aws import AwsPlatform
from runtime.settings import Settings
from tests.emr.running import Running
from tests.emr.stand_in import APPLICATION, ROLE, EmrStandIn, Job, serving

UTC = timezone.utc  # noqa: UP017 - datetime.UTC is not known to every Python that MWAA runs


def attempt(script: str) -> str:
    """One try of a task whose job is a shell script; it waits here for the job's end."""
    settings = Settings(platform="aws", emr_application=APPLICATION, emr_role=ROLE, emr_archive="s3://code")
    operator = AwsPlatform(settings).spark_task("silver", [script], waiter_delay=1)
    operator.deferrable = False
    ti = SimpleNamespace(dag_id="d", task_id="silver", run_id=script, map_index=-1, max_tries=2, xcom_push=lambda **_: None)
    try:
        return str(operator.execute({"ti": ti, "dag_run": SimpleNamespace(run_after=datetime.now(UTC))}))
    except Exception as error:  # noqa: BLE001 - whatever Airflow would be told
        return f"{type(error).__name__}: {error}"


def main() -> None:
    # There is no log to wait for.
    emr_task._LOOKS = 1

    class NoS3:
        def put_object(self, **_: Any) -> None:
            """Its logs are lost."""

    def start(job: Job) -> Running:
        return Running(["sh", "-c", job.arguments[0]], os.environ, Path.cwd(), NoS3(), f"s3://code/{job.job_id}")

    with serving(EmrStandIn(start)) as emr:
        # The connection leads S3 to the stand-in too, which has no log.
        extra = {"endpoint_url": emr.url, "region_name": "us-east-1"}
        os.environ["AIRFLOW_CONN_AWS_DEFAULT"] = json.dumps({"conn_type": "aws", "login": "x", "password": "x", "extra": extra})
        tries = [attempt(script) for script in ("true", "true", "exit 4")]
        print("RESULT" + json.dumps({"tries": tries, "jobs": [job.state for job in emr.jobs.values()]}))  # noqa: T201 - its answer


if __name__ == "__main__":
    main()
