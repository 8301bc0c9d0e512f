"""DynamoDB tables as `fleet/tables.py` declares them: on demand, encrypted with our key, restorable to any second."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_backup as backup
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from constructs import Construct

from fleet.tables import Table
from infra.names import Names


class ApiTables(Construct):
    def __init__(
        self, scope: Construct, construct_id: str, names: Names, key: kms.IKey, tables: Sequence[Table], removal: cdk.RemovalPolicy
    ) -> None:
        super().__init__(scope, construct_id)
        made = [_Table(self, names, key, table, removal) for table in tables]
        # For the plan of their stack.
        self.backup_resources = [backup.BackupResource.from_dynamo_db_table(table) for table in made]


class _Table(dynamodb.Table):
    def __init__(self, scope: Construct, names: Names, key: kms.IKey, table: Table, removal: cdk.RemovalPolicy) -> None:
        super().__init__(
            scope,
            "".join(part.capitalize() for part in table.name.split("-")),
            table_name=table.full_name(names.settings),
            partition_key=_key(table, table.partition_key),
            sort_key=_key(table, table.sort_key) if table.sort_key else None,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(point_in_time_recovery_enabled=True),
            time_to_live_attribute=table.expires or None,
            deletion_protection=names.configuration.profile.keeps_data,
            removal_policy=removal,
        )
        for index in table.indexes:
            self.add_global_secondary_index(
                index_name=index.name, partition_key=_key(table, index.partition_key), sort_key=_key(table, index.sort_key)
            )


def _key(table: Table, name: str) -> dynamodb.Attribute:
    kind = dynamodb.AttributeType.NUMBER if name in table.number_keys else dynamodb.AttributeType.STRING
    return dynamodb.Attribute(name=name, type=kind)
