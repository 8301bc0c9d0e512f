"""What all other stacks stand on: the key, the network, the cluster of containers, the bucket of access logs, the topic of alarms."""

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_backup as backup
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.base_stack import BaseStack
from infra.constructs.data_key import DataKey
from infra.constructs.log_group import LogGroup
from infra.constructs.network import Network
from infra.constructs.service_role import ServiceRole
from infra.names import Names


class FoundationStack(BaseStack):
    def __init__(self, scope: Construct, construct_id: str, names: Names) -> None:
        super().__init__(scope, construct_id, names, "key, network, access logs, alarms")
        self.key = DataKey(self, "Key", names, self.removal)
        self.access_logs = self._access_logs()
        self.network = Network(self, "Network", names, self.key)
        self.cluster = self._cluster()
        self.alarms = self._alarms()
        # Each stack has a plan of its own, which keeps in this vault under this role: infra/constructs/backups.py.
        backup.BackupVault(self, "Backups", backup_vault_name=names.of("backups"), encryption_key=self.key, removal_policy=self.removal)
        ServiceRole(self, "BackupRole", names, "backup")
        ServiceRole(self, "RestoreRole", names, "restore")
        self._gateway_account()
        self.tell(
            region=names.configuration.region,
            account=names.configuration.account,
            alarm_topic=self.alarms.topic_arn,
            training_subnets=",".join(self.network.private_subnets),
        )

    def _gateway_account(self) -> None:
        """API Gateway writes logs under one role of the account in the region: without it a stage with access logs is refused.

        https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
        """
        apigateway.CfnAccount(self, "GatewayAccount", cloud_watch_role_arn=ServiceRole(self, "GatewayLogs", self.names, "gateway-logs").arn)

    def _cluster(self) -> ecs.Cluster:
        name = self.names.of("")
        # Container Insights would make it by itself, to be kept for ever.
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-reference-performance-logs-ECS.html
        insights = LogGroup(self, "Insights", self.names, self.key, f"/aws/ecs/containerinsights/{name}/performance")
        cluster = ecs.Cluster(
            self,
            "Cluster",
            cluster_name=name,
            vpc=self.network.vpc,
            container_insights_v2=ecs.ContainerInsights.ENABLED,
        )
        cluster.node.add_dependency(insights)
        return cluster

    def _access_logs(self) -> s3.Bucket:
        """S3 writes access logs only into a bucket that is encrypted with its own key.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
        """
        return s3.Bucket(
            self,
            "AccessLogs",
            bucket_name=self.names.bucket("access-logs"),
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            versioned=True,
            removal_policy=self.removal,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="expire",
                    expiration=cdk.Duration.days(self.profile.trail_days),
                    noncurrent_version_expiration=cdk.Duration.days(30),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(7),
                )
            ],
        )

    def _alarms(self) -> sns.Topic:
        topic = sns.Topic(self, "Alarms", topic_name=self.settings.alarm_topic, master_key=self.key, enforce_ssl=True)
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                conditions={"StringEquals": {"aws:SourceAccount": self.names.configuration.account}},
            )
        )
        if email := self.names.configuration.alarm_email:
            topic.add_subscription(subscriptions.EmailSubscription(email))
        return topic
