"""What stands in the templates, and what flows between it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Templates = Mapping[str, Mapping[str, Any]]
# Kind of resource: words for it, and the property that names it.
_SHOWN = {
    "AWS::IoT::TopicRule": ("IoT rule", "RuleName"),
    "AWS::IoT::Policy": ("policy of devices", "PolicyName"),
    "AWS::IoT::ProvisioningTemplate": ("fleet provisioning", "TemplateName"),
    "AWS::IoT::SecurityProfile": ("Device Defender", "SecurityProfileName"),
    "AWS::SQS::Queue": ("SQS queue", "QueueName"),
    "AWS::Lambda::Function": ("Lambda function", "FunctionName"),
    "AWS::Timestream::InfluxDBInstance": ("Timestream for InfluxDB", "Name"),
    "AWS::S3::Bucket": ("S3 bucket", "BucketName"),
    "AWS::Glue::Database": ("Glue database", "DatabaseInput.Name"),
    "AWS::Athena::WorkGroup": ("Athena workgroup", "Name"),
    "AWS::CloudTrail::Trail": ("CloudTrail: data events", "TrailName"),
    "AWS::DynamoDB::Table": ("DynamoDB table", "TableName"),
    "AWS::Cognito::UserPool": ("Cognito user pool", "UserPoolName"),
    "AWS::Cognito::IdentityPool": ("Cognito identity pool", "IdentityPoolName"),
    "AWS::ApiGateway::RestApi": ("API Gateway, WAF", "Name"),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("load balancer, WAF", "Name"),
    "AWS::ECS::Service": ("Fargate service", "ServiceName"),
    "AWS::Scheduler::Schedule": ("schedule", "Name"),
    "AWS::EMRServerless::Application": ("EMR Serverless", "Name"),
    "AWS::MWAA::Environment": ("MWAA: Airflow", "Name"),
    "AWS::KMS::Key": ("KMS key of everything", "Description"),
    "AWS::EC2::VPC": ("VPC", "CidrBlock"),
    "AWS::SNS::Topic": ("topic of alarms", "TopicName"),
    "AWS::CloudWatch::Dashboard": ("dashboard", "DashboardName"),
}
# Actions by which a role changes what a resource holds.
_WRITES = re.compile(
    r"s3:PutObject|dynamodb:(Put|Update)Item|dynamodb:TransactWriteItems|sqs:SendMessage|sns:Publish|emr-serverless:StartJobRun"
)


@dataclass(frozen=True)
class Node:
    """`key` is the stack and the logical id."""

    key: str
    label: str
    kind: str


@dataclass(frozen=True)
class Flow:
    source: str
    target: str
    kind: str


def nodes(templates: Templates) -> dict[str, list[Node]]:
    """By stack, in the order of the kinds above, then of the names."""
    order = list(_SHOWN)
    found = {}
    for stack, template in sorted(templates.items()):
        shown = [(name, resource) for name, resource in template["Resources"].items() if resource["Type"] in _SHOWN and _label(resource)]
        shown.sort(key=lambda pair: (order.index(pair[1]["Type"]), _label(pair[1])))
        found[stack] = [Node(f"{stack}/{name}", _label(resource), _SHOWN[resource["Type"]][0]) for name, resource in shown]
    alarms = sum(
        resource["Type"] == "AWS::CloudWatch::Alarm" for template in templates.values() for resource in template["Resources"].values()
    )
    found.setdefault("MonitoringStack", []).append(Node("MonitoringStack/alarms", f"{alarms} alarms", "CloudWatch"))
    return found


def _label(resource: Mapping[str, Any]) -> str:
    value: Any = resource.get("Properties", {})
    for part in _SHOWN[resource["Type"]][1].split("."):
        value = value.get(part, "") if isinstance(value, dict) else ""
    return value if isinstance(value, str) else ""


def flows(templates: Templates, shown: Mapping[str, list[Node]]) -> list[Flow]:
    drawn = {node.key for of_stack in shown.values() for node in of_stack}
    found = [
        flow
        for stack, template in templates.items()
        for flow in _of_stack(stack, template["Resources"])
        if flow.source in drawn and flow.target in drawn and flow.source != flow.target
    ]
    found += [flow for flow in _of_roles(templates) if flow.source in drawn and flow.target in drawn]
    found += [
        Flow("MonitoringStack/alarms", node.key, "calls") for node in shown.get("FoundationStack", ()) if node.kind == "topic of alarms"
    ]
    return sorted(set(found), key=lambda flow: (flow.kind, flow.source, flow.target))


def _of_stack(stack: str, resources: Mapping[str, Any]) -> Iterator[Flow]:
    for name, resource in resources.items():
        properties, here = resource.get("Properties", {}), f"{stack}/{name}"
        match resource["Type"]:
            case "AWS::IoT::TopicRule":
                payload = properties["TopicRulePayload"]
                yield from (Flow(here, f"{stack}/{target}", "carries") for target in _referred(payload["Actions"]))
                yield from (Flow(here, f"{stack}/{target}", "gives up") for target in _referred(payload["ErrorAction"]))
            case "AWS::SQS::Queue":
                yield from (Flow(here, f"{stack}/{target}", "gives up") for target in _referred(properties.get("RedrivePolicy", {})))
            case "AWS::Lambda::EventSourceMapping":
                (source,), (function,) = _referred(properties["EventSourceArn"]), _referred(properties["FunctionName"])
                yield Flow(f"{stack}/{source}", f"{stack}/{function}", "carries")
            case "AWS::Lambda::Function":
                # An InfluxDB is in the function's network, and no policy speaks of it: the environment names it.
                named = _referred(properties.get("Environment", {}))
                stores = [target for target in named if resources[target]["Type"] == "AWS::Timestream::InfluxDBInstance"]
                yield from (Flow(here, f"{stack}/{target}", "writes") for target in stores)
            case "AWS::ApiGateway::Method":
                (gateway,) = _referred(properties["RestApiId"])
                yield from (
                    Flow(f"{stack}/{gateway}", f"{stack}/{target}", "calls") for target in _referred(properties.get("Integration", {}))
                )
            case "AWS::Scheduler::Schedule":
                yield from (Flow(here, f"{stack}/{target}", "calls") for target in _referred(properties["Target"]["Arn"]))
            case "AWS::ElasticLoadBalancingV2::Listener":
                (balancer,) = _referred(properties["LoadBalancerArn"])
                services = [other for other, each in resources.items() if each["Type"] == "AWS::ECS::Service"]
                yield from (Flow(f"{stack}/{balancer}", f"{stack}/{service}", "calls") for service in services)


def _referred(value: Any) -> list[str]:
    """Logical ids that a value refers to, in its order."""
    if isinstance(value, list):
        return [found for each in value for found in _referred(each)]
    if not isinstance(value, dict):
        return []
    if "Ref" in value:
        return [str(value["Ref"])]
    if "Fn::GetAtt" in value:
        return [str(value["Fn::GetAtt"][0])]
    return [found for each in value.values() for found in _referred(each)]


def _of_roles(templates: Templates) -> Iterator[Flow]:
    """What runs under a role writes what the role's policy lets it, by the names in its ARNs."""
    named = {
        name: f"{stack}/{logical}"
        for stack, template in templates.items()
        for logical, resource in template["Resources"].items()
        if resource["Type"] in _SHOWN and (name := _label(resource))
    }
    for stack, template in templates.items():
        for logical, resource in template["Resources"].items():
            role = _role_of(resource, template["Resources"])
            if role and (policy := _policy_of(template["Resources"], role)):
                written = {target for target in _written(policy) if target in named}
                yield from (Flow(f"{stack}/{logical}", named[target], "writes") for target in sorted(written))


def _role_of(resource: Mapping[str, Any], resources: Mapping[str, Any]) -> str:
    properties = resource.get("Properties", {})
    match resource["Type"]:
        case "AWS::Lambda::Function":
            found = _referred(properties.get("Role"))
        case "AWS::MWAA::Environment":
            found = _referred(properties.get("ExecutionRoleArn"))
        case "AWS::ECS::Service":
            (task,) = _referred(properties["TaskDefinition"])
            found = _referred(resources[task]["Properties"]["TaskRoleArn"])
        case _:
            found = []
    return found[0] if found else ""


def _policy_of(resources: Mapping[str, Any], role: str) -> Mapping[str, Any] | None:
    attached = _referred(resources[role]["Properties"].get("ManagedPolicyArns", [])) if role in resources else []
    return next((resources[name]["Properties"]["PolicyDocument"] for name in attached if name in resources), None)


def _written(policy: Mapping[str, Any]) -> Iterator[str]:
    for statement in policy["Statement"]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        if any(_WRITES.fullmatch(action) for action in actions):
            for arn in re.findall(r"arn:[^\"]+", json.dumps(statement["Resource"])):
                resource = arn.split(":", 5)[-1]
                # A bucket before its keys, a table behind its kind.
                yield from {resource, resource.split("/")[0], resource.split("/")[1] if "/" in resource else resource}
