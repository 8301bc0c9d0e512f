"""Our own rules over every template, of both profiles: what a bank's auditor would look for first."""

import dataclasses
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fleet.tables import TABLES
from infra.configuration import Configuration
from infra.names import Names
from infra.permissions.aws_services import IOT_LOGS
from runtime.settings import Settings
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
    wild = [(name, action) for name, statement in found for action in listed(statement["Action"]) if "*" in action]
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


def test_objects_of_bronze_and_quarantine_can_only_be_written_once(cloud_side: Synthesis) -> None:
    of_lake = [p for name, p in cloud_side.resources("AWS::S3::BucketPolicy") if name.startswith("LakeStack/Lake")]
    (denied,) = [each for each in of_lake[0]["PolicyDocument"]["Statement"] if each.get("Sid") == "ObjectsAreWrittenOnce"]
    assert denied["Effect"] == "Deny"
    assert denied["Action"] == "s3:PutObject"
    assert denied["Condition"] == {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}}
    assert [json.dumps(each).rpartition("/")[0].rpartition("/")[2] for each in denied["Resource"]] == ["bronze", "quarantine"]


def test_one_of_function_and_worker_takes_from_the_queues(cloud_side: Synthesis) -> None:
    """Both at once would lose nothing and write the half of every batch as an object of its own, and the worker does not start then."""
    services = dict(cloud_side.resources("AWS::ECS::Service"))
    enabled = {name: p["Enabled"] for name, p in cloud_side.resources("AWS::Lambda::EventSourceMapping") if name.startswith("IotPocStack/")}
    assert len(enabled) == 2
    workers = [name for name, service in services.items() if service["ServiceName"].endswith("-worker")]
    assert set(enabled.values()) == {not workers}
    for name in workers:
        # They are disabled before it begins, or ECS would take it for broken and roll back.
        resource = cloud_side.templates["IotPocStack"]["Resources"][name.partition("/")[2]]
        assert {each.partition("/")[2] for each in enabled} <= set(resource["DependsOn"])
    for name, service in services.items():
        rules = service["DeploymentConfiguration"]
        assert rules["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}, name
        assert (rules["MinimumHealthyPercent"], rules["MaximumPercent"]) == (100, 200), name


def test_ecs_waits_longer_for_a_worker_than_that_takes_to_give_back_what_it_holds(cloud_side: Synthesis) -> None:
    for name, task in cloud_side.resources("AWS::ECS::TaskDefinition"):
        (container,) = task["ContainerDefinitions"]
        assert container["ReadonlyRootFilesystem"] is True, name
        if container["Name"] == "worker":
            variables = {each["Name"]: each["Value"] for each in container["Environment"]}
            drain = float(variables.get("FLEETLAKE_DRAIN_SECONDS", Settings().drain_seconds))
            # Of Fargate the most is 120.
            assert drain < container["StopTimeout"] <= 120
            assert container["HealthCheck"]["Command"] == ["CMD", "python", "-m", "runtime.heartbeat", "worker"]


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


def test_no_service_of_aws_makes_a_log_group_by_itself(cloud_side: Synthesis) -> None:
    """They keep for ever what they write; training's alone are not ours to make, for all of an account's jobs share the group."""
    made = {properties["LogGroupName"] for _, properties in cloud_side.resources("AWS::Logs::LogGroup")}
    ((_, airflow),) = cloud_side.resources("AWS::MWAA::Environment")
    ((_, cluster),) = cloud_side.resources("AWS::ECS::Cluster")
    expected = {f"airflow-{airflow['Name']}-{component}" for component in ("DAGProcessing", "Scheduler", "Task", "WebServer", "Worker")}
    expected |= {f"/aws/ecs/containerinsights/{cluster['ClusterName']}/performance", IOT_LOGS}
    assert expected - made == set()
    functions = list(cloud_side.resources("AWS::Lambda::Function"))
    assert functions
    assert [name for name, properties in functions if "LogGroup" not in properties.get("LoggingConfig", {})] == []
    for name, stage in cloud_side.resources("AWS::ApiGateway::Stage"):
        # Execution logs would go to a group of API Gateway's own.
        assert all("LoggingLevel" not in setting for setting in stage.get("MethodSettings", ())), name
    for name, task in cloud_side.resources("AWS::ECS::TaskDefinition"):
        assert all("awslogs-group" in container["LogConfiguration"]["Options"] for container in task["ContainerDefinitions"]), name


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
        if key in names and isinstance(value, str) and resource["Type"] not in _NAMED_ELSEWHERE and value != IOT_LOGS
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
