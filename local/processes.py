"""The table of processes that make up the laptop's cloud. docker-compose.yaml is tested against it.

Each command runs in the repository with the settings in its environment. A `Kind.ONCE` process must end well before
those that need it start; a `Kind.SERVICE` is watched until it is stopped.
"""

import signal
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from runtime.errors import UsageError


class Part(StrEnum):
    EMULATOR = "emulator"
    WORKER = "worker"
    API = "api"
    AIRFLOW = "airflow"


class Kind(StrEnum):
    SERVICE = "service"
    ONCE = "once"


ALL_PARTS = tuple(Part)


@dataclass(frozen=True)
class Process:
    name: str
    part: Part
    what: str
    module: str
    arguments: tuple[str, ...] = ()
    kind: Kind = Kind.SERVICE
    needs: tuple[str, ...] = ()
    # Healthy without it, but it is stopped before it.
    uses: tuple[str, ...] = ()
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    start_seconds: float = 60.0
    # Whether the rest goes on without it, so that it may be started again after a crash.
    restartable: bool = True
    # Whether what it runs in sessions of their own is asked to end when it is.
    ends_its_jobs: bool = False

    @property
    def command(self) -> tuple[str, ...]:
        """Arguments of the Python interpreter."""
        return ("-m", self.module, *self.arguments)


def _airflow(name: str, what: str, *arguments: str, uses: tuple[str, ...] = (), ends_its_jobs: bool = False) -> Process:
    # SIGTERM would leave the tasks that run; on SIGINT Airflow waits for them, at times for longer than anybody would.
    return Process(
        f"airflow-{name}",
        Part.AIRFLOW,
        what,
        "local.airflow",
        (name, *arguments),
        needs=("airflow-database-setup",),
        uses=uses,
        stop_signal=signal.SIGINT,
        # Its jobs have ended and told so by then; now and then its executor waits on for nobody.
        stop_seconds=10.0,
        start_seconds=120.0,
        ends_its_jobs=ends_its_jobs,
    )


PROCESSES = (
    Process("emulator", Part.EMULATOR, "AWS and the MQTT broker", "local.emulator", restartable=False),
    Process(
        "cloud-resources",
        Part.EMULATOR,
        "creates bucket, queues, IoT rule, policy, tables, user pool and the topic of alarms",
        "local.cloud_resources",
        kind=Kind.ONCE,
        needs=("emulator",),
    ),
    Process(
        "worker",
        Part.WORKER,
        "queue to bronze, quarantine and time series",
        "ingestion.worker",
        needs=("cloud-resources",),
        # Longer than it takes to finish or give up its batch (FLEETLAKE_DRAIN_SECONDS).
        stop_seconds=28.0,
    ),
    Process(
        "api", Part.API, "users, devices, shadows, telemetry over HTTP", "services.server", needs=("cloud-resources",), stop_seconds=15.0
    ),
    Process(
        "shadow-feed",
        Part.API,
        "changes of shadows to their cache and history",
        "services.shadow.feed",
        needs=("cloud-resources",),
        # Longer than it waits for messages.
        stop_seconds=12.0,
    ),
    Process(
        "fleet-shadow", Part.API, "writes each device's named shadow fleet", "services.shadow.fleet_shadow", needs=("cloud-resources",)
    ),
    Process(
        "airflow-database",
        Part.AIRFLOW,
        "PostgreSQL of Airflow",
        "local.airflow_database",
        # SIGINT is PostgreSQL's fast shutdown.
        stop_signal=signal.SIGINT,
        restartable=False,
    ),
    Process(
        "airflow-database-setup",
        Part.AIRFLOW,
        "brings Airflow's database up to its version",
        "local.airflow_setup",
        kind=Kind.ONCE,
        needs=("airflow-database",),
        start_seconds=180.0,
    ),
    _airflow("api-server", "Airflow's UI and REST API"),
    Process(
        "airflow-pools",
        Part.AIRFLOW,
        "creates the pools that the DAGs name",
        "local.airflow_pools",
        kind=Kind.ONCE,
        needs=("airflow-api-server",),
    ),
    _airflow("scheduler", "runs the DAGs' tasks", "--skip-serve-logs", uses=("airflow-api-server",), ends_its_jobs=True),
    _airflow("dag-processor", "reads the DAG files", uses=("airflow-api-server",)),
)


def processes_of(parts: Collection[str]) -> tuple[Process, ...]:
    """The rows of `parts`, in the table's order, each only needing what is among them."""
    unknown = set(parts) - set(ALL_PARTS)
    if unknown:
        raise UsageError(f"parts of the laptop's cloud: {', '.join(sorted(unknown))} is none; there are {', '.join(ALL_PARTS)}")
    return tuple(process for process in PROCESSES if process.part in parts)
