"""The physical names of a deployment, each with its instance, and their ARNs.

They are the settings of the code that runs there: what a stack makes and what a process looks for is one value.
"""

from dataclasses import dataclass
from functools import cached_property

from fleet.tables import TABLES, Table
from infra.configuration import Configuration
from runtime.settings import Settings


@dataclass(frozen=True)
class Names:
    configuration: Configuration

    @cached_property
    def settings(self) -> Settings:
        """The settings that are known before anything is deployed; ids that AWS gives are outputs of their stacks."""
        name = self.of("")
        return Settings(
            platform="aws",
            region=self.configuration.region,
            account=self.configuration.account,
            lake_bucket=self.bucket("lake"),
            telemetry_queue=self.of("telemetry"),
            error_queue=self.of("telemetry-errors"),
            dead_letter_queue=self.of("telemetry-dead"),
            shadow_queue=self.of("shadows"),
            shadow_dead_letter_queue=self.of("shadows-dead"),
            alarm_topic=self.of("alarms"),
            rule_name=self.of("telemetry").replace("-", "_"),
            device_policy=self.of("device"),
            table_prefix=f"{name}-",
            visibility_seconds=self.visibility_seconds,
            emr_archive=f"s3://{self.bucket('artifacts')}/emr",
            time_series_store=self.configuration.time_series,
            influx_org="fleetlake",
            timestream_database=name,
            athena_workgroup=name,
            api_url=f"https://{self.configuration.domain_name}",
        )

    # Of the function that ingests, and how long Lambda gathers messages for it. AWS asks for six times the timeout, and that, as visibility.
    # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    ingest_timeout_seconds, ingest_window_seconds = 60, 20
    visibility_seconds = 6 * ingest_timeout_seconds + ingest_window_seconds

    def of(self, what: str) -> str:
        return "-".join(filter(None, ("fleetlake", self.configuration.instance, what)))

    def bucket(self, what: str) -> str:
        """Buckets have one name in the whole world."""
        return f"{self.of(what)}-{self.configuration.account}-{self.configuration.region}"

    # Others have other services and names; a region of them is refused.
    partition = "aws"

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.configuration.region}:{self.configuration.account}:{resource}"

    def bucket_arn(self, what: str) -> str:
        return f"arn:{self.partition}:s3:::{self.bucket(what)}"

    def role_arn(self, role: str) -> str:
        return f"arn:{self.partition}:iam::{self.configuration.account}:role/{self.of(role)}"

    def queue_arn(self, queue: str) -> str:
        return self.arn("sqs", queue)

    def table_arn(self, table: Table) -> str:
        return self.arn("dynamodb", f"table/{table.full_name(self.settings)}")

    @cached_property
    def table_arns(self) -> tuple[str, ...]:
        return tuple(self.table_arn(table) for table in TABLES)

    @cached_property
    def topic_arn(self) -> str:
        return self.arn("sns", self.settings.alarm_topic)

    def log_group(self, what: str) -> str:
        return f"/fleetlake/{self.configuration.instance}/{what}"
