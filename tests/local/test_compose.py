"""The containers run what the supervisor runs: the same processes, commands, order, health checks and ways to stop."""

import importlib.util
import re
import tomllib
from typing import Any

import pytest
import yaml

from local.airflow_environment import variables
from local.compose import text
from local.health import CHECKS
from local.processes import PROCESSES, Kind, Process, processes_of
from runtime.errors import UsageError
from runtime.settings import REPOSITORY, Settings

FILE = REPOSITORY / "docker-compose.yaml"
SERVICES: dict[str, Any] = yaml.safe_load(FILE.read_text())["services"]
BY_NAME = {process.name: process for process in PROCESSES}


def dockerfile() -> str:
    return (REPOSITORY / "Dockerfile").read_text()


def test_the_file_is_what_the_table_of_processes_gives() -> None:
    assert FILE.read_text() == text()


def test_there_is_one_service_for_each_process() -> None:
    assert list(SERVICES) == [process.name for process in PROCESSES]


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_a_service_runs_the_supervisors_command_and_waits_for_what_the_process_needs(process: Process) -> None:
    service = SERVICES[process.name]
    assert service["command"] == ["python", "-m", process.module, *process.arguments]
    assert importlib.util.find_spec(process.module)
    awaited = {name: condition["condition"] for name, condition in service.get("depends_on", {}).items()}
    expected = {
        name: "service_healthy" if BY_NAME[name].kind is Kind.SERVICE else "service_completed_successfully" for name in process.needs
    }
    assert expected.items() <= awaited.items()


@pytest.mark.parametrize("process", [row for row in PROCESSES if row.kind is Kind.SERVICE], ids=lambda process: process.name)
def test_a_service_is_checked_and_stopped_as_the_supervisor_does(process: Process) -> None:
    service = SERVICES[process.name]
    assert service["healthcheck"]["test"] == ["CMD", "python", "-m", "local.health", process.name]
    assert process.name in CHECKS
    assert service["stop_signal"] == process.stop_signal.name
    assert service["stop_grace_period"] == f"{process.stop_seconds:g}s"


def test_ports_are_published_on_the_loopback_interface_alone() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published == ["127.0.0.1:4566:4566", "127.0.0.1:8883:8883", "127.0.0.1:8000:8000", "127.0.0.1:8080:8080"]


def test_the_services_settings_are_settings_and_find_each_other() -> None:
    for service in SERVICES.values():
        settings = Settings.from_environment(service["environment"])
        assert (settings.aws_endpoint, settings.mqtt_host, settings.mqtt_port) == ("http://127.0.0.1:4566", "127.0.0.1", 8883)
        assert settings.aws_port == 4566
        assert service.get("network_mode", "service:emulator") == "service:emulator"


def test_airflow_in_containers_is_reached_through_the_shared_network(tmp_path: Any) -> None:
    environment = SERVICES["airflow-scheduler"]["environment"] | {"FLEETLAKE_HOME": str(tmp_path)}
    chosen = variables(Settings.from_environment(environment))
    assert chosen["AIRFLOW__API__HOST"] == "0.0.0.0"
    assert chosen["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:8080/execution/"


def test_the_image_does_not_run_as_root_and_holds_every_package() -> None:
    assert re.search(r"^USER (?!root|0)\w+$", dockerfile(), re.MULTILINE)
    copied = set(re.findall(r"^COPY --chown=\S+ (\w+) \1$", dockerfile(), re.MULTILINE))
    packages = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    assert copied == {package.split(".")[0] for package in packages} | {"contracts", "dags"}
    ignored = (REPOSITORY / ".dockerignore").read_text().split()
    assert {f"!{folder}" for folder in copied} <= set(ignored)


def test_a_part_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(UsageError, match="kafka is none; there are emulator, worker, api, airflow"):
        processes_of(["emulator", "kafka"])


def test_every_need_is_a_row_of_the_same_table_before_it() -> None:
    seen: set[str] = set()
    for process in PROCESSES:
        assert seen.issuperset(process.needs)
        seen.add(process.name)
    assert all(BY_NAME.keys() >= set(process.uses) for process in PROCESSES)
