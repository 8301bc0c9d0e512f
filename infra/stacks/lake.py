"""The lake: its bucket, Glue's databases, Athena's workgroup, the trail of who read and wrote it, its backups."""

import aws_cdk as cdk
from aws_cdk import aws_athena as athena
from aws_cdk import aws_backup as backup
from aws_cdk import aws_cloudtrail as cloudtrail
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.base_stack import BaseStack
from infra.constructs.backups import backed_up
from infra.constructs.data_bucket import DataBucket
from infra.constructs.log_group import LogGroup
from infra.constructs.service_role import ServiceRole
from infra.names import Names
from infra.stacks.foundation import FoundationStack
from lake.contracts import load_contracts
from lake.layout import bronze_root, quarantine_root
from lake.tables import iceberg_tables
from runtime.settings import REPOSITORY

# What a query may scan at most: 100 GB are 0.50 dollars.
_SCAN_LIMIT = 100 * 10**9


class LakeStack(BaseStack):
    def __init__(self, scope: Construct, construct_id: str, names: Names, foundation: FoundationStack) -> None:
        super().__init__(scope, construct_id, names, "bucket, catalog, queries, trail")
        self._foundation = foundation
        self.bucket = self._lake_bucket()
        self._databases()
        self._workgroup()
        self._trail()
        backed_up(self, names, [backup.BackupResource.from_arn(self.bucket.bucket_arn)])
        self.tell(
            lake_bucket=self.settings.lake_bucket,
            athena_workgroup=self.settings.athena_workgroup,
            warehouse=f"s3://{self.settings.lake_bucket}/warehouse",
        )

    def _lake_bucket(self) -> DataBucket:
        bucket = self._bucket(
            "Lake",
            "lake",
            s3.LifecycleRule(
                id="cold",
                # Not to an archive: a rebuild reads objects of any age.
                transitions=[s3.Transition(storage_class=s3.StorageClass.INTELLIGENT_TIERING, transition_after=cdk.Duration.days(30))],
                # How long after a deletion, an erasure among them, an object can be brought back.
                noncurrent_version_expiration=cdk.Duration.days(30),
            ),
        )
        written_once = [f"{bucket.bucket_arn}/{prefix}*" for prefix in (bronze_root(), quarantine_root())]
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="ObjectsAreWrittenOnce",
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["s3:PutObject"],
                resources=written_once,
                conditions={"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}},
            )
        )
        return bucket

    def _bucket(self, construct_id: str, what: str, *lifecycle: s3.LifecycleRule) -> DataBucket:
        return DataBucket(
            self,
            construct_id,
            name=self.names.bucket(what),
            key=self._foundation.key,
            access_logs=self._foundation.access_logs,
            removal=self.removal,
            lifecycle=lifecycle,
        )

    def _databases(self) -> None:
        """Glue has no names within names: the namespaces of the tables are its databases, the same in every deployment of an account.

        Each holds what points to the tables' data: without it the files are there and no table is.
        """
        contracts = load_contracts(REPOSITORY / "contracts").values()
        for namespace in sorted({table.name.partition(".")[0] for table in iceberg_tables(contracts)}):
            glue.CfnDatabase(
                self,
                f"Database{namespace.capitalize()}",
                catalog_id=self.names.configuration.account,
                database_input=glue.CfnDatabase.DatabaseInputProperty(
                    name=namespace,
                    description=f"fleetlake's namespace {namespace}",
                    location_uri=f"s3://{self.settings.lake_bucket}/warehouse/{namespace}",
                ),
            ).apply_removal_policy(self.removal)

    def _workgroup(self) -> None:
        answers = self._bucket(
            "Answers",
            "answers",
            s3.LifecycleRule(id="expire", expiration=cdk.Duration.days(7), noncurrent_version_expiration=cdk.Duration.days(1)),
        )
        encryption = athena.CfnWorkGroup.EncryptionConfigurationProperty(encryption_option="SSE_KMS", kms_key=self._foundation.key.key_arn)
        athena.CfnWorkGroup(
            self,
            "Workgroup",
            name=self.settings.athena_workgroup,
            description="Queries of people and of the APIs over the lake",
            recursive_delete_option=not self.profile.keeps_data,
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=True,
                bytes_scanned_cutoff_per_query=_SCAN_LIMIT,
                engine_version=athena.CfnWorkGroup.EngineVersionProperty(selected_engine_version="Athena engine version 3"),
                result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                    output_location=f"s3://{answers.bucket_name}/", encryption_configuration=encryption
                ),
            ),
        )

    def _trail(self) -> None:
        bucket = self._bucket("TrailLogs", "trail", s3.LifecycleRule(id="expire", expiration=cdk.Duration.days(self.profile.trail_days)))
        group = LogGroup(self, "TrailGroup", self.names, self._foundation.key, self.names.log_group("trail"))
        name = self.names.of("lake")
        for action, resource in (("s3:GetBucketAcl", bucket.bucket_arn), ("s3:PutObject", f"{bucket.bucket_arn}/AWSLogs/*")):
            bucket.add_to_resource_policy(
                iam.PolicyStatement(
                    actions=[action],
                    resources=[resource],
                    principals=[iam.ServicePrincipal("cloudtrail.amazonaws.com")],
                    conditions={"StringEquals": {"aws:SourceArn": self.names.arn("cloudtrail", f"trail/{name}")}},
                )
            )
        objects = cloudtrail.CfnTrail.DataResourceProperty(
            type="AWS::S3::Object", values=[f"{self.bucket.bucket_arn}/", f"{self.names.bucket_arn('firmware')}/"]
        )
        trail = cloudtrail.CfnTrail(
            self,
            "Trail",
            trail_name=name,
            is_logging=True,
            s3_bucket_name=bucket.bucket_name,
            kms_key_id=self._foundation.key.key_arn,
            enable_log_file_validation=True,
            cloud_watch_logs_log_group_arn=group.log_group_arn,
            cloud_watch_logs_role_arn=ServiceRole(self, "TrailRole", self.names, "trail").arn,
            event_selectors=[
                cloudtrail.CfnTrail.EventSelectorProperty(data_resources=[objects], include_management_events=False, read_write_type="All")
            ],
        )
        if bucket.policy:
            trail.node.add_dependency(bucket.policy)
