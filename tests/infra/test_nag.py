"""cdk-nag's packs: AWS Solutions and NIST 800-53 R5 find nothing but what is kept, each for one resource and one rule with its reason."""

import dataclasses
from collections import Counter
from datetime import date

from infra.permissions import Grant
from infra.suppressions import Suppression, suppressions
from infra.wildcards import wildcards
from tests.infra.synthesis import PROD, Synthesis, synthesised

_HELD = ("AwsSolutions", "NIST.800.53.R5")


def found(synthesis: Synthesis) -> set[tuple[str, str]]:
    return {(finding.rule, finding.resource) for finding in synthesis.findings if finding.pack in _HELD}


def test_the_packs_looked_at_the_templates(cloud_side: Synthesis) -> None:
    """Nothing is acknowledged in this synthesis: packs that find nothing at all did not run."""
    assert {finding.pack for finding in cloud_side.findings} >= {*_HELD, "HIPAA.Security", "PCI.DSS.321"}


def test_what_is_found_is_kept_with_a_reason(cloud_side: Synthesis) -> None:
    assert found(cloud_side) - cloud_side.kept == set()


def test_what_is_kept_is_still_found_in_one_of_the_profiles() -> None:
    all_of_them = [synthesised(name) for name in ("dev", "prod", "live")]
    kept = set().union(*(each.kept for each in all_of_them))
    assert kept - set().union(*(found(each) for each in all_of_them)) == set()


def test_a_suppression_is_for_one_rule_and_one_resource_once() -> None:
    counted = Counter((each.rule, each.resource) for each in suppressions())
    assert [key for key, count in counted.items() if count > 1] == []
    assert all("*" not in each.resource and each.resource.count("/") >= 1 for each in suppressions())


def test_each_suppression_has_a_reason_and_a_date() -> None:
    for each in suppressions():
        assert len(each.reason.split()) >= 6, each
        assert date(2026, 11, 1) <= each.since <= date.today(), each  # noqa: DTZ011 - the day it stands in the file
    assert {field.name for field in dataclasses.fields(Suppression)} == {"rule", "resource", "reason", "since"}


def test_a_wildcard_that_nobody_has_given_a_reason_is_not_kept() -> None:
    of_nobody = Grant(("s3:GetObject",), ("arn:aws:s3:::*", "*", "arn:aws:s3:::lake/bronze/*"))
    assert dict(wildcards([of_nobody])).keys() == {"arn:aws:s3:::lake/bronze/*"}
    assert dict(wildcards([Grant(("iot:DescribeEndpoint",), ("*",), why="the service knows no resource")])) == {
        "*": "the service knows no resource"
    }


def test_the_other_packs_are_reported(cloud_side: Synthesis) -> None:
    """HIPAA's and PCI's findings hold nothing; what they are an operator reads in the report that `make cloud-report` writes."""
    reported = Counter(finding.pack for finding in cloud_side.findings)
    assert reported["HIPAA.Security"] > 0
    assert reported["PCI.DSS.321"] > 0
    assert PROD["profile"] == "prod"
