"""The Airflow operator of Spark jobs on EMR Serverless: the provider's own, which finds its job again.

The provider's starts a job under a random token, never looks for one that runs, and fetches no log. This one gives each job a
name that any try of the task finds again: a job that still runs is waited for, one that ended well is taken, and after those
that ended badly a new one starts, whose client token has their number in it: the same token would give back the failed one.
"""

import hashlib
import inspect
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.providers.amazon.aws.operators.emr import EmrServerlessStartJobOperator
from airflow.providers.amazon.aws.triggers.emr import EmrServerlessStartJobTrigger
from airflow.providers.amazon.aws.utils.waiter_with_logging import wait

try:
    from airflow.sdk.exceptions import AirflowException, AirflowFailException
except ImportError:
    # Airflow 3.0, of MWAA.
    from airflow.exceptions import AirflowException, AirflowFailException

from runtime.emr_log import DriverLog
from runtime.errors import NO_RETRY, ServiceError
from runtime.job_log import is_final, reason

_UNDER_WAY = ("SUBMITTED", "PENDING", "SCHEDULED", "QUEUED", "RUNNING")
# EMR ends a job after twelve hours unless it is told otherwise.
_POLL_SECONDS, _LONGEST = 15, timedelta(hours=13)
# How far back jobs are looked through: a task's tries, and a scheduler that was down over a holiday.
_LOOK_BACK = timedelta(days=7)
_CLOCKS_DIFFER = timedelta(minutes=5)
_WELL_LINES, _BADLY_LINES = 20, 300
# A driver's log may come to S3 after the end of its job is told; a job that failed before it had a driver has none.
_LOOKS, _LOOK_SECONDS = 5, 3.0
_TRIGGER_TAKES = frozenset(inspect.signature(EmrServerlessStartJobTrigger).parameters)


class EmrJobOperator(EmrServerlessStartJobOperator):
    """One Spark job for each round of tries of a task; `deployment` tells apart those that share an application.

    Clearing a task begins a round: a job that ended well in an earlier one is not taken for it.
    A task that is killed cancels its job. While it is deferred the provider's trigger does that; one that cannot (9.12, of MWAA's
    Airflow 3.0) is not deferred to, and the task waits in its worker. The trigger cancels from its event loop, where Airflow finds no
    connection that only its database has: it takes one of the environment, or the machine's role. A kill within the first
    seconds, before the trigger has begun to look, may be lost on it; the job then goes on, and a cleared task finds it.
    """

    def __init__(self, *, deployment: str, waiter_delay: int = _POLL_SECONDS, **operator: Any) -> None:
        super().__init__(
            wait_for_completion=False,
            deferrable="cancel_on_kill" in _TRIGGER_TAKES,
            waiter_delay=waiter_delay,
            waiter_max_attempts=int(_LONGEST.total_seconds()) // waiter_delay,
            **operator,
        )
        self.deployment = deployment
        self._since: datetime | None = None

    def execute(self, context: Any, event: dict[str, Any] | None = None) -> str:
        """Raises AirflowFailException where another try of the job would end the same way, AirflowException otherwise."""
        if event and event.get("status") != "success":
            raise AirflowException(f"EMR Serverless application {self.application_id} did not start: {event.get('message', event)}")
        self.name = job_name(self.deployment, context["ti"])
        self._since = _oldest(context["dag_run"].run_after)
        jobs = self._jobs()
        found = self._to_take(jobs)
        if found:
            self.job_id = str(found["id"])
            self.persist_links(context)
            self.log.info("Job %s (%s) is there already, %s: no other is started", self.job_id, self.name, found["state"])
        else:
            self._start(context, [job for job in jobs if job["name"] == self.name])
        return self._follow()

    def _to_take(self, jobs: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
        """One that is under way, of an earlier round of tries too, or one of this round that ended well."""
        under_way = [job for job in jobs if job["state"] in _UNDER_WAY]
        well = [job for job in jobs if job["name"] == self.name and job["state"] == "SUCCESS"]
        return max(under_way or well, key=lambda job: job["createdAt"], default=None)

    def _start(self, context: Any, earlier: Sequence[dict[str, Any]]) -> None:
        for job in earlier:
            self.log.info("Job %s of an earlier try is %s: %s", job["id"], job["state"], job["stateDetails"])
        self.client_request_token = f"{_digest(str(self.name))}-{len(earlier)}"
        super().execute(context)

    def _jobs(self) -> list[dict[str, Any]]:
        """Of this task in this run. ListJobRuns has no filter by name."""
        pages = self.hook.conn.get_paginator("list_job_runs").paginate(applicationId=self.application_id, createdAtAfter=self._since)
        return [job for page in pages for job in page["jobRuns"] if _task(job.get("name", "")) == _task(str(self.name))]

    def _follow(self) -> str:
        """Wait until the job has ended, and judge it. Where the task is deferred, this does not return."""
        job = self._job()
        if not _has_ended(job):
            if self.deferrable:
                self.defer(trigger=self._trigger(), method_name="execute_complete", kwargs={"job_id": self.job_id})
            self._wait_here()
            job = self._job()
        return self._judge(job)

    def _job(self) -> dict[str, Any]:
        job: dict[str, Any] = self.hook.conn.get_job_run(applicationId=self.application_id, jobRunId=self.job_id)["jobRun"]
        return job

    def _trigger(self) -> Any:
        wanted = {
            "application_id": self.application_id,
            "job_id": self.job_id,
            "waiter_delay": self.waiter_delay,
            "waiter_max_attempts": self.waiter_max_attempts,
            "aws_conn_id": self.aws_conn_id,
            "cancel_on_kill": True,
            "region_name": self.region_name,
            "verify": self.verify,
            "botocore_config": self.botocore_config,
        }
        return EmrServerlessStartJobTrigger(**{name: value for name, value in wanted.items() if name in _TRIGGER_TAKES})

    def _wait_here(self) -> None:
        try:
            wait(
                waiter=self.hook.get_waiter("serverless_job_completed"),
                waiter_delay=self.waiter_delay,
                waiter_max_attempts=self.waiter_max_attempts,
                args={"applicationId": self.application_id, "jobRunId": self.job_id},
                failure_message="The job failed",
                status_message="The job is",
                status_args=["jobRun.state", "jobRun.stateDetails"],
            )
        except AirflowException as error:
            # What became of the job it tells itself.
            self.log.info("%s", error)

    def execute_complete(self, context: Any, event: dict[str, Any] | None = None, job_id: str = "") -> str:
        """The trigger has seen the end, or could not look any longer: then the job still runs, and is waited for again."""
        self.job_id = job_id
        if event and event.get("status") != "success":
            self.log.info("The wait ended: %s", event.get("message", event))
        return self._follow()

    def _judge(self, job: dict[str, Any]) -> str:
        """The id of a job that ended well. Raises for any other, with the reason from its log."""
        if not _has_ended(job):
            # A later try finds it.
            raise AirflowException(f"EMR Serverless job {self.job_id} is still {job['state']}")
        if job["state"] == "SUCCESS":
            self._show_log(_WELL_LINES, looks=1)
            return str(self.job_id)
        written = self._show_log(_BADLY_LINES, _LOOKS if job["state"] == "FAILED" else 1)
        details = str(job["stateDetails"])
        sentence = f"EMR Serverless job {self.job_id} is {job['state']}: {reason(written) or details}"
        if is_final(written) or f"ExitCode: {NO_RETRY}." in details:
            raise AirflowFailException(f"{sentence}; another try would end the same way")
        raise AirflowException(sentence)

    def _show_log(self, lines: int, looks: int) -> Sequence[str]:
        """Write the end of the driver's output to the task's log, and return it."""
        monitoring = (self.configuration_overrides or {})["monitoringConfiguration"]["s3MonitoringConfiguration"]
        s3 = AwsBaseHook(aws_conn_id=self.aws_conn_id, client_type="s3", region_name=self.region_name, verify=self.verify).conn
        driver = DriverLog(s3, monitoring["logUri"], self.application_id, str(self.job_id))
        try:
            written = _once_there(lambda: driver.last_lines(lines), looks)
        except ServiceError as error:
            self.log.warning("%s", error)
            return []
        for stream, found in written.items():
            self.log.info("The end of the driver's %s, %s:", stream, driver.address(stream))
            for line in found or ["(nothing)"]:
                self.log.info("%s", line)
        return [line for found in written.values() for line in found]

    def on_kill(self) -> None:
        """Cancel the job, also one whose start was not answered yet."""
        jobs = {str(job["id"]): job for job in self._jobs()} if self._since else {}
        if self.job_id and self.job_id not in jobs:
            jobs[self.job_id] = self._job()
        for job_id, job in jobs.items():
            if job["state"] in _UNDER_WAY:
                self.log.info("The task was killed: job %s is cancelled", job_id)
                self.hook.conn.cancel_job_run(applicationId=self.application_id, jobRunId=job_id)


def job_name(deployment: str, ti: Any) -> str:
    """The same for all tries of one round; readable in EMR's list, whatever the ids hold, and at most 256 characters."""
    identity = f"{deployment}.{ti.dag_id}.{ti.task_id}.{ti.run_id}.{ti.map_index}"
    # Airflow keeps the last try that it allows: clearing moves it on, trying again does not.
    return f"{identity[:200]}-{_digest(identity)}-{ti.max_tries}"


def _task(name: str) -> str:
    return name.rpartition("-")[0]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _oldest(run_after: datetime) -> datetime:
    """No job of a run is older than the run; that of a backfill is for a date long ago."""
    return max(run_after - _CLOCKS_DIFFER, datetime.now(UTC) - _LOOK_BACK)


def _has_ended(job: dict[str, Any]) -> bool:
    return job["state"] in ("SUCCESS", "FAILED", "CANCELLED")


def _once_there(read: Callable[[], dict[str, Sequence[str]]], looks: int) -> dict[str, Sequence[str]]:
    """What `read` finds as soon as it finds anything; after so many `looks` nothing."""
    for _ in range(looks - 1):
        found = read()
        if any(found.values()):
            return found
        time.sleep(_LOOK_SECONDS)
    return read()
