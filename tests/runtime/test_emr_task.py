"""The operator of Spark jobs on EMR Serverless, against the stand-in: which job a try takes, starts or cancels, and what it says.

Here it waits for the job itself, as it does where the provider's trigger cannot cancel. Deferred it is in `tests/emr`.
"""

import gzip
import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from runtime.aws import AwsPlatform
from runtime.settings import Settings
from tests.emr.running import Running
from tests.emr.stand_in import APPLICATION, ROLE, EmrStandIn, Job, serving
from tests.waiting import eventually

pytestmark = pytest.mark.long
LOGS = f"s3://code/logs/applications/{APPLICATION}/jobs"
SAID = """echo '{"message": "silver: %s", "exit_code": %d}'; exit %d"""


@pytest.fixture
def emr(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[EmrStandIn]:
    """Its jobs are shell scripts, the first argument of each."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="code")

        def start(job: Job) -> Running:
            return Running(["sh", "-c", job.arguments[0]], os.environ, tmp_path, s3, f"{LOGS}/{job.job_id}")

        with serving(EmrStandIn(start)) as stand_in:
            extra = {"service_config": {"emr-serverless": {"endpoint_url": stand_in.url}}}
            monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps({"conn_type": "aws", "extra": extra}))
            yield stand_in


def task(script: str) -> Any:
    """One Spark job as a DAG has it."""
    settings = Settings(platform="aws", emr_application=APPLICATION, emr_role=ROLE, emr_archive="s3://code")
    operator = AwsPlatform(settings).spark_task("silver", [script], waiter_delay=1)
    operator.deferrable = False
    return operator


def context(run_id: str = "r1", last_try: int = 2) -> Any:
    """Of a try of the task; `last_try` is moved on by clearing it."""
    ti = SimpleNamespace(
        dag_id="pipeline_pump", task_id="silver", run_id=run_id, map_index=-1, max_tries=last_try, xcom_push=lambda **_: None
    )
    return {"ti": ti, "dag_run": SimpleNamespace(run_after=datetime.now(UTC))}


def failure(script: str, **of_try: Any) -> Exception:
    with pytest.raises(Exception, match="EMR Serverless job") as caught:
        task(script).execute(context(**of_try))
    return caught.value


def test_a_job_that_ended_well_is_taken_by_the_next_try_and_not_by_another_run(emr: EmrStandIn) -> None:
    first = task("true").execute(context())
    assert task("true").execute(context()) == first
    assert task("true").execute(context("r2")) != first
    assert [job.state for job in emr.jobs.values()] == ["SUCCESS", "SUCCESS"]


def test_clearing_a_task_runs_its_job_again(emr: EmrStandIn) -> None:
    first = task("true").execute(context())
    assert task("true").execute(context(last_try=5)) != first
    assert len({job.asked["clientToken"] for job in emr.jobs.values()}) == 2


def test_a_job_that_runs_is_waited_for_also_after_the_task_was_cleared(emr: EmrStandIn) -> None:
    emr.held["sleep 2"] = threading.Event()
    lost = threading.Thread(target=lambda: task("sleep 2").execute(context()))
    lost.start()
    eventually(lambda: emr.jobs, 10, "the first try has started it")
    taken = [task("sleep 2").execute(context(last_try=5)), task("sleep 2").execute(context())]
    emr.held["sleep 2"].set()
    lost.join()
    assert taken == list(emr.jobs) * 2


def test_after_jobs_that_ended_badly_each_try_starts_a_new_one(emr: EmrStandIn) -> None:
    for _ in range(3):
        failure(SAID % ("S3 is away", 1, 1))
    assert [job.asked["clientToken"][-2:] for job in emr.jobs.values()] == ["-0", "-1", "-2"]


def test_the_job_is_found_among_more_than_a_page_of_others(emr: EmrStandIn) -> None:
    first = task("true").execute(context())
    for number in range(120):
        asked = next(iter(emr.jobs.values())).asked | {"name": f"other-{number}"}
        emr.jobs[f"x{number}"] = Job(f"x{number}", asked, datetime.now(UTC), "SUCCESS")
    assert task("true").execute(context()) == first


def test_a_failed_job_is_told_with_its_own_reason(emr: EmrStandIn) -> None:
    error = failure(SAID % ("S3 is away", 1, 1))
    assert (type(error).__name__, str(error)) == (
        "AirflowException",
        f"EMR Serverless job {next(iter(emr.jobs))} is FAILED: silver: S3 is away",
    )


def test_what_another_try_cannot_mend_fails_for_good_also_without_a_log(emr: EmrStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    # Whatever EMR makes of the exit code.
    by_its_log = failure(SAID % ("run r.1 is held", 4, 1))
    assert type(by_its_log).__name__ == "AirflowFailException"
    assert "silver: run r.1 is held; another try would end the same way" in str(by_its_log)
    monkeypatch.setattr("tests.emr.running.gzip.compress", lambda text: b"not gzip")
    by_its_code = failure("exit 4", run_id="r2")
    assert type(by_its_code).__name__ == "AirflowFailException"
    assert "ExitCode: 4. " in str(by_its_code)


def test_a_log_that_comes_late_is_waited_for_and_one_that_never_comes_is_not_missed(
    emr: EmrStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3 = boto3.client("s3", region_name="us-east-1")
    kept: dict[str, bytes] = {}

    def take(job: Job) -> None:
        for stream in ("stderr", "stdout"):
            key = f"logs/applications/{APPLICATION}/jobs/{job.job_id}/SPARK_DRIVER/{stream}.gz"
            kept[key] = s3.get_object(Bucket="code", Key=key)["Body"].read()
            s3.delete_object(Bucket="code", Key=key)

    def give(seconds: float) -> None:
        # In a thread of its own: what an operator calls is recorded, and it is EMR that puts.
        putting = threading.Thread(target=lambda: [s3.put_object(Bucket="code", Key=key, Body=body) for key, body in kept.items()])
        putting.start()
        putting.join()

    monkeypatch.setattr(emr, "_before_end", take)
    monkeypatch.setattr("runtime.emr_task.time", SimpleNamespace(sleep=give))
    assert "silver: S3 is away" in str(failure(SAID % ("S3 is away", 1, 1)))
    monkeypatch.setattr("runtime.emr_task.time", SimpleNamespace(sleep=lambda seconds: None))
    assert "Job failed, please check complete logs" in str(failure("exit 1", run_id="r2"))


def test_of_a_long_log_the_end_is_shown(emr: EmrStandIn, capsys: pytest.CaptureFixture[str]) -> None:
    from runtime.emr_log import DriverLog

    s3 = boto3.client("s3", region_name="us-east-1")
    folder = f"logs/applications/{APPLICATION}/jobs/j1/SPARK_DRIVER"
    s3.put_object(Bucket="code", Key=f"{folder}/stdout.gz", Body=gzip.compress(b"".join(b"line %d\r\n" % n for n in range(100_000))))
    found = DriverLog(s3, "s3://code/logs/", APPLICATION, "j1").last_lines(2)
    assert found == {"stderr": [], "stdout": ["line 99998", "line 99999"]}


def test_a_killed_task_cancels_its_job_also_one_whose_start_was_not_answered(emr: EmrStandIn) -> None:
    emr.held["sleep 60"] = threading.Event()
    killed = task("sleep 60")

    def execute() -> None:
        with pytest.raises(Exception, match="is CANCELLED"):
            killed.execute(context())

    trying = threading.Thread(target=execute)
    trying.start()
    eventually(lambda: [job for job in emr.jobs.values() if job.running], 10, "its job runs")
    assert killed.job_id is None
    killed.on_kill()
    (job,) = emr.jobs.values()
    eventually(lambda: job.state == "CANCELLED", 10, "it is cancelled")
    emr.held["sleep 60"].set()
    trying.join()
    # It has ended: there is nothing to cancel.
    killed.on_kill()


def test_a_trigger_that_could_look_no_longer_leaves_the_job_to_be_waited_for(emr: EmrStandIn) -> None:
    first = task("sleep 1")
    emr.held["sleep 1"] = threading.Event()
    trying = threading.Thread(target=lambda: first.execute(context()))
    trying.start()
    eventually(lambda: emr.jobs, 10, "its job was started")
    job_id = next(iter(emr.jobs))
    event = {"status": "failure", "message": "Could not connect to the endpoint URL"}
    assert task("sleep 1").execute_complete(context(), event, job_id=job_id) == job_id
    emr.held["sleep 1"].set()
    trying.join()


def test_an_application_that_is_stopped_is_started_first(emr: EmrStandIn) -> None:
    emr.application_state = "STOPPED"
    task("true").execute(context())
    assert emr.application_state == "STARTED"
    with pytest.raises(Exception, match=f"application {APPLICATION} did not start: it is gone"):
        task("true").execute(context(), {"status": "error", "message": "it is gone"})
