"""Outlives a supervisor that is killed, and ends what that leaves: ``python -m local.survivor``.

The kernel asks each process to end (`local.tether`), but Airflow takes its time for that, and what its tasks have started hears
nothing of it. The supervisor holds the other end of this process's input; where that ends, so has the supervisor.
"""

import subprocess
import sys
import time

from local import sessions, surroundings
from local.entry import run
from local.instance import Instance
from local.processes import PROCESSES, Kind
from runtime.settings import REPOSITORY, Settings

# For the emulator to write its state down, and PostgreSQL to close its files.
_GRACE_SECONDS = 3.0


class Survivor:
    """Construct to start; `dismiss` it when nothing is left to end."""

    def __init__(self, settings: Settings) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "local.survivor"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=surroundings.environment(settings),
            cwd=REPOSITORY,
            start_new_session=True,
        )

    def dismiss(self) -> None:
        self._popen.kill()
        self._popen.communicate()


def main() -> None:
    sys.stdin.buffer.read()
    settings = Settings.from_environment()
    instance = Instance(settings.home)
    # Where a next supervisor was quicker, it has ended all this itself.
    instance.claim()
    try:
        _end_what_is_left(instance)
        surroundings.clear(settings)
    finally:
        instance.release()


def _end_what_is_left(instance: Instance) -> None:
    running = instance.processes()
    state = instance.state() or {}
    deadline = time.monotonic() + _GRACE_SECONDS
    while sessions.living(running) and time.monotonic() < deadline:
        time.sleep(0.05)
    sessions.end_leftovers(instance.home, running)
    instance.forget()
    # A process that runs once, at a start, is no service that anyone misses.
    services = [process.name for process in PROCESSES if process.kind is Kind.SERVICE and process.name in running]
    instance.tell(**state | {"state": "killed", "ended": services, "why": f"its supervisor (pid {state.get('pid')}) was killed"})


if __name__ == "__main__":
    run(main)
