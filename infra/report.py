"""What the packs of cdk-nag that hold nothing up find: ``python -m infra.report [HIPAA.Security|PCI.DSS.321]``."""

import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import aws_cdk as cdk
import cdk_nag

from infra.app import synthesise
from runtime.settings import REPOSITORY


def main(packs: Sequence[str]) -> int:
    told = json.loads((REPOSITORY / "cdk.json").read_text())["context"] | {"aws:cdk:bundling-stacks": []}
    with tempfile.TemporaryDirectory() as folder:
        app = synthesise(told, folder).app
        cdk.Validations.of(app).add_plugins(cdk_nag.HIPAASecurityChecks(app), cdk_nag.PCIDSS321Checks(app))
        # Findings make it raise; they stand in its report, which is what was asked for.
        with suppress(RuntimeError):
            app.synth()
        report = json.loads((Path(folder) / "validation-report.json").read_text())
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for pack in report["pluginReports"]:
        if pack["pluginName"] in (packs or ("HIPAA.Security", "PCI.DSS.321")):
            for violation in pack["violations"]:
                found[violation["ruleName"], violation["description"]] += [
                    each["constructPath"] for each in violation["violatingConstructs"]
                ]
    for (rule, words), resources in sorted(found.items()):
        sys.stdout.write(f"{rule}: {words}\n" + "".join(f"    {resource}\n" for resource in sorted(resources)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
