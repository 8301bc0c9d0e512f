"""cdk-nag over the app: AWS Solutions and NIST 800-53 R5 must find nothing that is not kept, for one resource and one rule, with a reason."""

from collections.abc import Iterator

import aws_cdk as cdk
import cdk_nag

from infra.constructs.service_role import ServiceRole
from infra.suppressions import FIRST, Suppression, suppressions
from infra.wildcards import wildcards


def check(app: cdk.App) -> None:
    """Findings make `app.synth()` raise, and stand in validation-report.json of its output."""
    cdk.Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks(app), cdk_nag.NIST80053R5Checks(app))
    constructs = {construct.node.path: construct for construct in app.node.find_all()}
    for suppression in kept(app):
        # Other configurations have fewer resources: what is not there has nothing to keep.
        if construct := constructs.get(suppression.resource):
            reason = f"{suppression.reason} (since {suppression.since:%Y-%m-%d})"
            cdk.Validations.of(construct).acknowledge(cdk.Acknowledgment(id=suppression.rule, reason=reason))


def kept(app: cdk.App) -> Iterator[Suppression]:
    """Those that are written down, and the wildcards of our roles' policies, whose reasons stand beside the patterns."""
    yield from suppressions()
    for construct in app.node.find_all():
        if isinstance(construct, ServiceRole):
            for path, grants in construct.policies.items():
                for resource, reason in wildcards(grants):
                    yield Suppression(f"AwsSolutions-IAM5[Resource::{resource}]", path, reason, FIRST)
