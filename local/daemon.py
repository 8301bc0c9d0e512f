"""The supervisor in the background: `start` and `stop` it, or be it (``python -m local.daemon [PART…]``).

It starts a crashed process again, unless nothing goes on without that one or it crashes too often; then it stops everything
and leaves the reason in ``{home}/run/supervisor.json``.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import TextIO

from local import airflow_pools, sessions, surroundings
from local.child import in_a_line
from local.entry import run
from local.instance import Instance
from local.processes import ALL_PARTS
from local.supervisor import Supervisor
from local.undisturbed import deferred, undisturbed
from runtime import log
from runtime.errors import FleetlakeError, ServiceError
from runtime.settings import REPOSITORY, Settings

_WATCH_SECONDS = 0.5
_CRASHES_ALLOWED = 5
_CRASH_WINDOW_SECONDS = 600.0
# Airflow takes its time, PostgreSQL and the emulator come after it.
_STOP_SECONDS = 60.0

_log = log.logger("supervisor")


def start(settings: Settings, parts: Sequence[str], say: Callable[[str], None]) -> None:
    """Start the laptop's cloud in the background; returns when it is healthy.

    Raises ServiceError where it does not get so, SetupError where its home cannot be written, SettingsError on another platform.
    """
    surroundings.check_platform(settings)
    instance = Instance(settings.home)
    log_file = settings.home / "logs" / "supervisor.log"
    daemon = None
    try:
        with deferred():
            daemon = _spawn(settings, parts, instance.append(log_file))
        _follow(daemon, instance, log_file, say)
    except BaseException:
        with undisturbed():
            _give_up(daemon)
        raise


def _spawn(settings: Settings, parts: Sequence[str], log_file: TextIO) -> "subprocess.Popen[bytes]":
    with log_file:
        return subprocess.Popen(
            [sys.executable, "-m", "local.daemon", *parts],
            stdin=subprocess.DEVNULL,
            stdout=log_file,
            stderr=subprocess.STDOUT,
            env=surroundings.environment(settings),
            cwd=REPOSITORY,
            start_new_session=True,
        )


def _give_up(daemon: "subprocess.Popen[bytes] | None") -> None:
    if daemon:
        daemon.terminate()
        daemon.wait(_STOP_SECONDS)


def _follow(daemon: "subprocess.Popen[bytes]", instance: Instance, log_file: Path, say: Callable[[str], None]) -> None:
    """Pass on what the starting supervisor says, until it runs."""
    said = 0
    while True:
        state = instance.state() or {}
        is_its_own = state.get("pid") == daemon.pid
        if is_its_own:
            for sentence in state.get("said", [])[said:]:
                say(sentence)
                said += 1
            if state["state"] == "running":
                return
        if daemon.poll() is not None:
            state = instance.state() or {}
            if state.get("pid") == daemon.pid and state.get("why"):
                raise ServiceError(state["why"])
            if instance.is_claimed():
                raise ServiceError(
                    f"laptop's cloud in {instance.home}: another start of it was quicker (pid {state.get('pid')}); `fleetlake status` shows it"
                )
            raise ServiceError(f"laptop's cloud in {instance.home}: it did not start; see {log_file}")
        time.sleep(0.1)


def stop(settings: Settings) -> str:
    """Stop the laptop's cloud of this home, and whatever a killed one left; a sentence that says what there was."""
    instance = Instance(settings.home)
    was_there = instance.is_claimed()
    pid = (instance.state() or {}).get("pid")
    was_alive = bool(was_there and pid and sessions.is_alive(int(pid)))
    if was_there and pid:
        _end(instance, int(pid))
    left = sessions.living(instance.processes())
    sessions.end_leftovers(settings.home, instance.processes())
    instance.forget()
    state = instance.state() or {"state": "stopped"}
    if state["state"] == "stopped":
        return "stopped" if was_there else "it was not running"
    # On a full disk it may not have been able to note its end.
    with contextlib.suppress(OSError):
        instance.tell(**state | {"state": "stopped"})
    if was_alive:
        return "stopped"
    ended = ", ".join([*state.get("ended", []), *left]) or "nothing, for nothing was left"
    return f"its supervisor (pid {pid}) was killed before; ended since: {ended}"


def _end(instance: Instance, pid: int) -> None:
    _signal(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while instance.is_claimed() or sessions.is_alive(pid):
        if time.monotonic() > deadline:
            _signal(pid, signal.SIGKILL)
        time.sleep(0.1)


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def main() -> int:
    """Be the supervisor until SIGTERM."""
    settings = Settings.from_environment()
    log.configure(settings.log_level)
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)
    supervisor = Supervisor(settings, sys.argv[1:] or ALL_PARTS, lambda sentence: _log.info(sentence))
    try:
        with supervisor:
            _watch(supervisor)
    except KeyboardInterrupt:
        return 0
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _watch(supervisor: Supervisor) -> None:
    crashes: list[float] = []
    contracts = _contract_files(supervisor.settings)
    while True:
        time.sleep(_WATCH_SECONDS)
        supervisor.tell_again()
        _revive(supervisor, crashes)
        if contracts != (contracts := _contract_files(supervisor.settings)):
            _make_pools(supervisor)


def _revive(supervisor: Supervisor, crashes: list[float]) -> None:
    """Start again what has crashed. Raises ServiceError where that is no use."""
    for child in supervisor.crashed():
        report = child.how_it_ended()
        _log.error(report)
        crashes.append(time.monotonic())
        recent = [moment for moment in crashes if moment > crashes[-1] - _CRASH_WINDOW_SECONDS]
        if not child.process.restartable or len(recent) > _CRASHES_ALLOWED:
            raise ServiceError(report)
        # The status has a line for each crash.
        supervisor.note_crash(in_a_line(report))
        try:
            supervisor.restart(child.process.name)
        except ServiceError:
            # Ended again: the next look counts it. Alive but not well: nobody can say what it does.
            if child.process.name not in {again.process.name for again in supervisor.crashed()}:
                raise


def _contract_files(settings: Settings) -> list[tuple[str, int]]:
    """Changes when a contract is added or edited."""
    found = []
    for file in settings.contracts_folder.glob("*.yaml"):
        # Editors leave links that lead nowhere beside a file that they have open, and take files away while they save them.
        with contextlib.suppress(OSError):
            found.append((file.name, file.stat().st_mtime_ns))
    return sorted(found)


def _make_pools(supervisor: Supervisor) -> None:
    """A new contract's DAGs wait for a pool of its own. A contract that is wrong is no reason to stop the others."""
    if "airflow_url" not in supervisor.endpoints:
        return
    try:
        airflow_pools.ensure(supervisor.settings)
    except FleetlakeError as error:
        _log.warning(f"pools of the contracts: {error}")


if __name__ == "__main__":
    run(main)
