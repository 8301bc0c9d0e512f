"""Configurations of deployments that tests of the infrastructure look at."""

from dataclasses import replace

from infra.configuration import Configuration
from infra.names import Names

CONTEXT = {
    "account": "123456789012",
    "region": "eu-central-1",
    "instance": "acme",
    "profile": "prod",
    "domain_name": "fleet.example.com",
    "hosted_zone_name": "example.com",
    "hosted_zone_id": "Z0123456789ABC",
    "availability_zones": "a,b",
    "nat": "none",
    "ingestion": "lambda",
    "time_series": "influxdb",
    "live_analytics": "yes",
}
TIME_SERIES = ("influxdb", "timestream")


def names(**changed: str) -> Names:
    """Of a deployment, with what a test wants otherwise; fields of `Configuration`."""
    return Names(replace(Configuration.from_context(CONTEXT), **changed))  # type: ignore[arg-type] # only texts are changed
