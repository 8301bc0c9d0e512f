"""cdk-nag over the app: AWS Solutions and NIST 800-53 R5 must find nothing that `infra/suppressions.py` does not keep."""

import aws_cdk as cdk
import cdk_nag

from infra.suppressions import suppressions


def check(app: cdk.App) -> None:
    """Findings make `app.synth()` raise, and stand in validation-report.json of its output."""
    cdk.Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks(app), cdk_nag.NIST80053R5Checks(app))
    keep(app)


def keep(app: cdk.App) -> None:
    """Acknowledge what is kept. Other configurations have fewer resources: what is not there has nothing to keep."""
    constructs = {construct.node.path: construct for construct in app.node.find_all()}
    for suppression in suppressions():
        if construct := constructs.get(suppression.resource):
            reason = f"{suppression.reason} (since {suppression.since:%Y-%m-%d})"
            cdk.Validations.of(construct).acknowledge(cdk.Acknowledgment(id=suppression.rule, reason=reason))
