"""Spark jobs on EMR Serverless under the real scheduler and triggerer: whatever ends a task, there is one job for its work."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from lake.contracts import load_contracts
from local.airflow_client import Run
from spark_jobs.session import LazyLake
from tests.emr.site import Site, emr_site
from tests.emr.stand_in import Job
from tests.spark import put_bronze, reading
from tests.waiting import eventually

pytestmark = [pytest.mark.cloud, pytest.mark.spark, pytest.mark.timeout(400)]

CONTRACT = """
contract: {name}
version: 1
kind: event
description: What a kiln reports.
late_days: 7
unknown_fields: keep
fields:
  temperature: {{type: float64, unit: degC, min: 0, max: 2000, required: true}}
"""
# One contract and one DAG for each case: worker killed, failed and tried again, killed while deferred. Of `unknown` there is no contract;
# `at_home` is the same task on a laptop.
NAMES = ("orphan", "broken", "unwanted")
DAG_FILE = """
import dataclasses
from datetime import datetime, timedelta, timezone

from airflow.sdk import DAG

from runtime.platforms import current_platform
from runtime.settings import Settings

here = Settings.from_environment()
aws = dataclasses.replace(here, platform="aws")
for name in ("orphan", "broken", "unwanted", "unknown", "at_home"):
    retry = {"retries": 2, "retry_delay": timedelta(seconds=1)}
    with DAG(dag_id=name, schedule=None, start_date=datetime(2026, 1, 1, tzinfo=timezone.utc), default_args=retry) as dag:
        arguments = ["silver", "--contract", name, "--run-id", "{{ dag.dag_id }}__{{ run_id }}"]
        if name == "at_home":
            current_platform(here).spark_task("silver", arguments)
        else:
            current_platform(aws).spark_task("silver", arguments, waiter_delay=1)
    globals()[name] = dag
"""
NO_CONTRACT = "silver: contract {}: there is none; the folder has broken, orphan, unwanted; another try would end the same way"
RUN_SECONDS = 120


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("emr")
    for name in NAMES:
        (folder / "contracts").mkdir(exist_ok=True)
        (folder / "contracts" / f"{name}.yaml").write_text(CONTRACT.format(name=name))
    (folder / "dags").mkdir()
    (folder / "dags" / "emr.py").write_text(DAG_FILE)

    def mend(job: Job) -> None:
        if "broken" in job.arguments and blocked(folder / "home").is_file():
            blocked(folder / "home").unlink()

    with emr_site(folder / "home", folder / "contracts", folder / "dags", mend) as site:
        yield site


def blocked(home: Path) -> Path:
    """A file where Spark would make the folder of the table's data: the stage that writes fails."""
    return home / "lake" / "warehouse" / "silver" / "broken" / "data"


@pytest.fixture(scope="module")
def alarms(site: Site) -> str:
    """URL of a queue that subscribes to the alarms."""
    sns, sqs = site.cloud.platform.client("sns"), site.cloud.platform.client("sqs")
    url = str(sqs.create_queue(QueueName="people")["QueueUrl"])
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=site.cloud.platform.alarm_topic_arn(), Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    return url


@pytest.fixture(scope="module")
def runs(site: Site, alarms: str) -> dict[str, str]:
    """The run of each DAG. They are under way together: the starts of their sessions take the time."""
    contracts = load_contracts(site.cloud.settings.contracts_folder)
    lake = LazyLake(site.cloud.platform, contracts, "tests")
    for name in ("broken", "unwanted"):
        put_bronze(lake, name, [reading(contracts[name])])
    blocked(site.cloud.settings.home).parent.mkdir(parents=True)
    blocked(site.cloud.settings.home).touch()
    site.emr.held["orphan"] = threading.Event()
    return {name: site.airflow.trigger(name) for name in ("orphan", "broken", "unwanted", "unknown", "at_home")}


@pytest.fixture(scope="module")
def orphaned(site: Site, runs: dict[str, str]) -> None:
    """The worker of `orphan` is killed when its job is started and it does not know its id yet."""
    eventually(lambda: site.emr.jobs_of("orphan"), 60, "a job of it was started")
    task = site.task("orphan", runs["orphan"])["id"]
    scheduler = psutil.Process(site.cloud.supervisor.pid("airflow-scheduler"))
    (worker,) = [child for child in scheduler.children() if task in child.cmdline()[0]]
    for process in [*worker.children(recursive=True), worker]:
        process.kill()
    site.emr.held["orphan"].set()


def ended(site: Site, runs: dict[str, str], dag_id: str) -> Run:
    return site.airflow.wait(dag_id, runs[dag_id], RUN_SECONDS)


@pytest.mark.usefixtures("orphaned")
def test_a_task_that_is_killed_while_deferred_cancels_its_job(site: Site, runs: dict[str, str]) -> None:
    (job,) = eventually(lambda: [job for job in site.emr.jobs_of("unwanted") if job.running], 60, "its job runs")
    assert job.running
    # As long as it takes.
    job.running.pause()
    # The first look is the operator's, before it defers to the trigger.
    eventually(lambda: job.looks > 1, 60, "the trigger waits")
    assert site.task("unwanted", runs["unwanted"])["state"] == "deferred"
    assert job.running.is_alive
    site.mark_failed("unwanted", runs["unwanted"])
    eventually(lambda: job.state == "CANCELLED", 30, "its job is cancelled")
    assert job.states == ["SUBMITTED", "PENDING", "SCHEDULED", "RUNNING", "CANCELLING", "CANCELLED"]
    assert not job.running.is_alive
    assert ended(site, runs, "unwanted").state == "failed"
    assert site.emr.jobs_of("unwanted") == [job]


@pytest.mark.usefixtures("orphaned")
def test_when_the_worker_is_killed_the_next_try_finds_the_job_and_starts_no_other(site: Site, runs: dict[str, str]) -> None:
    run = ended(site, runs, "orphan")
    last_try = run.tasks[0].try_number
    assert (run.state, last_try > 1) == ("success", True)
    (job,) = site.emr.jobs_of("orphan")
    assert job.state == "SUCCESS"
    log = site.airflow.log("orphan", runs["orphan"], "silver", last_try)
    assert f"Job {job.job_id}" in log
    assert "no other is started" in log
    # The end of the driver's own log.
    assert "silver.orphan: no new bronze objects" in log


def test_a_job_that_failed_is_followed_by_a_second_one_and_its_failing_stage_is_in_the_log(site: Site, runs: dict[str, str]) -> None:
    run = ended(site, runs, "broken")
    assert (run.state, run.tasks[0].try_number) == ("success", 2)
    first, second = site.emr.jobs_of("broken")
    assert (first.state, second.state) == ("FAILED", "SUCCESS")
    assert first.name == second.name
    assert [job.asked["clientToken"].rpartition("-")[2] for job in (first, second)] == ["0", "1"]
    log = site.airflow.log("broken", runs["broken"], "silver", 1)
    assert "Job aborted due to stage failure" in log
    assert str(blocked(site.cloud.settings.home)) in log
    assert f"applications/00f1abcd/jobs/{first.job_id}/SPARK_DRIVER/stdout.gz" in log
    assert "is visible" in site.airflow.log("broken", runs["broken"], "silver", 2)


def test_what_another_try_cannot_mend_is_not_tried_again_and_an_alarm_says_why(site: Site, runs: dict[str, str], alarms: str) -> None:
    for dag_id in ("unknown", "at_home"):
        run = ended(site, runs, dag_id)
        assert (run.state, run.tasks[0].try_number) == ("failed", 1)
    # A laptop's job takes a core.
    assert site.task("at_home", runs["at_home"])["pool"] == "compute"
    (job,) = site.emr.jobs_of("unknown")
    told = alarms_of(site, alarms)
    # Of the others one was killed by a person, who knows, and two ended well at their second try.
    assert {subject: alarm["sentence"] for subject, alarm in told.items()} == {
        "unknown.silver failed": f"EMR Serverless job {job.job_id} is FAILED: {NO_CONTRACT.format('unknown')}",
        "at_home.silver failed": NO_CONTRACT.format("at_home"),
    }
    alarm = told["unknown.silver failed"]
    assert (alarm["dag"], alarm["task"], alarm["run"], alarm["try"]) == ("unknown", "silver", runs["unknown"], 1)
    assert alarm["link"].startswith(f"{site.airflow.url}/dags/unknown/runs/")


def alarms_of(site: Site, url: str) -> dict[str, dict[str, Any]]:
    """By subject."""
    found = [
        json.loads(m["Body"]) for m in site.cloud.platform.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    ]
    assert len(found) == len({alarm["subject"] for alarm in found})
    return {alarm["subject"]: alarm for alarm in found}
