"""One running process of the laptop's cloud: started in a session of its own, its output in a log file, ended with all it started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from local import sessions, tether
from local.processes import Process
from runtime.settings import REPOSITORY

_LOG_BYTES = 10_000_000
_TAIL_LINES = 15
_ASK_AGAIN_SECONDS = 0.5


def in_a_line(report: str) -> str:
    """`how_it_ended` without the lines of the log that it quotes."""
    return report.splitlines()[0].replace("; the end of its log", "; see the end of its log").rstrip(":")


class Child:
    """Construct to start. The thread that does must live as long as the child: the kernel asks the child to end with it."""

    def __init__(self, process: Process, environment: Mapping[str, str], home: Path) -> None:
        self.process = process
        self.log_file = home / "logs" / f"{process.name}.log"
        self._home = home
        self.started = time.monotonic()
        self._make_room()
        tethered = [sys.executable, "-S", tether.__file__, str(os.getpid()), str(int(process.stop_signal))]
        with self.log_file.open("ab") as log:
            self._log_start = log.tell()
            self._popen = subprocess.Popen(
                [*tethered, sys.executable, *process.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**environment, sessions.MARK: sessions.mark(home, process.name)},
                cwd=REPOSITORY,
                start_new_session=True,
            )
        self.created = sessions.created(self._popen.pid) or 0.0

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        return self._popen.poll()

    def last_lines(self) -> str:
        """The end of what this start of the process has written."""
        with self.log_file.open("rb") as log:
            log.seek(max(self._log_start, log.seek(0, 2) - 20_000))
            text = log.read().decode(errors="replace")
        return "\n".join(f"  {line[:500]}" for line in text.splitlines()[-_TAIL_LINES:]) or "  (it wrote nothing)"

    def how_it_ended(self) -> str:
        code = self.exit_code or 0
        ending = f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"
        return f"{self.process.name} ended ({ending}); the end of its log {self.log_file}:\n{self.last_lines()}"

    def ask_to_stop(self) -> None:
        if self.exit_code is None:
            self._popen.send_signal(self.process.stop_signal)
        self._ask_its_jobs()

    def _ask_its_jobs(self) -> None:
        """Jobs run in sessions of their own; ended in time, they report so, and their runner need not be killed."""
        if self.process.ends_its_jobs:
            sessions.ask_strays(self.pid, self._home, self.process.name)

    def kill(self) -> None:
        """SIGKILL the process alone, as a crash would end it."""
        self._popen.kill()
        self._popen.wait()

    def end(self, deadline: float) -> None:
        """Wait for it until `deadline`, then end by force it and whatever it has left."""
        while self.exit_code is None and time.monotonic() < deadline:
            try:
                self._popen.wait(min(_ASK_AGAIN_SECONDS, max(0.0, deadline - time.monotonic())))
            except subprocess.TimeoutExpired:
                # The next job of the queue may have begun meanwhile.
                self._ask_its_jobs()
        if self.exit_code is None:
            self._popen.kill()
        sessions.end_family(self.pid, self._home, self.process.name)
        self._popen.wait()

    def _make_room(self) -> None:
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        if self.log_file.exists() and self.log_file.stat().st_size > _LOG_BYTES:
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
