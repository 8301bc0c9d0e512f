"""The templates of a configuration, synthesised once for all tests of a session that ask for it."""

import atexit
import functools
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime.settings import REPOSITORY

# Two deployments that differ in everything the configuration lets differ.
DEV: Mapping[str, str] = {}
PROD: Mapping[str, str] = {
    "profile": "prod",
    "instance": "live",
    "nat": "none",
    "ingestion": "fargate",
    "alarm_email": "on-call@example.com",
}
# And one of an account that may still use LiveAnalytics.
LIVE: Mapping[str, str] = {"profile": "prod", "instance": "live", "time_series": "timestream", "live_analytics": "yes"}


@dataclass(frozen=True)
class Finding:
    pack: str
    rule: str
    resource: str


@dataclass(frozen=True)
class Synthesis:
    """`templates` by stack; `findings` are all that the packs of rules say, what is kept among them."""

    folder: Path
    templates: Mapping[str, Mapping[str, Any]]
    findings: frozenset[Finding]
    # Rule and resource of what the app keeps of them.
    kept: frozenset[tuple[str, str]]

    def resources(self, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Stack and logical id, and properties, of each resource of a type."""
        for stack, template in self.templates.items():
            for name, resource in template["Resources"].items():
                if resource["Type"] == kind:
                    yield f"{stack}/{name}", resource.get("Properties", {})


def context(**changes: str) -> dict[str, Any]:
    """That of cdk.json, with changes; an empty one leaves its key out."""
    told = json.loads((REPOSITORY / "cdk.json").read_text())["context"] | changes
    return {name: value for name, value in told.items() if not (name in changes and value == "")}


@functools.cache
def synthesised(profile: str) -> Synthesis:
    """Of `dev`, `prod` or `live`. Packages are not built for it: the templates are the same."""
    import aws_cdk as cdk
    import cdk_nag

    from infra.app import synthesise
    from infra.nag import kept

    os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
    folder = Path(tempfile.mkdtemp(prefix="synthesis-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    told = context(**{"dev": DEV, "prod": PROD, "live": LIVE}[profile]) | {"aws:cdk:bundling-stacks": []}
    deployment = synthesise(told, str(folder))
    packs = (cdk_nag.AwsSolutionsChecks, cdk_nag.NIST80053R5Checks, cdk_nag.HIPAASecurityChecks, cdk_nag.PCIDSS321Checks)
    cdk.Validations.of(deployment.app).add_plugins(*(pack(deployment.app) for pack in packs))
    try:
        deployment.app.synth()
    except RuntimeError as error:
        # Nothing is acknowledged here: that it finds something is what the tests of it look at.
        if "ValidationFailed" not in str(error) and "Validation failed" not in str(error):
            raise
    known = frozenset((each.rule, each.resource) for each in kept(deployment.app))
    return Synthesis(folder, _templates(folder), frozenset(_findings(folder)), known)


def listed(value: Any) -> list[Any]:
    """CloudFormation takes one thing without a list around it."""
    return value if isinstance(value, list) else [value]


def _templates(folder: Path) -> dict[str, Any]:
    return {file.name.removesuffix(".template.json"): json.loads(file.read_text()) for file in sorted(folder.glob("*.template.json"))}


def _findings(folder: Path) -> Iterator[Finding]:
    for report in json.loads((folder / "validation-report.json").read_text())["pluginReports"]:
        for violation in report["violations"]:
            for construct in violation["violatingConstructs"]:
                yield Finding(report["pluginName"], violation["ruleName"], construct["constructPath"])
