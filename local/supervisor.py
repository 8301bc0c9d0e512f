"""Starts, watches and cleanly stops the laptop's cloud.

    with Supervisor(settings, parts=("emulator", "worker")) as cloud:
        cloud.check()               # raises ServiceError with the last log lines of a process that ended by itself

Processes start as soon as what they need is healthy, each in a session of its own, and stop in the opposite order. Leaving
the block by whatever exception stops everything; when this process is killed, the kernel asks its children to end and
`local.survivor` ends what has not within seconds. All state is under ``settings.home``.
"""

import contextlib
import socket
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

from local import airflow_policy, health, sessions, surroundings
from local.authority import Authority
from local.child import Child
from local.instance import Instance
from local.processes import ALL_PARTS, Kind, Process, processes_of
from local.survivor import Survivor
from local.undisturbed import deferred, undisturbed
from runtime import log
from runtime.disk import says_full, told_full
from runtime.errors import FleetlakeError, ServiceError
from runtime.settings import Settings

_POLL_SECONDS = 0.1

_log = log.logger("supervisor")


def _say_nothing(sentence: str) -> None:
    return None


class Supervisor:
    def __init__(
        self,
        settings: Settings,
        parts: Collection[str] = ALL_PARTS,
        say: Callable[[str], None] = _say_nothing,
        *,
        schedules: bool = True,
        by: str = "",
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """`say` hears of each process that starts; `by` is the command whose end is the end of the cloud. Without `schedules` no DAG runs
        by its schedule for a day: Airflow runs what is triggered and what new data sets off. `variables` are in the environment of all
        processes, such as a setting of Airflow's."""
        self.settings = settings
        self.instance = Instance(settings.home)
        self._table = processes_of(parts)
        self._say = say
        self._children: dict[str, Child] = {}
        self._healthy: set[str] = set()
        self._environment: dict[str, str] = {}
        self._kept_ports: dict[str, dict[str, str]] = {}
        self._schedules = schedules
        self._variables = dict(variables or {})
        self._port_claim: socket.socket | None = None
        self._survivor: Survivor | None = None
        self._untold: set[str] = set()
        self._facts: dict[str, Any] = {"parts": list(parts), "by": by, "said": [], "crashes": []}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, FleetlakeError) or (isinstance(error, Exception) and says_full(error)):
            self._facts["why"] = self._words(error)
        elif isinstance(error, Exception):
            self._facts["why"] = f"its supervisor met what nobody foresaw, see logs/supervisor.log: {error!r}"
        self.stop()

    def start(self) -> None:
        """Returns when every process is healthy. Raises ServiceError where one ends or is late; then all are stopped again.

        Raises SettingsError on another platform than the laptop's, before anything is touched.
        """
        surroundings.check_platform(self.settings)
        self.instance.claim()
        try:
            sessions.end_leftovers(self.settings.home, self.instance.processes())
            self.instance.forget()
            self._tell(state="starting")
            surroundings.check(self.settings, self._table)
            Authority.at(self.settings.home / "authority")
            self.settings, self._port_claim = surroundings.with_airflow_port(self.settings, self._table)
            (airflow_policy.schedules_are_kept if self._schedules else airflow_policy.schedules_wait)(self.settings)
            self._environment = self.environment()
            with deferred():
                self._survivor = Survivor(self.settings)
            while self._unhealthy():
                self._start_what_can()
                self.check()
                self._look_at_health()
            self._tell(state="running")
        except BaseException as error:
            self._facts["why"] = self._words(error)
            self.stop()
            raise

    def environment(self) -> dict[str, str]:
        """The variables of every process."""
        return surroundings.environment(self.settings) | self._variables

    def _words(self, error: BaseException) -> str:
        return told_full(self.settings.home) if says_full(error) else str(error)

    def _tell(self, **facts: Any) -> None:
        self._facts |= facts
        with self._goes_on_untold("state"):
            self.instance.tell(**self._facts)

    def tell_again(self) -> None:
        """What a full disk kept from being told; otherwise nothing is done."""
        if self._untold:
            self._tell_processes()
            self._tell()

    @contextlib.contextmanager
    def _goes_on_untold(self, what: str) -> Iterator[None]:
        """Processes are watched and stopped whether or not anybody can be told. A line when it begins, not at each try."""
        try:
            yield
            self._untold.discard(what)
        except OSError as error:
            if not self._untold:
                _log.error(f"tell the {what} of the laptop's cloud in {self.settings.home}: {error.strerror}; it goes on, and tries again")
            self._untold.add(what)

    def _unhealthy(self) -> list[Process]:
        return [process for process in self._table if process.name not in self._healthy]

    def _start_what_can(self) -> None:
        for process in self._unhealthy():
            if process.name not in self._children and self._healthy.issuperset(process.needs):
                self._spawn(process)

    def _spawn(self, process: Process) -> None:
        sentence = f"starting {process.name}: {process.what}"
        self._say(sentence)
        self._tell(said=[*self._facts["said"], sentence])
        with deferred():
            environment = self._environment | self._kept_ports.get(process.name, {})
            self._children[process.name] = Child(process, environment, self.settings.home)
        self._tell_processes()

    def _tell_processes(self) -> None:
        with self._goes_on_untold("processes"):
            self.instance.tell_processes({name: (child.pid, child.created) for name, child in self._children.items()})

    def _look_at_health(self) -> None:
        for process in self._unhealthy():
            child = self._children.get(process.name)
            if child is None:
                continue
            wrong = self._trouble(child)
            if wrong is None:
                self._healthy.add(process.name)
                self._publish_endpoints(process)
            elif time.monotonic() - child.started > process.start_seconds:
                late = f"start {process.name}: not healthy after {process.start_seconds:.0f} s: {wrong}"
                raise ServiceError(f"{late}; the end of its log {child.log_file}:\n{child.last_lines()}")
        if self._unhealthy():
            time.sleep(_POLL_SECONDS)

    def _trouble(self, child: Child) -> str | None:
        if child.process.kind is Kind.ONCE:
            return None if child.exit_code == 0 else "it has not finished"
        return health.trouble(child.process.name, self.settings)

    def _publish_endpoints(self, process: Process) -> None:
        """Tell the addresses as soon as they are good: the processes that start next ask for them."""
        if process.kind is Kind.SERVICE:
            known = self.instance.endpoints()
            found = known | surroundings.endpoints(process.name, self.settings)
            # What was started again is where it was: a full disk need not hear of it.
            if found != known:
                self.instance.tell_endpoints(found)

    def check(self) -> None:
        """Raises ServiceError for a process that ended by itself, with its last log lines."""
        for child in self._children.values():
            code = child.exit_code
            if code is not None and not (child.process.kind is Kind.ONCE and code == 0):
                raise ServiceError(child.how_it_ended())

    @property
    def endpoints(self) -> dict[str, Any]:
        """``aws_endpoint``, ``mqtt_host``, ``mqtt_port``, ``ca_file``, with the APIs ``api_url`` and, with Airflow, ``airflow_url``."""
        return self.instance.endpoints()

    def pid(self, name: str) -> int:
        return self._children[name].pid

    def kill(self, name: str) -> None:
        """SIGKILL one process, as a crash would. What it had started is ended by `restart` or `stop`."""
        self._children[name].kill()

    def restart(self, name: str) -> None:
        """Start a process that has ended, where it was, and wait until it is healthy. Raises ServiceError where it ends again or is late."""
        before = self._children.pop(name)
        before.end(time.monotonic())
        self._healthy.discard(name)
        # Clients hold on to its address, and a stored login is kept by it.
        self._kept_ports[name] = surroundings.ports(name, self.settings) or self._kept_ports.get(name, {})
        (self.instance.folder / f"{name}.json").unlink(missing_ok=True)
        self._spawn(before.process)
        while name not in self._healthy:
            if self._children[name].exit_code is not None:
                raise ServiceError(self._children[name].how_it_ended())
            self._look_at_health()

    def note_crash(self, sentence: str) -> None:
        """Keep what happened for those who ask for the status."""
        self._tell(crashes=[*self._facts["crashes"], sentence])

    def crashed(self) -> list[Child]:
        """Services that ended by themselves."""
        return [child for child in self._children.values() if child.process.kind is Kind.SERVICE and child.exit_code is not None]

    def stop(self) -> None:
        """Stop everything, those first that need others. Always ends, and leaves no process."""
        with undisturbed():
            self._tell(state="stopping")
            while self._children:
                self._stop_wave()
            self._healthy.clear()
            # What an interrupt took from our hands between its start and our note of it.
            sessions.end_leftovers(self.settings.home, {})
            self.instance.forget()
            surroundings.clear(self.settings)
            if self._port_claim:
                self._port_claim.close()
            if self._survivor:
                self._survivor.dismiss()
            self._tell(state="stopped")
            self.instance.release()

    def _stop_wave(self) -> None:
        """Stop together the processes that no other running one needs."""
        needed = {name for child in self._children.values() for name in self._all_needs(child.process)}
        wave = [child for name, child in self._children.items() if name not in needed]
        deadlines = {}
        for child in wave:
            child.ask_to_stop()
            deadlines[child.process.name] = time.monotonic() + child.process.stop_seconds
        for child in wave:
            child.end(deadlines[child.process.name])
            del self._children[child.process.name]
        self._tell_processes()

    def _all_needs(self, process: Process) -> set[str]:
        """What the process needs or uses, and what those do."""
        rows = {row.name: row for row in self._table}
        needs = {name for name in (*process.needs, *process.uses) if name in rows}
        return needs.union(*(self._all_needs(rows[name]) for name in needs))
