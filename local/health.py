"""Whether a process of the laptop's cloud does its work: ``python -m local.health NAME`` exits 0 or 1, as a container asks.

A check answers None when all is well, and else what is not, in a few words.
"""

import json
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from local.airflow_environment import base_url, data_folder, socket_folder
from local.files import read_json
from local.ports import reachable
from runtime import heartbeat
from runtime.settings import Settings

_SECONDS = 5.0
# Never through a proxy: these are our own processes on this machine.
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


def get_json(url: str) -> Any:
    """The answer's JSON. Raises OSError or ValueError where there is none."""
    with _open(url, timeout=_SECONDS) as answer:
        return json.loads(answer.read())


def emulator(settings: Settings) -> str | None:
    facts = read_json(settings.home / "run" / "emulator.json")
    if facts is None:
        return "it has not told its ports yet"
    state = get_json(f"http://{reachable(settings)}:{facts['aws_port']}/_ministack/ready")
    # A broker that could not bind only "degrades" there.
    return None if state["iot_mtls"] == "listening" else f"its MQTT broker is {state['iot_mtls']}"


def _beating(name: str, longest: float = heartbeat.LONGEST_SILENCE) -> Callable[[Settings], str | None]:
    return lambda settings: heartbeat.silence(settings, name, longest)


def api(settings: Settings) -> str | None:
    facts = read_json(settings.home / "run" / "api.json")
    if facts is None:
        return "it has not told its port yet"
    state = get_json(f"http://{reachable(settings)}:{facts['port']}/health?check=live")["status"]
    return None if state == "live" else f"it says that it is {state}"


def airflow_database(settings: Settings) -> str | None:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.connect(str(socket_folder(settings) / ".s.PGSQL.5432"))
    # The socket answers while old changes are still being recovered.
    told = (data_folder(settings) / "postmaster.pid").read_text().splitlines()
    return None if told[-1].strip() == "ready" else f"it is {told[-1].strip()}"


def _airflow(component: str) -> Callable[[Settings], str | None]:
    def check(settings: Settings) -> str | None:
        state = get_json(f"{base_url(settings)}/api/v2/monitor/health")[component]["status"]
        return None if state == "healthy" else f"Airflow says that it is {state}"

    return check


CHECKS: dict[str, Callable[[Settings], str | None]] = {
    "emulator": emulator,
    "worker": _beating("worker"),
    "api": api,
    "shadow-feed": _beating("shadow-feed"),
    # A pass over a large fleet is slow on purpose.
    "fleet-shadow": _beating("fleet-shadow", 900.0),
    "airflow-database": airflow_database,
    "airflow-api-server": _airflow("metadatabase"),
    "airflow-scheduler": _airflow("scheduler"),
    "airflow-dag-processor": _airflow("dag_processor"),
}


def trouble(name: str, settings: Settings) -> str | None:
    """None when the process is healthy, else what is wrong with it."""
    try:
        return CHECKS[name](settings)
    except (OSError, urllib.error.URLError, ValueError, KeyError) as error:
        return f"it does not answer: {error}"


def main(name: str) -> int:
    wrong = trouble(name, Settings.from_environment())
    if wrong:
        sys.stderr.write(f"{name}: {wrong}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
