"""Roles that services of AWS take for us: none of our Python runs under them."""

import dataclasses
from collections.abc import Mapping

from fleet.tables import TABLES
from infra.permissions.grant import Grant, RolePermissions
from infra.permissions.resources import METRICS, Resources, no_resource, prefixed

_IOT = ("iot.amazonaws.com",)
# The log group of AWS IoT, which has the same name in every account.
# https://docs.aws.amazon.com/iot/latest/developerguide/cloud-watch-logs.html
IOT_LOGS = "AWSIotLogsV2"


def roles(of: Resources) -> Mapping[str, RolePermissions]:
    settings = of.names.settings
    return {
        "telemetry-rule": _rule(of, "The rule of telemetry, to its queues", settings.telemetry_queue, settings.error_queue),
        "shadow-rule": _rule(of, "The rules of shadows, to their queues", settings.shadow_queue, settings.shadow_dead_letter_queue),
        "provisioning": _provisioning(of),
        "device-logging": _device_logging(of),
        "device-defender": _device_defender(of),
        "schedule": RolePermissions(
            "The schedule of the function that writes fleet shadows",
            ("scheduler.amazonaws.com",),
            (Grant(("lambda:InvokeFunction",), (of.names.arn("lambda", f"function:{of.names.of('fleet-shadow')}"),)),),
        ),
        "backup": _backup(of),
        "restore": _restore(of),
        "api-execution": _execution(of, "api"),
        "worker-execution": _execution(of, "worker"),
        "flow-logs": RolePermissions(
            "The network: writes its flow log",
            ("vpc-flow-logs.amazonaws.com",),
            (
                of.logs(of.names.log_group("flow-logs")),
                Grant(("logs:DescribeLogStreams",), (of.names.arn("logs", "log-group:*"),)),
                _log_groups(),
            ),
        ),
        "gateway-logs": RolePermissions(
            "API Gateway: writes the access logs of the account's APIs",
            ("apigateway.amazonaws.com",),
            (
                Grant(
                    prefixed("CreateLogGroup CreateLogStream DescribeLogStreams PutLogEvents GetLogEvents FilterLogEvents", "logs"),
                    (of.names.arn("logs", "log-group:*"),),
                ),
                _log_groups(),
            ),
        ),
        "trail": RolePermissions(
            "CloudTrail: writes who read and wrote the lake to its log",
            ("cloudtrail.amazonaws.com",),
            (of.logs(of.names.log_group("trail")),),
        ),
    }


def _log_groups() -> Grant:
    return Grant(("logs:DescribeLogGroups",), ("*",), why=no_resource("amazoncloudwatchlogs"))


def _execution(of: Resources, service: str) -> RolePermissions:
    return RolePermissions(
        f"ECS: pulls the image of the service {service}, writes its log",
        ("ecs-tasks.amazonaws.com",),
        (*of.images(), of.logs(of.names.log_group(service))),
    )


def _rule(of: Resources, what: str, *queues: str) -> RolePermissions:
    return RolePermissions(
        what,
        _IOT,
        (
            Grant(("sqs:SendMessage",), tuple(of.names.queue_arn(queue) for queue in queues)),
            of.key("sqs", "Decrypt", "GenerateDataKey"),
        ),
    )


def _provisioning(of: Resources) -> RolePermissions:
    """Of the template's thing, certificate and policy."""
    things, groups, certificates = of.iot("thing/*"), of.iot(f"thinggroup/{of.names.of('devices')}"), of.iot("cert/*")
    return RolePermissions(
        "Fleet provisioning: a device's own thing and certificate for one of the claim",
        _IOT,
        (
            Grant(prefixed("CreateThing DescribeThing UpdateThing ListThingGroupsForThing ListThingPrincipals", "iot"), things),
            Grant(("iot:AddThingToThingGroup",), (*things, *groups)),
            Grant(("iot:DescribeThingGroup",), groups),
            Grant(("iot:DescribeThingType",), of.iot(f"thingtype/{of.names.of('device')}")),
            Grant(
                prefixed("AttachPolicy AttachThingPrincipal DescribeCertificate ListPrincipalThings UpdateCertificate", "iot"), certificates
            ),
            Grant(("iot:GetPolicy",), of.iot(f"policy/{of.names.settings.device_policy}")),
            Grant(prefixed("ListAttachedPolicies RegisterThing", "iot"), ("*",), why=no_resource("awsiot")),
        ),
    )


def _device_logging(of: Resources) -> RolePermissions:
    group = of.names.arn("logs", f"log-group:{IOT_LOGS}:*")
    return RolePermissions(
        "AWS IoT: writes its log of devices",
        _IOT,
        (Grant(prefixed("CreateLogGroup CreateLogStream PutLogEvents PutMetricFilter PutRetentionPolicy", "logs"), (group,)),),
    )


def _device_defender(of: Resources) -> RolePermissions:
    names = of.names
    account = f"arn:{names.partition}:iam::{names.configuration.account}"
    return RolePermissions(
        "Device Defender: audits the account's devices, policies and roles, and tells what it finds",
        _IOT,
        (
            Grant(
                prefixed(
                    "GetLoggingOptions GetV2LoggingOptions ListCACertificates ListCertificates ListPolicies ListRoleAliases",
                    "iot",
                ),
                ("*",),
                why=no_resource("awsiot"),
            ),
            Grant(("iot:DescribeCACertificate",), of.iot("cacert/*")),
            Grant(prefixed("DescribeCertificate GetEffectivePolicies", "iot"), of.iot("cert/*")),
            Grant(("iot:GetPolicy",), of.iot("policy/*")),
            Grant(("iot:DescribeRoleAlias",), of.iot("rolealias/*")),
            Grant(("cognito-identity:GetIdentityPoolRoles",), (names.arn("cognito-identity", "identitypool/*"),)),
            Grant(
                prefixed("GetRole GetRolePolicy ListRolePolicies ListAttachedRolePolicies GenerateServiceLastAccessedDetails", "iam"),
                (f"{account}:role/*",),
            ),
            Grant(prefixed("GetPolicy GetPolicyVersion", "iam"), (f"{account}:policy/*", f"arn:{names.partition}:iam::aws:policy/*")),
            Grant(("iam:GetServiceLastAccessedDetails",), ("*",), why=no_resource("awsidentityandaccessmanagementiam")),
            Grant(("sns:Publish",), (names.topic_arn,)),
            of.key("sns", "Decrypt", "GenerateDataKey"),
        ),
    )


def _backup(of: Resources) -> RolePermissions:
    names = of.names
    tables = tuple(names.table_arn(table) for table in TABLES)
    buckets = tuple(names.bucket_arn(bucket) for bucket in ("lake", "firmware"))
    rules = names.arn("events", "rule/AwsBackupManagedRule*")
    return RolePermissions(
        "AWS Backup: tables and buckets, into the deployment's vault",
        ("backup.amazonaws.com",),
        (
            Grant(prefixed("DescribeTable CreateBackup StartAwsBackupJob ListTagsOfResource", "dynamodb"), tables),
            Grant(prefixed("DescribeBackup DeleteBackup", "dynamodb"), tuple(f"{table}/backup/*" for table in tables)),
            Grant(
                prefixed(
                    "GetBucketAcl GetBucketLocation GetBucketNotification GetBucketTagging GetBucketVersioning GetInventoryConfiguration"
                    " ListBucket ListBucketVersions PutBucketNotification PutInventoryConfiguration",
                    "s3",
                ),
                buckets,
            ),
            Grant(
                prefixed("GetObject GetObjectAcl GetObjectTagging GetObjectVersion GetObjectVersionAcl GetObjectVersionTagging", "s3"),
                tuple(f"{bucket}/*" for bucket in buckets),
            ),
            Grant(
                prefixed("DeleteRule DescribeRule DisableRule EnableRule ListTargetsByRule PutRule PutTargets RemoveTargets", "events"),
                (rules,),
            ),
            Grant(("events:ListRules",), ("*",), why=no_resource("amazoneventbridge")),
            Grant(("cloudwatch:GetMetricData",), ("*",), why=METRICS),
            Grant(
                prefixed("CopyIntoBackupVault DescribeBackupVault", "backup"), (names.arn("backup", f"backup-vault:{names.of('backups')}"),)
            ),
            of.key("dynamodb s3 backup", "Decrypt", "DescribeKey", "GenerateDataKey"),
        ),
    )


def _restore(of: Resources) -> RolePermissions:
    """Beside what is there, under names of its own: nothing that runs is overwritten by a restore."""
    names = of.names
    restored = names.of("restored-*")
    table, bucket = names.arn("dynamodb", f"table/{restored}"), f"arn:{names.partition}:s3:::{restored}"
    return RolePermissions(
        "AWS Backup: brings tables and buckets back, beside those that are there",
        ("backup.amazonaws.com",),
        (
            Grant(
                prefixed(
                    "BatchWriteItem DeleteItem DescribeTable GetItem PutItem Query RestoreTableFromAwsBackup Scan UpdateItem", "dynamodb"
                ),
                (table,),
            ),
            Grant(("dynamodb:RestoreTableFromBackup",), (table, *(f"{names.table_arn(each)}/backup/*" for each in TABLES))),
            Grant(
                prefixed(
                    "CreateBucket GetBucketLocation GetBucketOwnershipControls GetBucketVersioning ListBucket ListBucketVersions"
                    " PutBucketOwnershipControls PutBucketVersioning",
                    "s3",
                ),
                (bucket,),
            ),
            Grant(
                prefixed(
                    "DeleteObject GetObject GetObjectAcl GetObjectTagging GetObjectVersion GetObjectVersionAcl ListMultipartUploadParts"
                    " PutObject PutObjectAcl PutObjectTagging PutObjectVersionAcl",
                    "s3",
                ),
                (f"{bucket}/*",),
            ),
            of.key("dynamodb s3 backup", "Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo"),
            _granting(of),
        ),
    )


def _granting(of: Resources) -> Grant:
    """DynamoDB uses the key of a table by a grant, which whoever makes the table gives it."""
    key = of.key("dynamodb", "CreateGrant")
    return dataclasses.replace(key, conditions={**key.conditions, "Bool": {"kms:GrantIsForAWSResource": "true"}})
