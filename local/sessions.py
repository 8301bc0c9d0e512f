"""Finds and ends all that a process of the laptop's cloud has started, however deep, and whoever its parent is by now.

Each gets a session of its own, which what it starts stays in; and a mark in the environment, for what leaves the session, as
the commands of Airflow's tasks do. Both are needed: a process that gives itself a title overwrites its environment.
"""

import os
import signal
import time
from pathlib import Path

import psutil

MARK = "LAPTOPS_CLOUD"


def mark(home: Path, name: str) -> str:
    """Value of the environment variable MARK in process `name` of `home` and in whatever that starts."""
    return f"{home}#{name}"


def marked(home: Path, name: str = "") -> list[int]:
    """Pids of what bears the mark of process `name`, or of any of `home`."""
    return [pid for pid in psutil.pids() if _mark_of(pid).startswith(mark(home, name)) and is_alive(pid)]


def members(session: int) -> list[int]:
    """Pids of the processes of a session."""
    found = []
    for pid in psutil.pids():
        try:
            if os.getsid(pid) == session and is_alive(pid):
                found.append(pid)
        except OSError:
            continue
    return found


def end_family(session: int, home: Path, name: str = "", *, seconds: float = 5.0) -> list[int]:
    """SIGKILL a session, and what bears the mark, until nothing is left; the pids that were."""
    killed: set[int] = set()
    deadline = time.monotonic() + seconds
    while (living := {*members(session), *marked(home, name)}) and time.monotonic() < deadline:
        for pid in living:
            _kill(pid)
        killed |= living
        time.sleep(0.02)
    return sorted(killed)


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie, which only waits for its parent to hear of its end, does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def ask_strays(session: int, home: Path, name: str) -> None:
    """SIGTERM what bears the mark of a process but has left its session."""
    for pid in set(marked(home, name)) - set(members(session)):
        _kill(pid, signal.SIGTERM)


def created(pid: int) -> float | None:
    """When the process with this pid began; with the pid it names a process for good."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return None


def living(recorded: dict[str, tuple[int, float]]) -> list[str]:
    """Which of the `recorded` processes, by pid and beginning, still run."""
    return [name for name, (pid, began) in recorded.items() if created(pid) == began and is_alive(pid)]


def end_leftovers(home: Path, recorded: dict[str, tuple[int, float]]) -> list[int]:
    """End what an earlier supervisor of `home` left alive. `recorded`: pid and beginning of each process it had started."""
    killed: list[int] = []
    for name, (pid, began) in recorded.items():
        # Where the pid lives on but began at another time, it is somebody else's by now, and so is its session.
        if created(pid) in (None, began):
            killed += end_family(pid, home, name)
    for pid in marked(home):
        _kill(pid)
        killed.append(pid)
    return killed


def _mark_of(pid: int) -> str:
    try:
        return str(psutil.Process(pid).environ().get(MARK, ""))
    except (psutil.Error, OSError):
        return ""


def _kill(pid: int, number: int = signal.SIGKILL) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
