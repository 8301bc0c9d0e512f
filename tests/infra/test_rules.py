"""Our own rules over every template, of both profiles: what a bank's auditor would look for first."""

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from fleet.tables import TABLES
from fleet.user_pool import APP_CLIENT, USER_POOL
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


# What CloudFormation spells as an empty object, and the CDK's own resource of what it publishes.
_EMPTY = re.compile(r".*\.(Allow|None|Count|Block|Capabilities)|AnalyticsStack/Publish.*\.SourceMarkers(Config)?\[[0-9]\]")


def test_no_property_has_lost_what_it_was_given(cloud_side: Synthesis) -> None:
    """A nested name that is spelled wrong is left out by the CDK without a word."""
    empty = [
        path
        for stack, template in cloud_side.templates.items()
        for name, resource in template["Resources"].items()
        for path in _empty(resource.get("Properties", {}), f"{stack}/{name}")
    ]
    assert [path for path in empty if not _EMPTY.fullmatch(path)] == []


def _empty(value: Any, path: str) -> Iterator[str]:
    if value == {}:
        yield path
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _empty(each, f"{path}.{name}")
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _empty(each, f"{path}[{number}]")


def test_the_user_pool_is_that_of_the_code(cloud_side: Synthesis) -> None:
    ((_, pool),) = cloud_side.resources("AWS::Cognito::UserPool")
    assert {name: pool[name] for name in USER_POOL} == USER_POOL
    ((_, client),) = cloud_side.resources("AWS::Cognito::UserPoolClient")
    assert {name: client[name] for name in APP_CLIENT} == APP_CLIENT


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
    expected = "RetainExceptOnCreate" if is_production else "Delete"
    assert {name: policy for name, policy in policies.items() if policy != expected} == {}


def test_names_of_the_laptop_and_of_aws_are_the_same_code() -> None:
    """A queue's name on AWS is the setting that its process reads, and no second spelling."""
    settings = Names(Configuration.from_context(context())).settings
    variables = settings.environment()
    assert variables["FLEETLAKE_TELEMETRY_QUEUE"] == "fleetlake-dev-telemetry"
    read = type(settings).from_environment(variables)
    # A folder is told as the machine that reads it finds it.
    assert dataclasses.replace(read, cache=settings.cache) == settings
