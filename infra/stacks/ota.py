"""OtaStack: where firmware lies, so that nobody changes what a device was told to load, and the tables of versions and rollouts."""

import aws_cdk as cdk
from aws_cdk import aws_backup as backup
from aws_cdk import aws_s3 as s3
from constructs import Construct

from fleet.tables import FIRMWARE, ROLLOUTS
from infra.base_stack import BaseStack
from infra.constructs.api_tables import ApiTables
from infra.constructs.backups import backed_up
from infra.constructs.data_bucket import DataBucket
from infra.names import Names
from infra.stacks.foundation import FoundationStack


class OtaStack(BaseStack):
    def __init__(self, scope: Construct, construct_id: str, names: Names, foundation: FoundationStack) -> None:
        super().__init__(scope, construct_id, names, "firmware and its rollouts")
        bucket = DataBucket(
            self,
            "Firmware",
            name=names.bucket("firmware"),
            key=foundation.key,
            access_logs=foundation.access_logs,
            removal=self.removal,
            object_lock_enabled=True,
            object_lock_default_retention=s3.ObjectLockRetention.governance(cdk.Duration.days(self.profile.firmware_lock_days)),
        )
        tables = ApiTables(self, "Tables", names, foundation.key, (FIRMWARE, ROLLOUTS), self.removal)
        backed_up(self, names, [backup.BackupResource.from_arn(bucket.bucket_arn), *tables.backup_resources])
