"""Processes by their session: what a service started, however deep, stays in the session that the supervisor gave it."""

import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import psutil  # type: ignore[import-untyped]

HOME_VARIABLE = "FLEETLAKE_HOME"


def members(session: int) -> list[int]:
    """Pids of the processes of a session, zombies left out."""
    found = []
    for pid in psutil.pids():
        try:
            if os.getsid(pid) == session and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
        except (ProcessLookupError, PermissionError, psutil.Error):
            continue
    return found


def kill_session(session: int, *, seconds: float = 5.0) -> list[int]:
    """SIGKILL everything of a session until nothing is left of it; the pids that were."""
    killed: list[int] = []
    deadline = time.monotonic() + seconds
    while (living := members(session)) and time.monotonic() < deadline:
        for pid in living:
            _kill(pid)
        killed += [pid for pid in living if pid not in killed]
        time.sleep(0.02)
    return killed


def kill_leftovers(sessions: Iterable[int], home: Path) -> list[int]:
    """End what an earlier supervisor of `home` left alive. A pid may be somebody else's by now: the environment tells."""
    killed = []
    for session in sessions:
        for pid in members(session):
            if _home_of(pid) == str(home):
                _kill(pid)
                killed.append(pid)
    return killed


def _home_of(pid: int) -> str | None:
    try:
        return psutil.Process(pid).environ().get(HOME_VARIABLE)
    except psutil.Error:
        return None


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
