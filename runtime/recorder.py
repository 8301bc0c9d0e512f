"""Which call of AWS the code makes, and from where: noted only where `RECORDED_AWS_CALLS` names a folder, as test runs do.

A line of ``{folder}/{pid}.csv`` is the service, the operation and our modules on the call stack, the outermost first. Which role that
is `infra/entries.py` says. Each is noted once for a process, when it is first made: a process that is killed has noted what it did.
"""

import functools
import itertools
import os
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

from runtime.settings import REPOSITORY, recorded_calls

# botocore tells each client's, before it looks at the parameters: also of a call that a Stubber answers.
EVENT = "provide-client-params.*.*"
_ROOT = f"{REPOSITORY}{os.sep}"
# Airflow calls the operators of its provider, which our DAGs use, without a frame of ours.
_PROVIDER = os.sep.join(("", "airflow", "providers", "amazon", ""))


class Recorder:
    """Notes each different call once; many threads may call."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def __call__(self, model: Any, **_: Any) -> None:
        """What botocore calls; `model` is that of the operation."""
        line = f"{model.service_model.service_name},{model.name},{' '.join(_modules(sys._getframe(1)))}\n"
        with self._lock:
            if line not in self._seen:
                self._seen.add(line)
                self._append(line)

    def _append(self, line: str) -> None:
        # Of the process that writes: one that was forked has a file of its own.
        with (self._folder / f"{os.getpid()}.csv").open("a") as file:
            file.write(line)


def noted(client: Any) -> Any:
    """The same client; its calls are noted where this process is told to."""
    if folder := recorded_calls():
        client.meta.events.register(EVENT, recorder(folder))
    return client


@functools.cache
def recorder(folder: Path) -> Recorder:
    """The one of this process."""
    return Recorder(folder)


def _modules(frame: FrameType | None) -> list[str]:
    """Our modules, and Airflow's provider, from the outermost frame in, none twice in a row; those of tests are none."""
    files = []
    while frame:
        files.append(frame.f_code.co_filename)
        frame = frame.f_back
    names = (_module(file) for file in reversed(files))
    return [name for name, _ in itertools.groupby(filter(None, names)) if name != __name__]


def _module(file: str) -> str:
    if _PROVIDER in file:
        return "airflow.providers.amazon"
    if not file.startswith(_ROOT):
        return ""
    parts = file.removeprefix(_ROOT).removesuffix(".py").split(os.sep)
    return "" if parts[0].startswith(".") or parts[0] in ("tests", "benchmarks") else ".".join(parts)
