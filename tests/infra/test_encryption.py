"""What keeps data is encrypted with our key, and closed; a kind of resource that nobody has thought about fails."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.infra.synthesis import Synthesis

# Kinds that keep what is ours, and how it is seen that our key encrypts it.
_ENCRYPTED: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "AWS::SQS::Queue": lambda p: "KmsMasterKeyId" in p,
    "AWS::SNS::Topic": lambda p: "KmsMasterKeyId" in p,
    "AWS::DynamoDB::Table": lambda p: p["SSESpecification"]["SSEType"] == "KMS" and "KMSMasterKeyId" in p["SSESpecification"],
    "AWS::Logs::LogGroup": lambda p: "KmsKeyId" in p,
    "AWS::SecretsManager::Secret": lambda p: "KmsKeyId" in p,
    # The CDK's own hold nothing of ours.
    "AWS::Lambda::Function": lambda p: "KmsKeyArn" in p or "FLEETLAKE_PLATFORM" not in str(p),
    "AWS::MWAA::Environment": lambda p: "KmsKey" in p,
    "AWS::CloudTrail::Trail": lambda p: "KMSKeyId" in p,
    "AWS::Timestream::Database": lambda p: "KmsKeyId" in p,
    "AWS::Athena::WorkGroup": lambda p: "SSE_KMS" in str(p),
    "AWS::Backup::BackupVault": lambda p: "EncryptionKeyArn" in p,
    # The one bucket without it: test_buckets_are_closed_encrypted_versioned_and_take_tls_alone.
    "AWS::S3::Bucket": lambda p: "BucketEncryption" in p,
}
# Kinds that keep something under a key of AWS's own, for CloudFormation takes none: where it says so.
_ENCRYPTED_BY_AWS = {
    "AWS::Timestream::InfluxDBInstance": "https://docs.aws.amazon.com/timestream/latest/developerguide/security-influxdb.html",
    "AWS::Cognito::UserPool": "https://docs.aws.amazon.com/cognito/latest/developerguide/data-protection.html",
    "AWS::EMRServerless::Application": "https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/security-data-protection.html",
    "AWS::ECS::Service": "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-storage.html",
    "AWS::Glue::Database": "https://docs.aws.amazon.com/glue/latest/dg/encrypt-glue-data-catalog.html: a setting of the account",
}
# Services whose resources here are settings, rules and links: nothing that a user gave is kept in them.
_KEEPS_NOTHING = re.compile(
    r"AWS::(IAM|KMS|EC2|Route53|CertificateManager|ElasticLoadBalancingV2|ApplicationAutoScaling|WAFv2|Scheduler|IoT|ApiGateway|CloudWatch"
    r"|CDK)::.*|Custom::.*|AWS::ECS::(Cluster|ClusterCapacityProviderAssociations|TaskDefinition)|AWS::Lambda::(EventSourceMapping|EventInvokeConfig|Permission"
    r"|LayerVersion)|AWS::SQS::QueuePolicy|AWS::SNS::(TopicPolicy|Subscription)|AWS::S3::BucketPolicy|AWS::Backup::Backup(Plan|Selection)"
    r"|AWS::Cognito::(?!UserPool$).*|AWS::SecretsManager::ResourcePolicy"
)


def test_everything_that_keeps_data_is_encrypted_with_our_key(cloud_side: Synthesis) -> None:
    kinds = {resource["Type"] for template in cloud_side.templates.values() for resource in template["Resources"].values()}
    assert len(kinds) > 50
    # Each kind is one that somebody has thought about.
    assert {kind for kind in kinds - set(_ENCRYPTED) - set(_ENCRYPTED_BY_AWS) if not _KEEPS_NOTHING.fullmatch(kind)} == set()
    # Of each profile one of the two.
    stores = {"AWS::Timestream::Database", "AWS::SecretsManager::Secret"}
    assert set(_ENCRYPTED) - kinds < stores
    for kind, holds in _ENCRYPTED.items():
        assert [name for name, properties in cloud_side.resources(kind) if not holds(properties)] == [], kind


def test_the_key_is_used_by_services_of_aws_that_take_no_role_and_by_no_other(cloud_side: Synthesis) -> None:
    ((_, key),) = cloud_side.resources("AWS::KMS::Key")
    services = [each for each in key["KeyPolicy"]["Statement"] if "Service" in each["Principal"]]
    assert sorted(each["Principal"]["Service"].partition(".")[0] for each in services) == ["cloudtrail", "cloudwatch", "logs"]
    assert all(each["Condition"] for each in services)


def test_buckets_are_closed_encrypted_versioned_and_take_tls_alone(cloud_side: Synthesis) -> None:
    closed = dict.fromkeys(("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True)
    buckets = dict(cloud_side.resources("AWS::S3::Bucket"))
    assert len(buckets) == 6
    for name, properties in buckets.items():
        assert properties["PublicAccessBlockConfiguration"] == closed, name
        assert properties["VersioningConfiguration"] == {"Status": "Enabled"}, name
        (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        kind = rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"]
        # What S3 and load balancers write logs into knows no other.
        assert kind == ("AES256" if "AccessLogs" in name else "aws:kms"), name
    policies = dict(cloud_side.resources("AWS::S3::BucketPolicy"))
    assert len(policies) == len(buckets)
    for name, properties in policies.items():
        denied = [each for each in properties["PolicyDocument"]["Statement"] if each["Effect"] == "Deny"]
        assert any(each["Condition"] == {"Bool": {"aws:SecureTransport": "false"}} for each in denied), name
