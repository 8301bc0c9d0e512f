"""What the processes of the laptop's cloud find around them: environment variables and each other's addresses."""

import dataclasses
import os
import shutil
import socket
from collections.abc import Sequence
from typing import Any

from lake.contracts import load_contracts
from local.airflow_environment import base_url, socket_folder
from local.files import read_json
from local.ports import claim, free_port, listening_socket, reachable
from local.processes import Part, Process
from runtime.disk import free_bytes
from runtime.errors import SettingsError, SetupError
from runtime.settings import REPOSITORY, Settings

# Of the user's own configuration these would lead the platform elsewhere.
FREE_BYTES = 500_000_000
_USUAL_AIRFLOW_PORT = 8080
_FOREIGN = ("AIRFLOW__", "AWS_", "FLEETLAKE_", "SPARK_", "PYSPARK_")


def environment(settings: Settings) -> dict[str, str]:
    """The variables of every process."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    no_proxy = ",".join(filter(None, (inherited.get("NO_PROXY", ""), reachable(settings), "localhost")))
    ours = {"PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1", "NO_PROXY": no_proxy, "no_proxy": no_proxy}
    return inherited | ours | settings.environment()


def check_platform(settings: Settings) -> None:
    """Raises SettingsError on another platform: what is created for the laptop's cloud would be created in somebody's AWS account."""
    if settings.platform != "local":
        raise SettingsError(f"laptop's cloud: it runs on a laptop, and FLEETLAKE_PLATFORM is {settings.platform}; set it to local")


def check(settings: Settings, table: Sequence[Process]) -> None:
    """Find what would fail later and worse. Raises SetupError for a full disk, ContractError for a wrong contract."""
    if short := short_of_room(settings):
        raise SetupError(short)
    if any(process.part is not Part.EMULATOR for process in table):
        load_contracts(settings.contracts_folder)


def short_of_room(settings: Settings) -> str:
    """A sentence where the disk has less room than the laptop's cloud needs to start; "" where it has enough, or there is no home."""
    free = free_bytes(settings.home)
    if free is None or free >= FREE_BYTES:
        return ""
    return f"laptop's cloud in {settings.home}: {free / 1e6:.0f} MB are free on its disk, {FREE_BYTES / 1e6:.0f} are needed; make room"


def with_airflow_port(settings: Settings, table: Sequence[Process]) -> tuple[Settings, socket.socket | None]:
    """The settings with a port for Airflow's UI where they leave it open, and the claim on it.

    One that is taken is a SetupError now, not a crash later.
    """
    if all(process.part is not Part.AIRFLOW for process in table):
        return settings, None
    if not settings.airflow_port:
        port, held = free_port(settings.bind_address, _USUAL_AIRFLOW_PORT)
        return dataclasses.replace(settings, airflow_port=port), held
    listening_socket(settings.bind_address, settings.airflow_port, "Airflow's UI", "FLEETLAKE_AIRFLOW_PORT").close()
    claimed = claim(settings.airflow_port)
    if claimed is None:
        raise SetupError(
            f"Airflow's UI: another laptop's cloud is about to listen on {settings.airflow_port}; set another FLEETLAKE_AIRFLOW_PORT, or 0 for any"
        )
    return settings, claimed


def endpoints(name: str, settings: Settings) -> dict[str, Any]:
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
    if name == "api":
        facts = read_json(settings.home / "run" / "api.json") or {}
        return {"api_url": f"http://{host}:{facts['port']}"}
    if name == "airflow-api-server":
        return {"airflow_url": base_url(settings)}
    return {}


def ports(name: str, settings: Settings) -> dict[str, str]:
    """The ports that a process has listened on, as the variables that let it listen there again."""
    facts = read_json(settings.home / "run" / f"{name}.json") or {}
    told = {"emulator": {"AWS_PORT": "aws_port", "MQTT_PORT": "mqtt_port"}, "api": {"API_PORT": "port"}}.get(name, {})
    return {f"FLEETLAKE_{variable}": str(facts[fact]) for variable, fact in told.items() if fact in facts}


def clear(settings: Settings) -> None:
    """Remove what only running processes need and cannot remove themselves."""
    shutil.rmtree(socket_folder(settings), ignore_errors=True)
