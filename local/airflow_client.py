"""A small client of Airflow's REST API: trigger DAGs, follow their runs, read their logs."""

import itertools
import json
import math
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Self

from local.airflow_environment import login
from local.instance import Instance
from runtime.errors import RetryLater, ServiceError
from runtime.settings import Settings

ENDED = {"success", "failed"}
_SECONDS = 30.0
_TASKS_SECONDS = 3.0


@dataclass(frozen=True)
class Task:
    task_id: str
    state: str
    try_number: int
    seconds: float | None


@dataclass(frozen=True)
class Run:
    dag_id: str
    run_id: str
    state: str
    tasks: tuple[Task, ...]

    @property
    def ended(self) -> bool:
        return self.state in ENDED


class Conflict(ServiceError):
    """409: something of that kind is there already."""


class Airflow:
    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        self._credentials = {"username": user, "password": password}
        self._token = ""
        # Never through a proxy: it is on this machine.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The Airflow of the running laptop's cloud. Raises ServiceError where there is none, or it is MWAA's."""
        if settings.platform != "local":
            raise ServiceError(f"Airflow on {settings.platform}: this command speaks to a laptop's alone; trigger the DAG in MWAA's UI")
        url = Instance(settings.home).endpoints().get("airflow_url")
        if not url:
            raise ServiceError(f"Airflow in {settings.home}: it is not running; start it with `fleetlake up`")
        return cls(url, *login(settings))

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None, *, seconds: float = 60.0) -> str:
        """Start a run now; its id. Waits up to `seconds` for a DAG that the DAG processor has not read yet."""
        self.wait_for_dag(dag_id, seconds)
        answer = self._call("POST", f"dags/{_quoted(dag_id)}/dagRuns", {"logical_date": None, "conf": dict(conf or {})})
        return str(answer["dag_run_id"])

    def wait_for_dag(self, dag_id: str, seconds: float = 60.0) -> None:
        """Raises ServiceError with Airflow's import errors where the DAG does not appear."""
        deadline = time.monotonic() + seconds
        while not self.has_dag(dag_id):
            if time.monotonic() > deadline:
                errors = "; ".join(self.import_errors()) or "no file had an error"
                raise ServiceError(f"Airflow: DAG {dag_id} did not appear within {seconds:.0f} s ({errors})")
            time.sleep(0.5)

    def has_dag(self, dag_id: str) -> bool:
        return any(dag["dag_id"] == dag_id for dag in self._call("GET", f"dags?dag_id_pattern={_quoted(dag_id)}&limit=100")["dags"])

    def import_errors(self) -> list[str]:
        """One text for each DAG file that could not be read."""
        errors = self._call("GET", "importErrors")["import_errors"]
        return [f"{error['filename']}: {error['stack_trace'].strip().splitlines()[-1]}" for error in errors]

    def run(self, dag_id: str, run_id: str) -> Run:
        return self._as_run(self._call("GET", _run_path(dag_id, run_id)))

    def run_ids(self, dag_id: str, limit: int = 100) -> list[str]:
        """Of the newest runs of a DAG, newest first."""
        path = f"dags/{_quoted(dag_id)}/dagRuns?order_by=-run_after&limit={limit}"
        return [str(found["dag_run_id"]) for found in self._call("GET", path)["dag_runs"]]

    def _as_run(self, found: dict[str, Any]) -> Run:
        dag_id, run_id = found["dag_id"], found["dag_run_id"]
        instances = self._call("GET", f"{_run_path(dag_id, run_id)}/taskInstances")["task_instances"]
        tasks = [Task(task["task_id"], task["state"] or "none", task["try_number"], task["duration"]) for task in instances]
        return Run(dag_id, run_id, found["state"], tuple(tasks))

    def wait(self, dag_id: str, run_id: str, seconds: float, watch: Callable[[Run], None] | None = None) -> Run:
        """The run when it has ended, well or badly. `watch` sees it once a second. Raises ServiceError when it takes longer."""
        deadline, looked = time.monotonic() + seconds, -math.inf
        found = Run(dag_id, run_id, "", ())
        while True:
            # Each answer is work of the server's, on the cores that the run needs; of the tasks, four times that of the run.
            answer = self._call("GET", _run_path(dag_id, run_id))
            if answer["state"] in ENDED or time.monotonic() - looked >= _TASKS_SECONDS:
                found, looked = self._as_run(answer), time.monotonic()
            if watch:
                watch(found)
            if found.ended:
                return found
            if time.monotonic() > deadline:
                states = ", ".join(f"{task.task_id} {task.state}" for task in found.tasks)
                raise ServiceError(f"Airflow: run {run_id} of {dag_id} has not ended after {seconds:.0f} s ({states})")
            time.sleep(1)

    def log(self, dag_id: str, run_id: str, task_id: str, try_number: int = 1) -> str:
        """Text of one try of a task, a line an entry."""
        path = f"{_run_path(dag_id, run_id)}/taskInstances/{_quoted(task_id)}/logs/{try_number}?full_content=true"
        content = self._call("GET", path)["content"]
        return content if isinstance(content, str) else "\n".join(_line(entry) for entry in content)

    def clear(self, dag_id: str, run_id: str, *, only_failed: bool = False) -> None:
        """Run the tasks of a run again."""
        wish = {"dry_run": False, "dag_run_id": run_id, "only_failed": only_failed, "reset_dag_runs": True}
        self._call("POST", f"dags/{_quoted(dag_id)}/clearTaskInstances", wish)

    def days(self, dag_id: str, first: date, last: date) -> dict[date, str]:
        """The state of the DAG's run of each day that has one: the day that its data interval begins, which of a run that a person
        triggered with a logical date is the one before it."""
        end = last + timedelta(days=1)
        query = f"logical_date_gte={first}T00:00:00Z&logical_date_lt={end}T00:00:00Z&limit=100"
        found: dict[date, str] = {}
        for offset in itertools.count(0, 100):
            runs = self._call("GET", f"dags/{_quoted(dag_id)}/dagRuns?{query}&offset={offset}")["dag_runs"]
            found |= {datetime.fromisoformat(run["data_interval_start"]).date(): run["state"] for run in runs}
            if len(runs) < 100:
                return found
        raise AssertionError("there is no last page")

    def backfill(self, dag_id: str, first: date, last: date, max_active_runs: int) -> int | None:
        """Have Airflow run the DAG for each day of [`first`, `last`], whatever became of its run before; the backfill's id.

        None while another backfill of the DAG is active: a DAG has one at a time, and it is so for up to 30 s after its last run.
        """
        wish = {"dag_id": dag_id, "from_date": f"{first}T00:00:00Z", "to_date": f"{last}T00:00:00Z", "max_active_runs": max_active_runs}
        try:
            return int(self._call("POST", "backfills", wish | {"reprocess_behavior": "completed"})["id"])
        except Conflict:
            return None

    def drop_empty(self, dag_id: str, first: date, last: date) -> None:
        """Delete ended runs of the days that never had a task: there is nothing in them that a backfill could clear, so it would leave them so."""
        query = f"logical_date_gte={first}T00:00:00Z&logical_date_lt={last + timedelta(days=1)}T00:00:00Z&limit=100"
        for run in self._call("GET", f"dags/{_quoted(dag_id)}/dagRuns?{query}")["dag_runs"]:
            if run["state"] in ENDED and not self._as_run(run).tasks:
                self._call("DELETE", _run_path(dag_id, run["dag_run_id"]))

    def is_paused(self, dag_id: str) -> bool:
        return bool(self._call("GET", f"dags/{_quoted(dag_id)}")["is_paused"])

    def pause(self, dag_id: str, is_paused: bool = True) -> None:
        self._call("PATCH", f"dags/{_quoted(dag_id)}", {"is_paused": is_paused})

    def ensure_pool(self, name: str, slots: int) -> None:
        """A pool with so many slots, deferred tasks counted; one that is there stays as it is."""
        if any(pool["name"] == name for pool in self._call("GET", "pools?limit=1000")["pools"]):
            return
        self._call("POST", "pools", {"name": name, "slots": slots, "include_deferred": True})

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        self._token = self._token or self._log_in()
        try:
            return self._send(method, f"/api/v2/{path}", body)
        except urllib.error.HTTPError as error:
            if error.code == 401:
                self._token = self._log_in()
                return self._send(method, f"/api/v2/{path}", body)
            kind = Conflict if error.code == 409 else ServiceError
            raise kind(f"Airflow: {method} {path}: {error.code} {error.read().decode(errors='replace')[:500]}") from None

    def _log_in(self) -> str:
        return str(self._send("POST", "/auth/token", self._credentials)["access_token"])

    def _send(self, method: str, path: str, body: Any) -> Any:
        headers = {"Content-Type": "application/json", "Accept": "application/json", "Authorization": f"Bearer {self._token}"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with self._opener.open(request, timeout=_SECONDS) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError:
            raise
        except OSError as error:
            raise RetryLater(f"Airflow at {self.url}: it does not answer: {error}") from None


def _run_path(dag_id: str, run_id: str) -> str:
    return f"dags/{_quoted(dag_id)}/dagRuns/{_quoted(run_id)}"


def _quoted(part: str) -> str:
    return urllib.parse.quote(part, safe="")


def _line(entry: Any) -> str:
    return entry if isinstance(entry, str) else str(entry.get("event", ""))
