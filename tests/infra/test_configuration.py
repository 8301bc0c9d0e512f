"""What a deployment is told, and what of it is refused with which sentence."""

import csv
import subprocess
import sys
from typing import Any

import pytest

from infra.configuration import LONGEST_INSTANCE, Configuration
from infra.names import Names
from runtime.errors import SettingsError
from runtime.settings import REPOSITORY
from tests.infra.regions import FILE, lacking
from tests.infra.synthesis import context


def refusal(**changes: Any) -> str:
    """What is said of cdk.json's own configuration with these changes, its lines but the first."""
    with pytest.raises(SettingsError) as refused:
        Configuration.from_context(context(**changes))
    head, *lines = str(refused.value).splitlines()
    assert head.startswith("configuration (cdk.json")
    return "\n".join(lines)


def test_the_configuration_of_cdk_json_is_whole() -> None:
    configuration = Configuration.from_context(context())
    assert (configuration.account, configuration.region, configuration.profile.name) == ("111122223333", "eu-central-1", "dev")
    assert configuration.has_nat
    assert Names(configuration).of("telemetry") == "fleetlake-dev-telemetry"


@pytest.mark.parametrize(
    "name",
    [
        "account",
        "region",
        "instance",
        "profile",
        "domain_name",
        "hosted_zone_name",
        "hosted_zone_id",
        "nat",
        "ingestion",
        "time_series",
        "live_analytics",
    ],
)
def test_what_is_missing_is_named_with_what_it_must_be(name: str) -> None:
    assert refusal(**{name: ""}).startswith(f"  {name} is missing; it must be ")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"account": "1234"}, "account is '1234'; it must be the 12 digits of the account"),
        # JSON without quotes.
        ({"account": 111122223333}, "account is 111122223333; it must be the 12 digits of the account; put it in quotes"),
        ({"region": "Frankfurt"}, "region is 'Frankfurt'; it must be an AWS region such as eu-central-1"),
        ({"instance": "Dev"}, "instance is 'Dev'; it must be 1 to 12 of a-z, 0-9 and -, a letter first, no - at its end, no two in a row"),
        ({"instance": "a--b"}, "instance is 'a--b'"),
        ({"instance": "dev-"}, "instance is 'dev-'"),
        ({"instance": "x" * (LONGEST_INSTANCE + 1)}, "it must be 1 to 12 of a-z"),
        ({"profile": "test"}, "profile is 'test'; it must be dev or prod"),
        ({"domain_name": "fleet"}, "domain_name is 'fleet'"),
        ({"domain_name": "-a.example.com"}, "domain_name is '-a.example.com'"),
        ({"domain_name": f"{'a' * 64}.example.com"}, "it must be the name of the APIs"),
        ({"domain_name": "fleet.example.org"}, "domain_name fleet.example.org is not in the hosted zone example.com"),
        # Not by its letters alone.
        ({"domain_name": "fleet.anexample.com"}, "domain_name fleet.anexample.com is not in the hosted zone example.com"),
        ({"hosted_zone_id": "/hostedzone/Z123"}, "hosted_zone_id is '/hostedzone/Z123'"),
        ({"nat": "two"}, "nat is 'two'; it must be one or none"),
        ({"time_series": "timestream"}, "live_analytics is no: Timestream for LiveAnalytics takes no new accounts since 2025-06-20"),
        (
            {"time_series": "timestream", "live_analytics": "yes", "region": "eu-north-1"},
            "time_series is timestream, which eu-north-1 does not have",
        ),
        ({"alarm_email": "me"}, "alarm_email is 'me'"),
        ({"alarm_email": "a@b.c;x"}, "alarm_email is 'a@b.c;x'"),
        ({"region": "cn-north-1"}, "region cn-north-1 is of another partition of AWS"),
        ({"region": "eu-central-9"}, "region eu-central-9 is none that infra/regions.csv lists"),
        ({"region": "eu-central-2"}, "region eu-central-2 has no AWS::IoT::AccountAuditConfiguration, no AWS::IoT::Logging, "),
        ({"region": "us-west-1"}, "region us-west-1 has no AWS::Timestream::InfluxDBInstance; choose one that has"),
        ({"ingestion": "worker"}, "ingestion is 'worker'; it must be lambda or fargate"),
        ({"region": "us-gov-west-1"}, "region us-gov-west-1 is of another partition of AWS"),
        ({"domain_name": f"{'a' * 60}.example.com"}, "domain_name has 72 characters; a certificate takes 64"),
        (
            {"time_series": "timestream", "live_analytics": "yes", "nat": "none"},
            "time_series is timestream and nat is none: it has no endpoint in a network",
        ),
        ({"domain": "fleet.example.com"}, "domain is no key of the configuration; domain_name is"),
        ({"live_analytic": "yes"}, "live_analytic is no key of the configuration; live_analytics is"),
    ],
)
def test_what_is_wrong_or_contradicts_itself_is_refused_with_the_reason(changes: dict[str, Any], said: str) -> None:
    assert said in refusal(**changes)


def test_what_a_region_lacks_is_what_cfn_lint_knows() -> None:
    with FILE.open(newline="") as file:
        committed = {row["region"]: row["lacks"] for row in csv.DictReader(file)}
    assert committed == lacking()
    assert committed["eu-central-1"] == ""


def test_a_store_that_the_region_has_not_holds_up_nobody_who_has_the_other() -> None:
    assert "InfluxDB" not in refusal(region="us-west-1", time_series="timestream", live_analytics="yes")


def test_everything_that_is_wrong_is_said_at_once() -> None:
    assert len(refusal(account="1", region="x", instance="").splitlines()) == 3


def test_a_key_of_the_cdk_or_of_the_user_is_no_slip() -> None:
    Configuration.from_context(context(**{"team": "fleet", "@aws-cdk/core:newStyleStackSynthesis": "true"}))


def test_the_longest_names_fit() -> None:
    configuration = Configuration.from_context(context(instance="a" * LONGEST_INSTANCE, region="ap-southeast-2"))
    # The longest that buckets may have, and the longest of a rule's role.
    assert len(Names(configuration).bucket("access-logs")) <= 63
    assert len(Names(configuration).of("telemetry-rule")) <= 64


def test_a_wrong_configuration_is_a_sentence_of_the_app_and_no_traceback() -> None:
    program = "import sys, infra.app as a, infra.configuration as c; sys.exit(a.main({'account': '1'}))"
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "account is '1'; it must be the 12 digits of the account" in done.stderr
    assert "Traceback" not in done.stderr
