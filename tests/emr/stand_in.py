"""A stand-in for EMR Serverless over real HTTP, because no emulator runs its jobs: this one runs each as a command.

Paths, members, states and errors are those of botocore's model of 2021-07-13. It gives back the same job for the same client
token, refuses a token with other parameters, lists in pages without a filter by name, and refuses to cancel what has ended.
What it does not do: attempts (retryPolicy), streaming, capacity, roles, CloudWatch, signatures. What ``stateDetails`` says
follows what people have quoted from AWS, not a run against it.
"""

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.emr.running import Ending, Running

ACCOUNT, APPLICATION, ROLE = "000000000000", "00f1abcd", "arn:aws:iam::000000000000:role/spark"
_ENDED = ("SUCCESS", "FAILED", "CANCELLED")


class Refusal(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


@dataclass
class Job:
    job_id: str
    asked: dict[str, Any]
    created_at: datetime
    state: str = "SUBMITTED"
    details: str = ""
    states: list[str] = field(default_factory=lambda: ["SUBMITTED"])
    running: Running | None = None
    # How often somebody asked for its state.
    looks: int = 0

    @property
    def name(self) -> str:
        return str(self.asked.get("name", ""))

    @property
    def arguments(self) -> list[str]:
        return list(self.asked["jobDriver"]["sparkSubmit"]["entryPointArguments"])

    def turn(self, state: str, details: str = "") -> None:
        self.state, self.details = state, details[:256]
        self.states.append(state)


class EmrStandIn:
    """`start` runs a job's command and keeps its log; `before_end` is called before a job's end is told.

    ``held[word] = threading.Event()`` holds back the answers to StartJobRun with `word` among the job's arguments until it is set.
    """

    def __init__(self, start: Callable[[Job], Running], before_end: Callable[[Job], None] = lambda job: None) -> None:
        self.url = ""
        self.jobs: dict[str, Job] = {}
        self.application_state = "STARTED"
        self.held: dict[str, threading.Event] = {}
        self._start = start
        self._before_end = before_end
        self._tokens: dict[str, Job] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def jobs_of(self, word: str) -> list[Job]:
        """Those that have `word` among their arguments, oldest first."""
        return [job for job in list(self.jobs.values()) if word in job.arguments]

    def reply(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> dict[str, Any]:
        parts = path.strip("/").split("/")
        if len(parts) < 2 or parts[0] != "applications":
            raise Refusal(404, "ResourceNotFoundException", f"there is no {path}")
        if parts[1] != APPLICATION:
            raise Refusal(404, "ResourceNotFoundException", f"Application {parts[1]} does not exist")
        match method, parts[2:]:
            case "GET", []:
                return {"application": self._application()}
            case "POST", ["start"]:
                self.application_state = "STARTED"
                return {}
            case "POST", ["jobruns"]:
                return self._start_job(json.loads(body))
            case "GET", ["jobruns"]:
                return self._list(query)
            case "GET", ["jobruns", job_id]:
                return self._look(self._job(job_id))
            case "DELETE", ["jobruns", job_id]:
                return self._cancel(self._job(job_id))
        raise Refusal(404, "ResourceNotFoundException", f"there is no {method} {path}")

    def _application(self) -> dict[str, Any]:
        arn = f"arn:aws:emr-serverless:us-east-1:{ACCOUNT}:/applications/{APPLICATION}"
        about = {
            "applicationId": APPLICATION,
            "arn": arn,
            "releaseLabel": "emr-spark-8.1.0",
            "type": "Spark",
            "state": self.application_state,
        }
        return about | {"createdAt": 0, "updatedAt": 0}

    def _start_job(self, asked: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            job = self._tokens.get(asked["clientToken"])
            if job is None:
                job = Job(f"{next(self._numbers):016x}", asked, datetime.now(UTC))
                self.jobs[job.job_id] = self._tokens[asked["clientToken"]] = job
                self._threads.append(threading.Thread(target=self._run, args=(job,)))
                self._threads[-1].start()
            elif job.asked != asked:
                raise Refusal(409, "ConflictException", "the client token was used with other parameters")
        for word in job.arguments:
            if word in self.held:
                self.held[word].wait()
        return {"applicationId": APPLICATION, "jobRunId": job.job_id, "arn": self._described(job)["arn"]}

    def _run(self, job: Job) -> None:
        """In a thread of the job's own: the kernel ends a command with the thread that started it."""
        for state in ("PENDING", "SCHEDULED"):
            job.turn(state)
        with self._lock:
            if job.state == "CANCELLING":
                job.turn("CANCELLED")
                return
            job.running = self._start(job)
            job.turn("RUNNING")
        ending = job.running.wait()
        self._before_end(job)
        with self._lock:
            job.turn(*_end(job.state, ending))

    def _look(self, job: Job) -> dict[str, Any]:
        job.looks += 1
        return {"jobRun": self._described(job) | {"jobDriver": job.asked["jobDriver"]}}

    def _cancel(self, job: Job) -> dict[str, Any]:
        with self._lock:
            if job.state in _ENDED:
                raise Refusal(400, "ValidationException", f"Job run {job.job_id} is in state {job.state} and cannot be cancelled")
            if job.state != "CANCELLING":
                job.turn("CANCELLING", "Job run cancellation was requested")
            if job.running:
                job.running.stop()
        return {"applicationId": APPLICATION, "jobRunId": job.job_id}

    def _list(self, query: dict[str, list[str]]) -> dict[str, Any]:
        after = datetime.fromisoformat(query["createdAtAfter"][0]) if "createdAtAfter" in query else None
        states = query.get("states")
        found = [job for job in list(self.jobs.values()) if (not states or job.state in states) and (not after or job.created_at > after)]
        found.sort(key=lambda job: job.created_at, reverse=True)
        first, size = int(query.get("nextToken", ["0"])[0]), int(query.get("maxResults", ["50"])[0])
        page = {"jobRuns": [self._described(job) | {"id": job.job_id} for job in found[first : first + size]]}
        return page | ({"nextToken": str(first + size)} if first + size < len(found) else {})

    def _job(self, job_id: str) -> Job:
        if job_id not in self.jobs:
            raise Refusal(404, "ResourceNotFoundException", f"Job run {job_id} does not exist")
        return self.jobs[job_id]

    def _described(self, job: Job) -> dict[str, Any]:
        created = job.created_at.timestamp()
        return {
            "applicationId": APPLICATION,
            "jobRunId": job.job_id,
            "name": job.name,
            "arn": f"arn:aws:emr-serverless:us-east-1:{ACCOUNT}:/applications/{APPLICATION}/jobruns/{job.job_id}",
            "createdBy": f"arn:aws:iam::{ACCOUNT}:role/airflow",
            "createdAt": created,
            "updatedAt": created,
            "executionRole": job.asked["executionRoleArn"],
            "state": job.state,
            "stateDetails": job.details,
            "releaseLabel": "emr-spark-8.1.0",
        }

    def close(self) -> None:
        for held in self.held.values():
            held.set()
        for job in list(self.jobs.values()):
            if job.running:
                job.running.stop()
        for thread in self._threads:
            thread.join()


def _end(state: str, ending: Ending) -> tuple[str, str]:
    if state == "CANCELLING":
        return "CANCELLED", "The job run was cancelled"
    if ending.exit_code == 0:
        return "SUCCESS", ""
    what = f"ExitCode: {ending.exit_code}. Last few exceptions: {ending.last_words}"
    return "FAILED", f"Job failed, please check complete logs in configured logging destination. {what}"


@contextmanager
def serving(stand_in: EmrStandIn) -> Iterator[EmrStandIn]:
    """On a free port of the loopback, until the block ends; then its jobs are stopped."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            parts = urlsplit(self.path)
            try:
                status, document, kind = 200, stand_in.reply(self.command, parts.path, parse_qs(parts.query), body), ""
            except Refusal as refusal:
                status, document, kind = refusal.status, {"message": str(refusal)}, refusal.code
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            if kind:
                self.send_header("x-amzn-ErrorType", kind)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = _answer

        def log_message(self, format: str, *arguments: Any) -> None:
            return

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that was killed: there is nobody to answer."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stand_in.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield stand_in
    finally:
        stand_in.close()
        server.shutdown()
        thread.join()
        server.server_close()
