"""The time-series store: Timestream for InfluxDB inside the network, or a database of Timestream for LiveAnalytics."""

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_timestream as timestream
from constructs import Construct

from infra.base_stack import BaseStack
from infra.stacks.foundation import FoundationStack

_PORT = 8086


class TimeSeriesStore(Construct):
    """`settings` is what a process must be told to find it; `admit` lets a security group in."""

    def __init__(self, scope: BaseStack, construct_id: str, foundation: FoundationStack) -> None:
        super().__init__(scope, construct_id)
        self._removal = scope.removal
        self._group: ec2.SecurityGroup | None = None
        self.settings: Mapping[str, str] = {}
        if scope.names.configuration.time_series == "influxdb":
            self.settings = self._influx(scope, foundation)
        else:
            timestream.CfnDatabase(
                self, "Database", database_name=scope.settings.timestream_database, kms_key_id=foundation.key.key_arn
            ).apply_removal_policy(scope.removal)

    def _influx(self, scope: BaseStack, foundation: FoundationStack) -> Mapping[str, str]:
        names, profile = scope.names, scope.profile
        self._group = ec2.SecurityGroup(
            self,
            "Group",
            vpc=foundation.network.vpc,
            security_group_name=names.of("influx"),
            description="InfluxDB: in from our own processes alone",
            allow_all_outbound=False,
        )
        password = self._secret(foundation, names.of("influx-password"), "The first user of the InfluxDB")
        # InfluxDB makes its tokens itself: docs/deploy.md says how this one comes to hold one.
        token = self._secret(foundation, names.of("influx-token"), "API token of the InfluxDB, for what writes and reads it")
        instance = timestream.CfnInfluxDBInstance(
            self,
            "Influx",
            name=names.of("series"),
            db_instance_type=profile.influx_class,
            db_storage_type="InfluxIOIncludedT1",
            allocated_storage=profile.influx_gib,
            deployment_type="WITH_MULTIAZ_STANDBY" if profile.influx_standby else "SINGLE_AZ",
            organization=names.settings.influx_org,
            bucket=names.settings.influx_bucket,
            username="fleetlake",
            password=password.secret_value.unsafe_unwrap(),
            port=_PORT,
            publicly_accessible=False,
            vpc_subnet_ids=foundation.network.private_subnets,
            vpc_security_group_ids=[self._group.security_group_id],
        )
        instance.apply_removal_policy(scope.removal)
        return {"influx_url": f"https://{instance.attr_endpoint}:{_PORT}", "influx_token": token.secret_arn}

    def _secret(self, foundation: FoundationStack, name: str, description: str) -> secretsmanager.Secret:
        return secretsmanager.Secret(
            self,
            "".join(part.capitalize() for part in name.split("-")[-2:]),
            secret_name=name,
            description=description,
            encryption_key=foundation.key,
            generate_secret_string=secretsmanager.SecretStringGenerator(exclude_punctuation=True, password_length=32),
            removal_policy=self._removal,
        )

    def admit(self, construct_id: str, group: ec2.ISecurityGroup) -> None:
        """Rules of ids, not of objects: those would tie the stacks in a ring."""
        if self._group is None:
            return
        scope = cdk.Stack.of(group)
        ec2.CfnSecurityGroupIngress(
            scope,
            f"{construct_id}MayReachInflux",
            group_id=self._group.security_group_id,
            source_security_group_id=group.security_group_id,
            ip_protocol="tcp",
            from_port=_PORT,
            to_port=_PORT,
            description="Reads or writes the time series",
        )
        ec2.CfnSecurityGroupEgress(
            scope,
            f"{construct_id}ToInflux",
            group_id=group.security_group_id,
            destination_security_group_id=self._group.security_group_id,
            ip_protocol="tcp",
            from_port=_PORT,
            to_port=_PORT,
            description="InfluxDB",
        )
