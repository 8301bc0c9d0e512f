"""What the stacks take, as the CDK synthesises it: by itself, or without building anything, the template is one."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from runtime.settings import REPOSITORY

pytestmark = [pytest.mark.long, pytest.mark.skipif(find_spec("aws_cdk") is None, reason="needs aws-cdk-lib")]

# A process of its own: the CDK's takes a second process with it, and ends with ours.
SYNTH = """
import sys
import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs, aws_lambda, aws_s3, aws_s3_deployment
from infra import packages

def synthesise(how):
    app = cdk.App(outdir=f"{sys.argv[1]}/{how}", context={"aws:cdk:bundling-stacks": ["Whole"] if how == "built" else []})
    stack = cdk.Stack(app, "Whole")
    sources = [packages.airflow_bundle(), *packages.AirflowFiles.of(stack, {"FLEETLAKE_EMR_APPLICATION": stack.stack_id}).sources]
    if how == "unbuilt":
        # Hundreds of megabytes where they are built.
        sources.append(packages.spark_archive())
        for package in (packages.INGEST, packages.API):
            name, code = package.contents.name, package.code()
            aws_lambda.Function(stack, name, runtime=package.runtime, architecture=package.architecture, handler="a.b", code=code)
        ecs.FargateTaskDefinition(stack, "Task").add_container("api", image=packages.api_image())
        ecs.FargateTaskDefinition(stack, "Worker").add_container("worker", image=packages.worker_image())
        cdk.CfnOutput(stack, "Training", value=packages.training_image(stack))
    aws_s3_deployment.BucketDeployment(stack, "Publish", sources=sources, destination_bucket=aws_s3.Bucket(stack, "Bucket"))
    app.synth()

synthesise("built")
synthesise("unbuilt")
"""


@pytest.fixture(scope="module")
def synthesised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders `built` and `unbuilt` of what the CDK wrote."""
    out = tmp_path_factory.mktemp("synthesised")
    done = subprocess.run([sys.executable, "-c", SYNTH, str(out)], cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr
    return out


def resources_in(folder: Path) -> dict[str, Any]:
    resources: dict[str, Any] = json.loads((folder / "Whole.template.json").read_text())["Resources"]
    return resources


def of_type(resources: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [resource["Properties"] for resource in resources.values() if resource["Type"] == kind]


def keys(resources: dict[str, Any]) -> list[str]:
    (published,) = of_type(resources, "Custom::CDKBucketDeployment")
    return [str(key) for key in published["SourceObjectKeys"]]


def test_a_package_is_built_by_synth_itself_and_has_the_key_that_it_has_where_nothing_is_built(synthesised: Path) -> None:
    built, unbuilt = (keys(resources_in(synthesised / how)) for how in ("built", "unbuilt"))
    # Of Spark's archive only the unbuilt one is there.
    assert len(built) == 3
    assert built == unbuilt[:3]
    name = f"asset.{built[0].removesuffix('.zip')}"
    assert {path.name for path in (synthesised / "built" / name / "airflow").iterdir()} == {"dags", "requirements.txt", "startup.sh"}
    assert not (synthesised / "unbuilt" / name).exists()


def test_functions_and_images_are_for_the_processors_that_the_stacks_ask_for(synthesised: Path) -> None:
    functions = of_type(resources_in(synthesised / "unbuilt"), "AWS::Lambda::Function")
    ours = [(function["Runtime"], function["Architectures"]) for function in functions if function["Handler"] == "a.b"]
    assert ours == [("python3.12", ["arm64"])] * 2
    assets = json.loads((synthesised / "unbuilt" / "Whole.assets.json").read_text())["dockerImages"].values()
    assert {(image["source"]["dockerFile"], image["source"]["platform"]) for image in assets} == {
        ("infra/images/api.Dockerfile", "linux/arm64"),
        ("infra/images/worker.Dockerfile", "linux/arm64"),
        ("infra/images/training.Dockerfile", "linux/amd64"),
    }
