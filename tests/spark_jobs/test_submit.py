"""A Spark job as Airflow starts it: spark-submit with the zip, its log, its exit code, and nothing left behind when killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lake.contracts import load_contracts
from runtime.errors import NO_RETRY
from runtime.settings import REPOSITORY
from spark_jobs.session import SparkLake
from tests.cloud import Cloud, running_cloud
from tests.spark import put_bronze, reading
from tests.waiting import eventually

pytestmark = [pytest.mark.spark, pytest.mark.cloud]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running_cloud(tmp_path_factory.mktemp("cloud"), ("emulator",)) as running:
        yield running


def lake_of(cloud: Cloud) -> SparkLake:
    # No session: the job has its own.
    return SparkLake(None, cloud.platform, load_contracts(cloud.settings.contracts_folder))  # type: ignore[arg-type]


def start(cloud: Cloud, *arguments: str, **options: Any) -> "subprocess.Popen[str]":
    environment = {**os.environ, **cloud.settings.environment()}
    command = cloud.platform.spark_command(arguments)
    return subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    )


def submitted(cloud: Cloud, *arguments: str) -> tuple[int, str]:
    job = start(cloud, *arguments)
    output, _ = job.communicate(timeout=180)
    return job.returncode, output


def test_a_failing_job_ends_with_its_sentence_and_no_traceback(cloud: Cloud) -> None:
    lake = lake_of(cloud)
    key = put_bronze(lake, "pump", [reading(lake.contracts["pump"])])
    file = Path(cloud.platform.object_uri(key).removeprefix("file://"))
    file.write_bytes(b"damaged")
    code, output = submitted(cloud, "reconcile", "--contract", "pump", "--run-id", "dag__run")
    assert code == 1
    assert f"silver.pump: not every object is accounted for: bronze objects cannot be read: {key}" in output
    assert "Traceback" not in output
    assert "\tat " not in output


def test_an_unknown_contract_is_one_line(cloud: Cloud) -> None:
    code, output = submitted(cloud, "silver", "--contract", "lift", "--run-id", "dag__run")
    assert code == NO_RETRY
    assert "contract lift: there is none; the folder has environment, maintenance, pump, turbofan" in output
    assert "Traceback" not in output


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_job_whose_starter_dies_leaves_no_process(cloud: Cloud, end: signal.Signals, tmp_path: Path) -> None:
    lake = lake_of(cloud)
    put_bronze(lake, "maintenance", [reading(lake.contracts["maintenance"], seq=int(end))])
    # As Airflow's task does: a process that starts the job and waits for it.
    command = cloud.platform.spark_command(["silver", "--contract", "maintenance", "--run-id", f"killed{int(end)}"])
    starter = subprocess.Popen(
        [sys.executable, "-c", f"import subprocess; subprocess.run({command!r})"],
        cwd=REPOSITORY,
        env={**os.environ, **cloud.settings.environment()},
        stdout=(tmp_path / "log").open("w"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        driver = eventually(
            lambda: [pid for pid in descendants(starter.pid) if "main.py" in (said := words(pid)) and "python" in said.split()[0]],
            60,
            "the driver runs",
        )
        every = descendants(starter.pid)
        assert len(every) > len(driver), "the JVM and its driver"
        os.kill(starter.pid, end)
        starter.wait(10)
        eventually(lambda: not [pid for pid in every if words(pid)], 20, f"all of {[words(pid) for pid in every]} are gone")
    finally:
        for pid in descendants(starter.pid):
            os.kill(pid, signal.SIGKILL)


def descendants(pid: int) -> list[int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found = [pid]
    for ancestor in found:
        found += [child for child, parent in parents.items() if parent == ancestor]
    return found[1:]


def words(pid: int) -> str:
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
