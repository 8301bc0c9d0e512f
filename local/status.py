"""What runs where: a row for each process of a home's laptop's cloud, asked of the machine at this moment."""

import dataclasses
import time
from dataclasses import dataclass

import psutil

from local import health, sessions
from local.instance import Instance
from local.processes import PROCESSES, Kind, Process
from runtime.settings import Settings


@dataclass(frozen=True)
class Row:
    name: str
    what: str
    state: str
    pid: int | None
    ports: tuple[int, ...]
    megabytes: float
    seconds: float


def rows(settings: Settings) -> list[Row]:
    """One row for each service that the running supervisor has started; none when there is no supervisor."""
    instance = Instance(settings.home)
    if not instance.is_claimed():
        return []
    settings = _with_its_port(settings, instance)
    pids = {name: pid for name, (pid, _) in instance.processes().items()}
    return [_row(process, pids[process.name], settings) for process in PROCESSES if process.kind is Kind.SERVICE and process.name in pids]


def _with_its_port(settings: Settings, instance: Instance) -> Settings:
    """The port of Airflow that was chosen at the start."""
    url = str(instance.endpoints().get("airflow_url", ""))
    return dataclasses.replace(settings, airflow_port=int(url.rsplit(":", 1)[1])) if url else settings


def _row(process: Process, pid: int, settings: Settings) -> Row:
    crashed = Row(process.name, process.what, "crashed", None, (), 0.0, 0.0)
    if not sessions.is_alive(pid):
        return crashed
    try:
        leader = psutil.Process(pid)
        seconds = time.time() - leader.create_time()
    except psutil.NoSuchProcess:
        return crashed
    found = [use for member in _family(leader) if (use := _use(member)) is not None]
    ports = {port for _, listening in found for port in listening}
    wrong = health.trouble(process.name, settings)
    return Row(process.name, process.what, wrong or "healthy", pid, tuple(sorted(ports)), sum(size for size, _ in found) / 1e6, seconds)


def _family(leader: psutil.Process) -> set[int]:
    """Of its session; and PostgreSQL's and others' children, which may leave it: they stay children."""
    try:
        return {*sessions.members(leader.pid), *(child.pid for child in leader.children(recursive=True))}
    except psutil.NoSuchProcess:
        return set()


def _use(pid: int) -> tuple[int, set[int]] | None:
    """Bytes and the ports that it listens on; None of one that has ended since it was listed, as tasks do all the time."""
    try:
        member = psutil.Process(pid)
        ports = {c.laddr.port for c in member.net_connections("tcp") if c.status == psutil.CONN_LISTEN}
        return member.memory_info().rss, ports
    except psutil.NoSuchProcess:
        return None
