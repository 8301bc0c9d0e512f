"""docker-compose.yaml from the supervisor's table of processes: ``python -m local.compose > docker-compose.yaml``.

All services share the network of the emulator's container, so that every address is the one it has on a laptop, and one
volume, which is the home of all state. Ports are published on the loopback interface alone.
"""

import sys
from typing import Any

import yaml

from local.processes import PROCESSES, Kind, Process

AWS_PORT, MQTT_PORT, API_PORT, AIRFLOW_PORT = 4566, 8883, 8000, 8080
_NETWORK_OWNER = "emulator"
_HEAD = """\
# The laptop's cloud in containers: docker compose up
# Written by `python -m local.compose` from local/processes.py; a test holds them equal, so change that table.
"""
ENVIRONMENT = {
    "FLEETLAKE_HOME": "/data",
    # Inside a container; outside, only the loopback interface is published.
    "FLEETLAKE_BIND_ADDRESS": "0.0.0.0",
    "FLEETLAKE_AWS_PORT": str(AWS_PORT),
    "FLEETLAKE_AWS_ENDPOINT": f"http://127.0.0.1:{AWS_PORT}",
    "FLEETLAKE_MQTT_HOST": "127.0.0.1",
    "FLEETLAKE_MQTT_PORT": str(MQTT_PORT),
    "FLEETLAKE_API_PORT": str(API_PORT),
    "FLEETLAKE_AIRFLOW_PORT": str(AIRFLOW_PORT),
}


def compose() -> dict[str, Any]:
    return {
        "name": "fleetlake",
        "services": {process.name: _service(process) for process in PROCESSES},
        "volumes": {"home": {}},
    }


def text() -> str:
    return _HEAD + yaml.safe_dump(compose(), sort_keys=False, width=140)


def _service(process: Process) -> dict[str, Any]:
    service: dict[str, Any] = {
        "image": "fleetlake",
        "build": ".",
        "init": True,
        "command": ["python", *process.command],
        "environment": dict(ENVIRONMENT),
        "volumes": ["home:/data"],
    }
    if process.name == _NETWORK_OWNER:
        service["ports"] = [f"127.0.0.1:{port}:{port}" for port in (AWS_PORT, MQTT_PORT, API_PORT, AIRFLOW_PORT)]
    else:
        service["network_mode"] = f"service:{_NETWORK_OWNER}"
    if process.needs or process.name != _NETWORK_OWNER:
        service["depends_on"] = {name: {"condition": _condition(name)} for name in process.needs or (_NETWORK_OWNER,)}
    return service | (_watched(process) if process.kind is Kind.SERVICE else {"restart": "no"})


def _condition(name: str) -> str:
    kind = next(process.kind for process in PROCESSES if process.name == name)
    return "service_healthy" if kind is Kind.SERVICE else "service_completed_successfully"


def _watched(process: Process) -> dict[str, Any]:
    return {
        "restart": "unless-stopped" if process.restartable else "no",
        "stop_signal": process.stop_signal.name,
        "stop_grace_period": f"{process.stop_seconds:.0f}s",
        "healthcheck": {
            "test": ["CMD", "python", "-m", "local.health", process.name],
            "interval": "10s",
            "timeout": "10s",
            "retries": 3,
            "start_period": f"{process.start_seconds:.0f}s",
            "start_interval": "1s",
        },
    }


if __name__ == "__main__":
    sys.stdout.write(text())
