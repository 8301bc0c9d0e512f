"""At most one laptop's cloud for each home, and what others may know of it: ``{home}/run/``.

`supervisor.lock` is held while one runs; `supervisor.json` tells its state, `processes.json` the pids, `endpoints.json` the
addresses that the platform's clients use.
"""

import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any, TextIO

from local import sessions
from local.files import read_json, write_whole
from runtime.errors import SetupError, UserError
from runtime.local import is_held

# What was killed this instant still looks alive.
_LOOK_AGAIN_SECONDS = 0.5
# A killed supervisor's survivor takes less; one that stops takes longer only where a part of it hangs.
_ENDING_SECONDS = 20.0
_GOES_ON = ("starting", "running", "stopping")


class Instance:
    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home / "run"
        self._lock: TextIO | None = None

    def claim(self) -> None:
        """Hold this home until `release` or the end of the process. Raises UserError where another process does, SetupError as `append`."""
        lock = self.append(self.folder / "supervisor.lock")
        began = time.monotonic()
        while not _held(lock):
            state = self.state() or {}
            goes_on = _is_alive(state) and state["state"] != "stopping"
            if time.monotonic() - began > (_LOOK_AGAIN_SECONDS if goes_on else _ENDING_SECONDS):
                lock.close()
                told = "it is running already" if goes_on else "it is still stopping"
                raise UserError(f"laptop's cloud in {self.home}: {told} (pid {state.get('pid')}); `fleetlake down` ends it")
            time.sleep(0.05)
        self._lock = lock

    def running(self) -> dict[str, Any] | None:
        """What the supervisor told, while it and all its processes run."""
        state = (self.is_claimed() and self.state()) or {}
        return state if state.get("state") == "running" and _is_alive(state) else None

    def append(self, file: Path) -> TextIO:
        """`file` of this home, open for writing at its end, in a folder that is made. Raises SetupError where the home cannot be written."""
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            return file.open("a")
        except OSError as error:
            raise SetupError(f"laptop's cloud in {self.home}: {error.strerror}; set FLEETLAKE_HOME to a folder you can write") from None

    def release(self) -> None:
        if self._lock:
            self._lock.close()
            self._lock = None

    def is_claimed(self) -> bool:
        """Whether any process holds this home."""
        return is_held(self.folder / "supervisor.lock")

    def state(self) -> dict[str, Any] | None:
        return read_json(self.folder / "supervisor.json")

    def why_it_ended(self) -> str:
        """The reason of an end that nobody asked for; "" where there is none."""
        state = self.state() or {}
        if state.get("why") or self.is_claimed() or state.get("state") not in _GOES_ON:
            return str(state.get("why", ""))
        return f"its supervisor (pid {state.get('pid')}) ended and could not say why"

    def tell(self, **facts: Any) -> None:
        write_whole(self.folder / "supervisor.json", json.dumps({"pid": os.getpid(), **facts}))

    def processes(self) -> dict[str, tuple[int, float]]:
        """Pid and beginning of each process by name, the last time anything was started or stopped."""
        told = read_json(self.folder / "processes.json") or {}
        return {name: (int(pid), float(created)) for name, (pid, created) in told.items()}

    def tell_processes(self, processes: dict[str, tuple[int, float]]) -> None:
        write_whole(self.folder / "processes.json", json.dumps(processes))

    def endpoints(self) -> dict[str, Any]:
        return read_json(self.folder / "endpoints.json") or {}

    def tell_endpoints(self, endpoints: dict[str, Any]) -> None:
        write_whole(self.folder / "endpoints.json", json.dumps(endpoints))

    def forget(self) -> None:
        """Take away what is true only while it runs."""
        for name in (
            "endpoints.json",
            "processes.json",
            "emulator.json",
            "worker.json",
            "api.json",
            "shadow-feed.json",
            "fleet-shadow.json",
        ):
            (self.folder / name).unlink(missing_ok=True)


def _held(lock: TextIO) -> bool:
    """Whether this process now holds the lock, which another may."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_alive(state: dict[str, Any]) -> bool:
    """Whether the supervisor that told `state` runs. Whoever holds the lock otherwise ends what a killed one has left."""
    return state.get("state") in _GOES_ON and sessions.is_alive(state["pid"])
