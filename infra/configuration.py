"""What a deployment is told: the context of cdk.json, or of ``cdk -c name=value``, checked before anything is synthesised."""

import csv
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.profile import PROFILES, Profile
from runtime.errors import SettingsError

_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]+")
_LABEL = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_DOMAIN = re.compile(rf"({_LABEL}\.)+{_LABEL}")
# The longest physical name that holds it is that of a bucket, of 63 characters:
# fleetlake-{instance}-access-logs-{account}-{region}, with a region of 14.
LONGEST_INSTANCE = 12
# InfluxDB takes no two hyphens in a row.
_INSTANCE = re.compile(rf"(?=.{{1,{LONGEST_INSTANCE}}}$)[a-z][a-z0-9]*(-[a-z0-9]+)*")
# https://docs.aws.amazon.com/acm/latest/userguide/acm-limits.html
_LONGEST_DOMAIN = 64
# https://docs.aws.amazon.com/general/latest/gr/timestream.html
_LIVE_ANALYTICS_REGIONS = {
    *("us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-central-1"),
    *("ap-northeast-1", "ap-southeast-2", "ap-south-1"),
}
# Kinds of resources that a region lacks; `python -m tests.infra.regions` writes it from what cfn-lint knows.
_REGIONS = Path(__file__).with_name("regions.csv")
_INFLUX = "AWS::Timestream::InfluxDBInstance"


@dataclass(frozen=True)
class Configuration:
    account: str
    region: str
    # Part of every physical name, so that several deployments fit into one account.
    instance: str
    profile: Profile
    # Where the APIs are served, inside the hosted zone.
    domain_name: str
    hosted_zone_id: str
    hosted_zone_name: str
    has_nat: bool
    # What takes messages from the queues: lambda, or fargate, which costs less where messages never pause.
    ingestion: str
    # influxdb, or timestream (LiveAnalytics) for an account that may use it.
    time_series: str
    # Who hears of alarms first; empty: whoever subscribes to the topic.
    alarm_email: str

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> "Configuration":
        """Raises SettingsError that names everything that is missing, wrong or contradictory."""
        reading = _Reading(context)
        found = reading.configuration()
        if reading.refusals:
            raise SettingsError("configuration (cdk.json, or -c name=value):\n" + "\n".join(f"  {refusal}" for refusal in reading.refusals))
        return found


class _Reading:
    """The keys of the context, read one by one; what is wrong with them is kept until all are read."""

    def __init__(self, context: Mapping[str, Any]) -> None:
        self._context, self._asked = context, set[str]()
        self.refusals: list[str] = []

    def configuration(self) -> Configuration:
        account = self._text("account", "the 12 digits of the account", re.compile(r"[0-9]{12}"))
        region = self._text("region", "an AWS region such as eu-central-1", _REGION)
        instance = self._text(
            "instance", f"1 to {LONGEST_INSTANCE} of a-z, 0-9 and -, a letter first, no - at its end, no two in a row", _INSTANCE
        )
        profile = self._choice("profile", tuple(PROFILES))
        domain = self._text("domain_name", "the name of the APIs, such as fleet.example.com", _DOMAIN)
        zone = self._text("hosted_zone_name", "the name of a public hosted zone, such as example.com", _DOMAIN)
        zone_id = self._text("hosted_zone_id", "the id of that hosted zone, Z and up to 31 of A-Z and 0-9", re.compile(r"Z[A-Z0-9]{1,31}"))
        nat = self._choice("nat", ("one", "none"))
        ingestion = self._choice("ingestion", ("lambda", "fargate"))
        time_series = self._choice("time_series", ("influxdb", "timestream"))
        live_analytics = self._choice("live_analytics", ("yes", "no"))
        email = self._text("alarm_email", "an e-mail address, or empty", re.compile(r"|[\w.+-]+@[\w-]+(\.[\w-]+)+"), required=False)
        self._check_domain(domain, zone)
        self._check_time_series(time_series, live_analytics, region)
        if time_series == "timestream" and nat == "none":
            self.refusals.append(
                "time_series is timestream and nat is none: it has no endpoint in a network; set nat to one, or time_series to influxdb"
            )
        self._check_region(region, time_series)
        self._check_unknown()
        return Configuration(
            *(
                account,
                region,
                instance,
                PROFILES.get(profile, PROFILES["dev"]),
                domain,
                zone_id,
                zone,
                nat == "one",
                ingestion,
                time_series,
            ),
            alarm_email=email,
        )

    def _text(self, name: str, words: str, pattern: re.Pattern[str], required: bool = True) -> str:
        self._asked.add(name)
        value = self._context.get(name)
        if value is None or (value == "" and required):
            if required:
                self.refusals.append(f"{name} is missing; it must be {words}")
            return ""
        if not isinstance(value, str) or not pattern.fullmatch(value):
            # Not so strange: JSON without quotes takes the leading zeros of an account away.
            hint = "; put it in quotes" if isinstance(value, int) else ""
            self.refusals.append(f"{name} is {value!r}; it must be {words}{hint}")
            return ""
        return value

    def _choice(self, name: str, choices: tuple[str, ...]) -> str:
        return self._text(name, " or ".join(choices), re.compile("|".join(choices)))

    def _check_region(self, region: str, store: str) -> None:
        if region.startswith(("cn-", "us-gov-")):
            self.refusals.append(f"region {region} is of another partition of AWS, whose services and names these stacks do not know")
            return
        with _REGIONS.open(newline="") as file:
            known = {row["region"]: row["lacks"].split() for row in csv.DictReader(file)}
        if region and region not in known:
            self.refusals.append(f"region {region} is none that infra/regions.csv lists")
        if lacks := [kind for kind in known.get(region, ()) if kind != _INFLUX or store == "influxdb"]:
            self.refusals.append(f"region {region} has no {', no '.join(lacks)}; choose one that has")

    def _check_domain(self, domain: str, zone: str) -> None:
        if len(domain) > _LONGEST_DOMAIN:
            self.refusals.append(f"domain_name has {len(domain)} characters; a certificate takes {_LONGEST_DOMAIN}")
        if domain and zone and domain != zone and not domain.endswith(f".{zone}"):
            self.refusals.append(f"domain_name {domain} is not in the hosted zone {zone}; its certificate could not be validated there")

    def _check_time_series(self, store: str, may_use: str, region: str) -> None:
        if store != "timestream":
            return
        if may_use == "no":
            self.refusals.append(
                "time_series is timestream and live_analytics is no: Timestream for LiveAnalytics takes no new accounts since"
                " 2025-06-20; set time_series to influxdb, or live_analytics to yes where the account had it before"
            )
        if region and region not in _LIVE_ANALYTICS_REGIONS:
            self.refusals.append(f"time_series is timestream, which {region} does not have; set time_series to influxdb")

    def _check_unknown(self) -> None:
        """A key that is nearly one of ours is a slip; others belong to the CDK or to the user."""
        for name in sorted(set(self._context) - self._asked):
            if meant := difflib.get_close_matches(name, self._asked, n=1, cutoff=0.7):
                self.refusals.append(f"{name} is no key of the configuration; {meant[0]} is")
