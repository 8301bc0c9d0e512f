"""The templates as files: what CloudFormation's linter says, what is committed, what they tell the code."""

import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.base_stack import output_of
from infra.committed import COMMITTED, plain
from runtime.settings import PREFIX, REPOSITORY, Settings
from tests.infra.synthesis import Synthesis, context, synthesised

# W3005: CDK says what depends on what also where a reference says it already. W3697: LiveAnalytics is asked for, by an account that has it.
_NOT_OURS = ("W3005",)
_STACKS = {
    *("FoundationStack", "LakeStack", "IotPocStack", "AuthStack", "DeviceShadowStack", "EcsApiStack", "AnalyticsStack", "OtaStack"),
    "MonitoringStack",
}


def test_all_stacks_are_synthesised_by_their_names(cloud_side: Synthesis) -> None:
    assert set(cloud_side.templates) == _STACKS


def test_cloudformations_linter_finds_nothing(cloud_side: Synthesis) -> None:
    is_live_analytics = any(cloud_side.resources("AWS::Timestream::Database"))
    ignored = [*_NOT_OURS, *(["W3697"] if is_live_analytics else [])]
    files = sorted(str(file) for file in cloud_side.folder.glob("*.template.json"))
    command = [
        str(Path(sys.executable).parent / "cfn-lint"),
        "--regions",
        "eu-central-1",
        "--ignore-checks",
        *ignored,
        "--template",
        *files,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == ""
    assert done.returncode == 0


def test_the_linter_would_find_something(tmp_path: Path) -> None:
    wrong = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": "for ever"}}}}
    (tmp_path / "wrong.json").write_text(json.dumps(wrong))
    command = [str(Path(sys.executable).parent / "cfn-lint"), "--template", str(tmp_path / "wrong.json")]
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize("stack", sorted(_STACKS))
def test_the_committed_template_is_that_of_cdk_json(stack: str) -> None:
    """Whoever changes what is deployed sees it in the diff of the commit; `make templates` writes them anew."""
    committed = json.loads((COMMITTED / f"{stack}.template.json").read_text())
    assert committed == plain(synthesised("dev").templates[stack])


def test_what_is_committed_does_not_change_with_the_code_of_the_packages() -> None:
    digest = "0123456789abcdef" * 4
    assert plain({"S3Key": f"{digest}.zip"}) == plain({"S3Key": f"{'f' * 64}.zip"})
    assert plain({"S3Key": f"{digest}.zip"}) != plain({"S3Key": "other.zip"})


def outputs(synthesis: Synthesis) -> dict[str, Any]:
    """Value of each setting that is an output, by its variable."""
    found: dict[str, Any] = {}
    for template in synthesis.templates.values():
        for output in template.get("Outputs", {}).values():
            if str(output.get("Description", "")).startswith(PREFIX):
                found[output["Description"]] = output["Value"]
    return found


def test_the_outputs_are_the_settings_that_a_process_on_aws_needs(cloud_side: Synthesis) -> None:
    """Those that differ from their defaults, and those that are empty until AWS has made what they name."""
    ours, usual = _told_at_synth(cloud_side), Settings().environment()
    differ = {name for name, value in ours.items() if value != usual[name]} - {f"{PREFIX}PLATFORM"}
    made_by_aws = {"USER_POOL", "USER_POOL_CLIENT", "IDENTITY_POOL", "EMR_APPLICATION", "EMR_ROLE", "TRAINING_IMAGE", "TRAINING_ROLE"}
    made_by_aws |= {"TRAINING_SUBNETS", "TRAINING_SECURITY_GROUP"}
    if any(cloud_side.resources("AWS::Timestream::InfluxDBInstance")):
        made_by_aws |= {"INFLUX_URL", "INFLUX_TOKEN"}
    needed = differ | {PREFIX + name for name in made_by_aws}
    told = outputs(cloud_side)
    assert needed - set(told) == set()
    # And none that no process knows.
    assert set(told) <= {PREFIX + field.name.upper() for field in dataclasses.fields(Settings)}


def _told_at_synth(synthesis: Synthesis) -> dict[str, str]:
    """What the function that ingests is told, beside what AWS gives."""
    (variables,) = [
        p["Environment"]["Variables"] for name, p in synthesis.resources("AWS::Lambda::Function") if name.startswith("IotPocStack/")
    ]
    return {name: value for name, value in variables.items() if isinstance(value, str)} | {
        name: value for name, value in Settings().environment().items() if name not in variables
    }


def test_outputs_of_a_deployment_are_settings_of_a_process(tmp_path: Path) -> None:
    """`cdk deploy --outputs-file` and then `python -m infra.outputs` give a .env."""
    file = tmp_path / "outputs.json"
    told = {
        "AuthStack": {output_of("user_pool"): "eu-central-1_AbCdEf123", "ExportsOutputRefKey": "x"},
        "LakeStack": {output_of("lake_bucket"): "lake-1"},
    }
    file.write_text(json.dumps(told))
    done = subprocess.run([sys.executable, "-m", "infra.outputs", str(file)], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    variables = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert variables == {"FLEETLAKE_LAKE_BUCKET": "lake-1", "FLEETLAKE_PLATFORM": "aws", "FLEETLAKE_USER_POOL": "eu-central-1_AbCdEf123"}
    settings = Settings.from_environment(variables)
    assert (settings.platform, settings.lake_bucket, settings.user_pool) == ("aws", "lake-1", "eu-central-1_AbCdEf123")


def test_outputs_that_are_no_file_of_the_cdk_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "outputs.json"
    file.write_text("[]")
    done = subprocess.run([sys.executable, "-m", "infra.outputs", str(file)], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "is no file of `cdk deploy --outputs-file`" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.long
def test_the_command_that_cdk_runs_synthesises_everything_and_asks_the_account_nothing(tmp_path: Path) -> None:
    """With the context and the output folder as the CLI hands them over."""
    told = context() | {"aws:cdk:bundling-stacks": []}
    environment = os.environ | {
        "CDK_CONTEXT_JSON": json.dumps(told),
        "CDK_OUTDIR": str(tmp_path),
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
    }
    done = subprocess.run(
        [sys.executable, "-m", "infra.app"], cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert {file.name.removesuffix(".template.json") for file in tmp_path.glob("*.template.json")} == _STACKS
    # No lookup: the manifest asks the CLI for nothing of the account.
    assert not json.loads((tmp_path / "manifest.json").read_text()).get("missing")
    assert not re.search(r"\[Error\]|\[Warning\]", done.stderr)
