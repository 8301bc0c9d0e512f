"""The laptop's cloud for a benchmark, in a folder of its own, and the worker beside it as a process that can be weighed."""

import dataclasses
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from local import surroundings
from local.supervisor import Supervisor
from runtime.local import LocalPlatform
from runtime.settings import REPOSITORY, Settings

_LONGEST = 600.0
_TEN = 10


@dataclass(frozen=True)
class Cloud:
    """An emulator that runs, with the lake's bucket and queues, and nobody who takes from them."""

    settings: Settings
    platform: LocalPlatform

    def fill(self, bodies: Iterable[str]) -> int:
        """Send the messages, ten a call; how many there were."""
        sqs = self.platform.client("sqs")
        sent = 0
        entries: list[dict[str, str]] = []

        def send() -> None:
            if entries:
                answer = sqs.send_message_batch(QueueUrl=self.queue_url, Entries=entries)
                assert not answer.get("Failed"), answer
                entries.clear()

        for body in bodies:
            entries.append({"Id": str(len(entries)), "MessageBody": body})
            sent += 1
            if len(entries) == _TEN:
                send()
        send()
        return sent

    @property
    def queue_url(self) -> str:
        return str(self.platform.client("sqs").get_queue_url(QueueName=self.settings.telemetry_queue)["QueueUrl"])

    def queued(self) -> int:
        """Messages that wait or are in somebody's hand."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.platform.client("sqs").get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    def objects(self, prefix: str) -> set[Path]:
        return set((self.platform.object_folder / prefix).rglob("*.parquet"))


@contextmanager
def running(contracts: Path | None = None, **settings: Any) -> Iterator[Cloud]:
    """Started for the block, and gone with all its state after it. `contracts`: a folder in place of the repository's."""
    with tempfile.TemporaryDirectory(prefix="fleetlake-bench-") as folder:
        ours: dict[str, Any] = {"home": Path(folder) / "home", "aws_endpoint": "", "mqtt_host": "", "mqtt_port": 0} | settings
        if contracts:
            ours["contracts_folder"] = contracts
        chosen = dataclasses.replace(Settings.from_environment(), **ours)
        with Supervisor(chosen, ("emulator",)):
            yield Cloud(chosen, LocalPlatform(chosen))


class Worker:
    """The worker's process, started as the supervisor starts it, by the name of its module."""

    def __init__(self, cloud: Cloud, module: str = "ingestion.worker") -> None:
        self._cloud = cloud
        self._state = cloud.settings.home / "run" / "worker.json"
        self._state.unlink(missing_ok=True)
        log = cloud.settings.home / "logs" / "worker.log"
        with log.open("ab") as stream:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", module],
                cwd=REPOSITORY,
                env=surroundings.environment(cloud.settings),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
            )
        self._process = psutil.Process(self._popen.pid)
        _wait(self._state.exists, self._check)

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on()
        self._popen.terminate()
        try:
            self._popen.wait(30)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()

    def halt(self) -> None:
        os.kill(self._popen.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self._popen.pid, signal.SIGCONT)

    def drain(self) -> float:
        """CPU seconds, of program and system, that it takes to empty the queue; call `halt` first and fill it."""
        before = self._cpu()
        self.go_on()
        _wait(lambda: self._cloud.queued() == 0, self._check)
        return self._cpu() - before

    def _cpu(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def _check(self) -> None:
        code = self._popen.poll()
        if code is not None:
            raise RuntimeError(f"the worker ended with {code}; see {self._cloud.settings.home / 'logs' / 'worker.log'}")


def _wait(holds: Callable[[], bool], check: Callable[[], None]) -> None:
    deadline = time.monotonic() + _LONGEST
    while not holds():
        check()
        if time.monotonic() > deadline:
            raise TimeoutError("the worker did not get ready, or did not empty the queue")
        time.sleep(0.02)
