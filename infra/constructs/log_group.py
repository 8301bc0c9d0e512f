"""A log group: encrypted with our key, and forgotten after as many days as the profile says. What is in it goes with its stack."""

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.names import Names

# Of the numbers of days that CloudWatch takes, those that a profile may name.
_RETENTION = {30: logs.RetentionDays.ONE_MONTH, 90: logs.RetentionDays.THREE_MONTHS, 365: logs.RetentionDays.ONE_YEAR}


class LogGroup(logs.LogGroup):
    """Raises KeyError for days that are not listed above."""

    def __init__(self, scope: Construct, construct_id: str, names: Names, key: kms.IKey, name: str) -> None:
        super().__init__(
            scope,
            construct_id,
            log_group_name=name,
            retention=_RETENTION[names.configuration.profile.log_days],
            encryption_key=key,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
