"""The packages as the stacks take them: code of functions, archives for buckets, images.

The CDK builds them itself while it synthesises, by the command of `infra/packaging`, and knows each by a hash of its sources: the same
sources give the same template, and what is built already is not built again. With the context ``aws:cdk:bundling-stacks=[]`` nothing is.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import jsii
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3_deployment as deployment
from constructs import Construct

from infra.packaging import images
from infra.packaging.airflow_bundle import AIRFLOW, AIRFLOW_VERSION, REQUIREMENTS, startup_script
from infra.packaging.functions import API as API_CONTENTS
from infra.packaging.functions import INGEST as INGEST_CONTENTS
from infra.packaging.package import Package, digest
from infra.packaging.spark_archive import EMR_RELEASE, SPARK
from runtime.settings import PREFIX, REPOSITORY

__all__ = [
    "AIRFLOW_VERSION",
    "API",
    "EMR_RELEASE",
    "INGEST",
    "AirflowFiles",
    "FunctionPackage",
    "airflow_bundle",
    "api_image",
    "spark_archive",
    "training_image",
    "worker_image",
]

_ARCHITECTURE = "arm64"
# Of SageMaker's ml.m5 (runtime/aws_tasks.py).
_TRAINING_PLATFORM = ecr_assets.Platform.LINUX_AMD64
# A folder that is never empty and always there: the CDK wants one, and takes nothing from it.
_ANY_FOLDER = str(REPOSITORY / "contracts")


@dataclass(frozen=True)
class FunctionPackage:
    contents: Package
    runtime: lambda_.Runtime = lambda_.Runtime.PYTHON_3_12
    architecture: lambda_.Architecture = lambda_.Architecture.ARM_64

    def code(self) -> lambda_.Code:
        return lambda_.Code.from_asset(_ANY_FOLDER, **_built(self.contents, ""))


INGEST = FunctionPackage(INGEST_CONTENTS)
API = FunctionPackage(API_CONTENTS)


def spark_archive() -> deployment.ISource:
    """``emr/`` of the bucket."""
    return deployment.Source.asset(_ANY_FOLDER, **_built(SPARK, "emr"))


def airflow_bundle() -> deployment.ISource:
    """``airflow/`` of the bucket."""
    return deployment.Source.asset(_ANY_FOLDER, **_built(AIRFLOW, "airflow"))


@dataclass(frozen=True)
class AirflowFiles:
    """Keys of ``startup.sh``, with settings that may be tokens, and of ``requirements.txt``, and what puts both there.

    MWAA takes a new text only where its version or its key is another: the key holds a digest of what stands in it. Those in the bundle itself
    are for who deploys it without the CDK.
    """

    startup: str
    requirements: str
    sources: tuple[deployment.ISource, ...]

    @classmethod
    def of(cls, stack: cdk.Stack, variables: Mapping[str, str]) -> "AirflowFiles":
        startup = f"airflow/startup-{_digest(stack.resolve(dict(variables)))}.sh"
        requirements = f"airflow/requirements-{_digest(REQUIREMENTS)}.txt"
        texts = {startup: startup_script(variables), requirements: REQUIREMENTS}
        return cls(startup, requirements, tuple(deployment.Source.data(key, text) for key, text in texts.items()))


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def api_image() -> ecs.ContainerImage:
    return _on_fargate(images.API)


def worker_image() -> ecs.ContainerImage:
    return _on_fargate(images.WORKER)


def _on_fargate(image: images.Image) -> ecs.ContainerImage:
    return ecs.ContainerImage.from_asset(str(REPOSITORY), **_image(image), platform=ecr_assets.Platform.LINUX_ARM64)


def training_image(scope: Construct) -> str:
    """Address of the image in the account's registry."""
    asset = ecr_assets.DockerImageAsset(
        scope, "TrainingImage", directory=str(REPOSITORY), **_image(images.TRAINING), platform=_TRAINING_PLATFORM
    )
    return asset.image_uri


def _built(package: Package, folder: str) -> dict[str, Any]:
    """Arguments of an asset that is `package`, in `folder` of it."""
    return {
        "asset_hash": digest(package.sources(), _ARCHITECTURE, folder),
        "asset_hash_type": cdk.AssetHashType.CUSTOM,
        "bundling": cdk.BundlingOptions(
            # Asked for and never used: the command needs no engine.
            image=cdk.DockerImage.from_registry("scratch"),
            local=_Command(package.name, folder),
            output_type=cdk.BundlingOutput.NOT_ARCHIVED,
        ),
    }


def _image(image: images.Image) -> dict[str, Any]:
    """Of the checkout only what the Dockerfile copies."""
    return {
        "file": image.dockerfile.relative_to(REPOSITORY).as_posix(),
        "exclude": ["*", *(f"!{path}" for path in image.context()), "**/__pycache__"],
        "ignore_mode": cdk.IgnoreMode.DOCKER,
    }


@jsii.implements(cdk.ILocalBundling)
class _Command:
    """``python -m infra.packaging NAME`` into the folder that the CDK gives."""

    def __init__(self, name: str, folder: str) -> None:
        self._name, self._folder = name, folder

    def try_bundle(self, output_dir: str, _options: object = None, **_: object) -> bool:
        with tempfile.TemporaryDirectory(prefix="fleetlake-package-") as out:
            command = [sys.executable, "-m", "infra.packaging", self._name, "--architecture", _ARCHITECTURE, "--out", out]
            # The settings of whoever synthesises are no part of a package.
            environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
            # What it prints is for people; on standard output the CDK speaks with its own process.
            subprocess.run(command, check=True, cwd=REPOSITORY, stdout=sys.stderr, env=environment)
            target = Path(output_dir) / self._folder
            shutil.copytree(Path(out) / self._name, target, dirs_exist_ok=True, symlinks=True)
        return True
