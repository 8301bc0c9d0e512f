"""Our own rules over every template, of both profiles: what a bank's auditor would look for first."""

import dataclasses
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fleet.tables import TABLES
from infra.configuration import Configuration
from infra.names import Names
from tests.infra.synthesis import Synthesis, context, listed

# Names within another name, or of AWS's own.
_NAMED_ELSEWHERE = ("AWS::Cognito::UserPoolGroup", "AWS::EC2::VPCEndpoint", "AWS::ApplicationAutoScaling::ScalingPolicy")
_SECRET = re.compile(r"(AKIA|ASIA)[A-Z0-9]{16}|-----BEGIN|(password|secret|token)['\"]?\s*[:=]\s*['\"]?[A-Za-z0-9/+]{12,}", re.IGNORECASE)


def statements(cloud_side: Synthesis) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Of every policy of IAM: who it is of, and a statement."""
    for kind in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"):
        for name, properties in cloud_side.resources(kind):
            yield from ((name, statement) for statement in listed(properties["PolicyDocument"]["Statement"]))
    for name, properties in cloud_side.resources("AWS::IAM::Role"):
        for policy in properties.get("Policies", ()):
            yield from ((name, statement) for statement in listed(policy["PolicyDocument"]["Statement"]))


def test_no_action_of_iam_is_a_wildcard(cloud_side: Synthesis) -> None:
    found = list(statements(cloud_side))
    assert len(found) > 30
    wild = [(name, action) for name, statement in found for action in listed(statement["Action"]) if action == "*" or action.endswith(":*")]
    assert wild == []


def test_a_device_may_do_everything_only_under_its_own_name(cloud_side: Synthesis) -> None:
    ((_, policy),) = cloud_side.resources("AWS::IoT::Policy")
    for statement in policy["PolicyDocument"]["Statement"]:
        assert all(not action.endswith("*") for action in statement["Action"])
        for resource in statement["Resource"]:
            assert resource != "*"
            # A * may stand behind the device's own name alone.
            assert "${iot:" in resource, resource
            assert "*" not in resource[: resource.index("${iot:")], resource
        assert statement["Condition"] == {"Bool": {"iot:Connection.Thing.IsAttached": ["true"]}}


def test_every_rule_of_iot_has_an_error_action_to_another_queue(cloud_side: Synthesis) -> None:
    rules = list(cloud_side.resources("AWS::IoT::TopicRule"))
    assert len(rules) == 5
    for name, properties in rules:
        payload = properties["TopicRulePayload"]
        (action,) = payload["Actions"]
        assert payload["ErrorAction"]["Sqs"]["QueueUrl"] != action["Sqs"]["QueueUrl"], name


def test_every_queue_that_somebody_takes_from_gives_up_to_a_dead_letter_queue(cloud_side: Synthesis) -> None:
    queues = dict(cloud_side.resources("AWS::SQS::Queue"))
    gives_up_to = {name: _target(name, properties) for name, properties in queues.items() if "RedrivePolicy" in properties}
    # What nothing gives up to must give up itself.
    assert set(queues) - set(gives_up_to.values()) == set(gives_up_to)
    assert len(gives_up_to) == 3
    for name, dead in gives_up_to.items():
        assert queues[name]["RedrivePolicy"]["maxReceiveCount"] >= 5, name
        # A dead letter must outlive what waits.
        assert queues[dead]["MessageRetentionPeriod"] > queues[name]["MessageRetentionPeriod"], name


def _target(name: str, properties: Mapping[str, Any]) -> str:
    return f"{name.partition('/')[0]}/{properties['RedrivePolicy']['deadLetterTargetArn']['Fn::GetAtt'][0]}"


def test_a_queue_hides_a_message_for_six_times_as_long_as_the_function_may_take(cloud_side: Synthesis) -> None:
    mappings = list(cloud_side.resources("AWS::Lambda::EventSourceMapping"))
    assert len(mappings) == 3
    for name, mapping in mappings:
        template = cloud_side.templates[name.partition("/")[0]]["Resources"]
        function = template[mapping["FunctionName"]["Fn::GetAtt"][0]]["Properties"]
        queue = template[mapping["EventSourceArn"]["Fn::GetAtt"][0]]["Properties"]
        assert queue["VisibilityTimeout"] >= 6 * function["Timeout"] + mapping.get("MaximumBatchingWindowInSeconds", 0), name
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"], name
        # SQS's pollers must find the function free, or they use messages up.
        assert mapping["ScalingConfig"]["MaximumConcurrency"] < function["ReservedConcurrentExecutions"], name


def test_everything_that_keeps_data_is_encrypted_with_our_key(cloud_side: Synthesis) -> None:
    encrypted: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
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
    }
    # Of each profile one of the two.
    stores = {"AWS::Timestream::Database", "AWS::SecretsManager::Secret"}
    assert len(stores & {kind for kind in stores if any(cloud_side.resources(kind))}) == 1
    for kind, holds in encrypted.items():
        found = list(cloud_side.resources(kind))
        assert found or kind in stores, kind
        assert [name for name, properties in found if not holds(properties)] == [], kind


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


def test_objects_of_bronze_and_quarantine_can_only_be_written_once(cloud_side: Synthesis) -> None:
    of_lake = [p for name, p in cloud_side.resources("AWS::S3::BucketPolicy") if name.startswith("LakeStack/Lake")]
    (denied,) = [each for each in of_lake[0]["PolicyDocument"]["Statement"] if each.get("Sid") == "ObjectsAreWrittenOnce"]
    assert denied["Effect"] == "Deny"
    assert denied["Action"] == "s3:PutObject"
    assert denied["Condition"] == {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}}
    assert [json.dumps(each).rpartition("/")[0].rpartition("/")[2] for each in denied["Resource"]] == ["bronze", "quarantine"]


def test_firmware_is_locked(cloud_side: Synthesis) -> None:
    (firmware,) = [p for name, p in cloud_side.resources("AWS::S3::Bucket") if name.startswith("OtaStack/")]
    assert firmware["ObjectLockEnabled"] is True
    assert firmware["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]["Mode"] == "GOVERNANCE"


def test_no_secret_stands_in_a_template(cloud_side: Synthesis) -> None:
    for stack, template in cloud_side.templates.items():
        text = json.dumps(template)
        found = [match[0] for match in _SECRET.finditer(text) if "resolve:secretsmanager" not in match[0] and "arn:" not in match[0]]
        assert found == [], stack
    for name, instance in cloud_side.resources("AWS::Timestream::InfluxDBInstance"):
        assert "{{resolve:secretsmanager:" in json.dumps(instance["Password"]), name


def test_every_log_group_forgets_in_the_end(cloud_side: Synthesis) -> None:
    groups = list(cloud_side.resources("AWS::Logs::LogGroup"))
    assert len(groups) >= 12
    assert [name for name, properties in groups if not properties.get("RetentionInDays")] == []


def test_tables_come_back_to_any_second_and_are_on_demand(cloud_side: Synthesis) -> None:
    tables = list(cloud_side.resources("AWS::DynamoDB::Table"))
    assert len(tables) == len(TABLES)
    for name, properties in tables:
        assert properties["BillingMode"] == "PAY_PER_REQUEST", name
        assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True, name


def test_every_physical_name_holds_the_instance(cloud_side: Synthesis) -> None:
    names = {
        "BucketName",
        "QueueName",
        "TableName",
        "TopicName",
        "FunctionName",
        "RoleName",
        "ManagedPolicyName",
        "RuleName",
        "PolicyName",
        "TrailName",
    }
    names |= {
        "AlarmName",
        "DashboardName",
        "ClusterName",
        "ServiceName",
        "UserPoolName",
        "IdentityPoolName",
        "GroupName",
        "LogGroupName",
        "SecurityProfileName",
    }
    instance = str(cloud_side.templates["FoundationStack"]["Description"]).split()[1].rstrip(":")
    found = [
        (stack, resource["Type"], value)
        for stack, template in cloud_side.templates.items()
        for resource in template["Resources"].values()
        for key, value in resource.get("Properties", {}).items()
        if key in names and isinstance(value, str) and resource["Type"] not in _NAMED_ELSEWHERE
    ]
    assert len(found) > 60
    assert [each for each in found if instance not in each[2]] == []


def test_a_production_deployment_keeps_its_data(cloud_side: Synthesis) -> None:
    is_production = "prod" in json.dumps(cloud_side.templates["FoundationStack"])
    kinds = (
        "AWS::DynamoDB::Table",
        "AWS::S3::Bucket",
        "AWS::Cognito::UserPool",
        "AWS::KMS::Key",
        "AWS::Glue::Database",
        "AWS::Backup::BackupVault",
    )
    policies = {
        f"{stack}/{name}": resource.get("DeletionPolicy")
        for stack, template in cloud_side.templates.items()
        for name, resource in template["Resources"].items()
        if resource["Type"] in kinds
    }
    expected = "Retain" if is_production else "Delete"
    assert {name: policy for name, policy in policies.items() if policy != expected} == {}


def test_names_of_the_laptop_and_of_aws_are_the_same_code() -> None:
    """A queue's name on AWS is the setting that its process reads, and no second spelling."""
    settings = Names(Configuration.from_context(context())).settings
    variables = settings.environment()
    assert variables["FLEETLAKE_TELEMETRY_QUEUE"] == "fleetlake-dev-telemetry"
    read = type(settings).from_environment(variables)
    # A folder is told as the machine that reads it finds it.
    assert dataclasses.replace(read, cache=settings.cache) == settings
