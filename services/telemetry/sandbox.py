"""Lake queries in processes of their own, a few at once: one that runs for ever, eats memory or dies takes nothing with it.

A server that has all that a query needs already imported is forked for each (Python's forkserver): a process is there in
milliseconds, and shares nothing with the API's own.
"""

import json
import multiprocessing
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Any

from runtime.errors import ServiceError
from runtime.log import logger
from services.problems import ApiError, Throttled, TooLarge
from services.telemetry.worker import LIMIT, Job, Limits, run, timed_out

_IMPORTED = ["services.telemetry.worker", "pyiceberg.catalog.sql", "pyiceberg.io.pyarrow", "sqlalchemy.dialects.sqlite"]
# From its own end of time to the moment it is killed.
_GRACE_SECONDS = 1.0
_EXIT_SECONDS = 1.0
_HEAD_BYTES = 64 * 1024

_log = logger("lake_query")


@dataclass(frozen=True)
class Answered:
    """`facts` are what is said of the rows in `body`."""

    facts: dict[str, Any]
    body: bytes


class Sandbox:
    def __init__(self, at_once: int = 3, for_each: int = 2) -> None:
        self._at_once = at_once
        self._for_each = for_each
        self._running: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._context = multiprocessing.get_context("forkserver")
        # A child runs its parent's main module again: what that imports is there by then.
        self._context.set_forkserver_preload([*_IMPORTED, *_main_module()])

    def ask(self, job: Job, caller: str) -> Answered:
        """Raises the ApiError that the query ended with; Throttled where too many run."""
        with self._turn(caller):
            receiver, sender = self._context.Pipe(duplex=False)
            with receiver:
                process = self._started(sender, job)
                try:
                    return self._received(process, receiver, job.limits)
                finally:
                    _end(process)

    def _started(self, sender: Connection, job: Job) -> ForkServerProcess:
        """Raises ServiceError where the machine has no room for another process."""
        with sender:
            process = self._context.Process(target=run, args=(sender, job), name="lake-query", daemon=True)
            try:
                process.start()
            except (OSError, EOFError) as error:
                raise ServiceError(f"lake query: no process can be started: {error}") from None
        return process

    def _received(self, process: ForkServerProcess, receiver: Connection, limits: Limits) -> Answered:
        killed = threading.Event()

        def kill() -> None:
            killed.set()
            process.kill()

        timer = threading.Timer(limits.seconds + _GRACE_SECONDS, kill)
        timer.start()
        try:
            head = json.loads(receiver.recv_bytes(_HEAD_BYTES))
            body = receiver.recv_bytes(limits.answer_bytes)
        except (EOFError, OSError):
            process.join()
            raise timed_out(limits) if killed.is_set() else _died(process.exitcode, limits) from None
        finally:
            timer.cancel()
        if head["status"] != 200:
            raise _told(head)
        return Answered(head, body)

    @contextmanager
    def _turn(self, caller: str) -> Iterator[None]:
        with self._lock:
            if self._running.total() >= self._at_once or self._running[caller] >= self._for_each:
                whose = "you" if self._running[caller] >= self._for_each else "others"
                raise Throttled(f"query: {whose} have as many lake queries under way as there may be", headers={"Retry-After": "1"})
            self._running[caller] += 1
        try:
            yield
        finally:
            with self._lock:
                self._running[caller] -= 1
                if not self._running[caller]:
                    del self._running[caller]


def _end(process: ForkServerProcess) -> None:
    """It ends by itself after its answer; by then its number may be another's."""
    process.join(_EXIT_SECONDS)
    if process.exitcode is None:
        process.kill()
        process.join()
    process.close()


def _told(head: dict[str, Any]) -> ApiError:
    if head["status"] >= 500:
        _log.error(f"lake query failed: {head['cause']}")
    return ApiError(head["detail"], status=head["status"], code=head["code"], headers=head["headers"])


def _died(code: int | None, limits: Limits) -> ApiError:
    """What a process that ended without an answer says: the kernel ends one that is out of time, out of memory or out of its stack."""
    _log.warning(f"a lake query's process ended with {code}")
    if code is None or code >= 0:
        return ApiError("query: its process ended without an answer; its request id finds it in the log")
    if code == -signal.SIGXCPU:
        return timed_out(limits)
    words = f"query: it ended its process, as one does that needs more than {limits.memory_mib} MiB or is nested too deep; ask for less"
    return TooLarge(words, code=LIMIT)


def _main_module() -> list[str]:
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return [] if spec is None or spec.name.endswith("__main__") else [spec.name]
