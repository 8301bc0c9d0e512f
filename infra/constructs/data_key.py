"""The one customer-managed key of a deployment. Roles use it by their own policies; services of AWS that take none, as it says here."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.names import Names


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
        account = names.configuration.account
        # Alarms are published to the topic.
        # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
        self._allow("cloudwatch", ["kms:Decrypt", "kms:GenerateDataKey*"], {"StringEquals": {"aws:SourceAccount": account}})
        # https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html
        trail = names.arn("cloudtrail", f"trail/{names.of('lake')}")
        self._allow("cloudtrail", ["kms:GenerateDataKey*", "kms:DescribeKey"], {"StringEquals": {"aws:SourceArn": trail}})
        # A log group gives its ARN as context of the encryption, and no source account.
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
        use = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
        groups = names.arn("logs", "log-group:*")
        self._allow(f"logs.{names.configuration.region}", use, {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}})

    def _allow(self, service: str, actions: list[str], conditions: dict[str, dict[str, str]]) -> None:
        # In a key's own policy * is the key.
        principal = iam.ServicePrincipal(f"{service}.amazonaws.com")
        self.add_to_resource_policy(iam.PolicyStatement(actions=actions, resources=["*"], principals=[principal], conditions=conditions))
