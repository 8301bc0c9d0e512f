"""What the processes of the laptop's cloud find around them: environment variables and each other's addresses."""

import os
from collections.abc import Sequence
from typing import Any

from local.files import read_json
from local.health import reachable
from local.processes import Part, Process
from runtime.settings import REPOSITORY, Settings

# Of the user's own configuration these would lead the platform elsewhere.
_FOREIGN = ("AIRFLOW__", "AWS_", "FLEETLAKE_", "SPARK_", "PYSPARK_")


def environment(settings: Settings, table: Sequence[Process]) -> dict[str, str]:
    """The variables of every process of `table`."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    ours = {"PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1", **settings.environment()}
    if any(process.part is Part.AIRFLOW for process in table):
        ours |= _airflow(settings)
    return inherited | ours


def _airflow(settings: Settings) -> dict[str, str]:
    from local import airflow_environment

    return airflow_environment.variables(settings)


def endpoints(name: str, settings: Settings, environment: dict[str, str]) -> dict[str, Any]:
    """The addresses at which a healthy process is reached."""
    host = reachable(settings)
    if name == "emulator":
        facts = read_json(settings.home / "run" / "emulator.json") or {}
        return {
            "aws_endpoint": f"http://{host}:{facts['aws_port']}",
            "mqtt_host": host,
            "mqtt_port": facts["mqtt_port"],
            "ca_file": facts["ca_file"],
        }
    if name == "airflow-api-server":
        return {"airflow_url": environment["AIRFLOW__API__BASE_URL"].rstrip("/")}
    return {}


def clear(settings: Settings) -> None:
    """Remove what only running processes need and cannot remove themselves."""
    return
