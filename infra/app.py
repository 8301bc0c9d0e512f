"""The CDK app: ``cdk synth``, ``cdk deploy --all``. cdk.json says what is deployed where."""

import sys
from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk

from infra.configuration import Configuration
from infra.deployment import Deployment
from infra.nag import check
from runtime.errors import SettingsError


def synthesise(context: Mapping[str, Any], outdir: str | None = None) -> Deployment:
    """All stacks, not yet written out. Raises SettingsError where the configuration is not whole or contradicts itself."""
    # Nothing of the CDK itself in the templates.
    app = cdk.App(context=dict(context), outdir=outdir, analytics_reporting=False)
    return Deployment(app, Configuration.from_context(dict(app.node.get_all_context())))


def main(context: Mapping[str, Any] | None = None) -> int:
    """What `cdk` runs: it hands its context over by the environment."""
    try:
        deployment = synthesise(context or {})
    except SettingsError as error:
        # Without a traceback: it is the reader's own file that is wrong.
        sys.stderr.write(f"{error}\n")
        return 1
    check(deployment.app)
    deployment.app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
