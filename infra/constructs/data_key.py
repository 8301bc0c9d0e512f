"""The one customer-managed key of a deployment, and which services of AWS may use it for us."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.names import Names

# Services that write or read encrypted things on behalf of the account: topics, queues, alarms, trails, the registries of others.
_SERVICES = ("sns", "sqs", "iot", "cloudwatch", "events", "cloudtrail", "delivery.logs", "backup", "airflow", "s3", "scheduler")


class DataKey(kms.Key):
    def __init__(self, scope: Construct, construct_id: str, names: Names, removal: cdk.RemovalPolicy) -> None:
        super().__init__(
            scope,
            construct_id,
            alias=names.of("data"),
            description=f"Everything that fleetlake {names.configuration.instance} keeps",
            enable_key_rotation=True,
            removal_policy=removal,
            pending_window=cdk.Duration.days(30),
        )
        use = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
        for service in _SERVICES:
            self._allow(f"{service}.amazonaws.com", use, {"StringEquals": {"aws:SourceAccount": names.configuration.account}})
        # A log group gives its ARN as context of the encryption, and no source account.
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
        groups = names.arn("logs", "log-group:*")
        self._allow(f"logs.{names.configuration.region}.amazonaws.com", use, {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}})

    def _allow(self, service: str, actions: list[str], conditions: dict[str, dict[str, str]]) -> None:
        # In a key's own policy * is the key.
        self.add_to_resource_policy(
            iam.PolicyStatement(actions=actions, resources=["*"], principals=[iam.ServicePrincipal(service)], conditions=conditions)
        )
