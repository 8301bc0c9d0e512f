"""The images' Dockerfiles: pinned, not root's, and what they install is enough for what they start."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from infra.packaging.images import API, IMAGES, WORKER, Image, engine_here, main
from runtime.errors import SetupError
from runtime.settings import REPOSITORY
from tests.infra.packaging import dockerfile

pytestmark = pytest.mark.long

DOCKERFILES = [REPOSITORY / "Dockerfile", *(image.dockerfile for image in IMAGES)]


def started(ran: dockerfile.Ran, program: str) -> subprocess.CompletedProcess[str]:
    """`program` by the image's Python, where and as its command would run."""
    place, root = ran.image.inside("."), str(ran.image.root)
    variables = {name: value for name, value in ran.image.variables.items() if name != "PATH"}
    return subprocess.run(
        [str(place / ".venv" / "bin" / "python"), "-c", program],
        cwd=place,
        env=variables | {"HOME": root, "AWS_EC2_METADATA_DISABLED": "true"},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


# The server's module, all parts, and what they import when they are asked.
SERVES = """
import services.server
from runtime.platforms import current_platform
from runtime.settings import Settings
from services.application import create
from services.composition import Services
paths = set(create(Services(current_platform(Settings.from_environment()))).openapi()["paths"])
assert {"/health", "/api/v1/devices/{device_id}/telemetry", "/api/v1/lake/query", "/devices/{device_id}/shadow", "/users"} <= paths, paths
import lake.query_duckdb, pandas, pyiceberg.catalog.glue, pyiceberg.io.pyarrow, services.telemetry.worker, uvloop, duckdb
print("serves", duckdb.__file__)
"""
# The worker's modules, and what they import when messages come.
INGESTS = """
import ingestion.worker_process, ingestion.worker, runtime.heartbeat, runtime.aws, boto3, pyarrow.parquet
from ingestion.contract_folder import ContractFolder
from runtime.settings import Settings
assert ContractFolder(Settings.from_environment().contracts_folder).contracts()
print("ingests", pyarrow.__file__)
"""
TRAINS = "import models.train, models.rul, lightgbm, sklearn, pyiceberg.catalog.glue, pandas; print('trains', lightgbm.__file__)"


def test_the_api_image_installs_what_it_serves(tmp_path: Path) -> None:
    ran = bare(API, tmp_path)
    done = started(ran, SERVES)
    assert done.returncode == 0, done.stderr
    assert f"serves {tmp_path}/image/opt/fleetlake/.venv/lib/" in done.stdout
    assert ran.left == ["useradd"]
    assert (ran.image.user, ran.image.command) == ("fleetlake", '["python", "-m", "services.server"]')


def test_the_worker_image_installs_what_it_ingests_with(tmp_path: Path) -> None:
    ran = bare(WORKER, tmp_path)
    done = started(ran, INGESTS)
    assert done.returncode == 0, done.stderr
    assert f"ingests {tmp_path}/image/opt/fleetlake/.venv/lib/" in done.stdout
    assert (ran.left, ran.image.user, ran.image.command) == (["useradd"], "fleetlake", '["python", "-m", "ingestion.worker"]')


def bare(image: Image, folder: Path) -> dockerfile.Ran:
    """From the installer's cache and without bytecode: the same files, sooner. `make proof-packages` runs them as they stand."""
    cache = os.environ.get("UV_CACHE_DIR") or str(Path.home() / ".cache" / "uv")
    return dockerfile.run(image.dockerfile, folder, {"UV_NO_CACHE": "0", "UV_COMPILE_BYTECODE": "0", "UV_CACHE_DIR": cache})


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: str(file.relative_to(REPOSITORY)))
def test_every_image_is_pinned_slim_and_not_roots(file: Path) -> None:
    steps = dockerfile.steps(file)
    bases = [rest.partition(" AS ")[0] for word, rest in steps if word == "FROM"]
    assert bases
    assert [base for base in bases if not re.fullmatch(r"python:3\.11\.\d+-slim-[a-z]+", base)] == []
    assert [rest for word, rest in steps if word == "USER"] == ["fleetlake"]
    installs = [rest for word, rest in steps if word == "RUN" and ("pip install" in rest or "pip sync" in rest)]
    assert installs
    assert [rest for rest in installs if "--require-hashes" not in rest] == []


def test_of_the_checkout_an_image_takes_what_its_dockerfile_copies() -> None:
    assert API.context() == [
        *("contracts", "fleet", "infra/images/api.Dockerfile", "lake", "pyproject.toml"),
        *("requirements/api-image.lock", "requirements/uv.lock", "runtime", "services"),
    ]


def test_without_an_engine_it_is_said_and_nothing_is_built(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main() == 1
    assert capsys.readouterr() == (
        "",
        "images: there is no docker and no podman; building an image needs one. `make packages` needs none\n",
    )


def test_an_engine_that_does_not_answer_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    engine(tmp_path / "docker", "exit 1")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupError, match="docker is installed and its engine does not answer"):
        engine_here()


def test_all_images_are_built_where_an_engine_answers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    engine(tmp_path / "podman", f'echo "$@" >> {tmp_path}/calls; [ "$1" = image ] && echo 1048576; exit 0')
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main() == 0
    assert capsys.readouterr().out == "".join(f"fleetlake-{image.name}: 1.0 MiB for {image.platform}\n" for image in IMAGES)
    builds = [line for line in (tmp_path / "calls").read_text().splitlines() if line.startswith("build ")]
    assert builds == [
        f"build --platform {image.platform} --file {image.dockerfile} --tag fleetlake-{image.name} {REPOSITORY}" for image in IMAGES
    ]


def engine(file: Path, script: str) -> None:
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def test_the_folder_that_fargate_mounts_is_one_that_the_image_declares() -> None:
    """A mounted folder is root's alone there, but where the image says that it is a volume: then it keeps the image's mode, which for /tmp is everybody's."""
    declared = [re.findall(r'^VOLUME \["([^"]+)"\]$', image.dockerfile.read_text(), re.MULTILINE) for image in (API, WORKER)]
    template = json.loads((REPOSITORY / "infra" / "templates" / "EcsApiStack.template.json").read_text())
    tasks = [each["Properties"] for each in template["Resources"].values() if each["Type"] == "AWS::ECS::TaskDefinition"]
    mounted = [point["ContainerPath"] for task in tasks for container in task["ContainerDefinitions"] for point in container["MountPoints"]]
    assert mounted == ["/tmp"]
    assert declared == [mounted, mounted]
    assert all(container["ReadonlyRootFilesystem"] for task in tasks for container in task["ContainerDefinitions"])
