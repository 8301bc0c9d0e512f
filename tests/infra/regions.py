"""infra/regions.csv: which regions of AWS lack which kinds of resources of ours, as cfn-lint's schemas know it: ``python -m tests.infra.regions``."""

import csv
from collections.abc import Mapping

from cfnlint.helpers import REGIONS  # type: ignore[import-untyped] # it has no types
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped] # it has no types

from runtime.settings import REPOSITORY
from tests.infra.synthesis import synthesised

FILE = REPOSITORY / "infra" / "regions.csv"
# Other partitions, which a configuration refuses as such.
_ELSEWHERE = ("cn-", "us-gov-", "us-iso", "eu-isoe-", "eusc-")
# The CDK's own, made of functions; and LiveAnalytics, whose regions AWS's own page lists.
_LEFT_OUT = ("Custom::", "AWS::CDK::", "AWS::CloudFormation::CustomResource", "AWS::Timestream::Database")


def lacking() -> Mapping[str, str]:
    """Kinds by region, one blank between them."""
    kinds = {
        resource["Type"]
        for profile in ("dev", "prod", "live")
        for template in synthesised(profile).templates.values()
        for resource in template["Resources"].values()
        if not resource["Type"].startswith(_LEFT_OUT)
    }
    regions = [region for region in REGIONS if not region.startswith(_ELSEWHERE)]
    return {region: " ".join(sorted(kinds - set(PROVIDER_SCHEMA_MANAGER.get_resource_types(region)))) for region in regions}


def main() -> None:
    # Before the file is emptied: a synthesis reads it.
    found = sorted(lacking().items())
    with FILE.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("region", "lacks"))
        writer.writerows(found)


if __name__ == "__main__":
    main()
