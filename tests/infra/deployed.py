"""The synthesised templates in the emulator: what of them it supports, under the deployment's own names."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import WaiterError

from tests.infra.synthesis import Synthesis, listed

# What the emulator's CloudFormation makes of our kinds of resources. The rest (network, gateways, Fargate, EMR, MWAA, trails, backups,
# Defender) is left out.
SUPPORTED = frozenset(
    f"AWS::{kind}"
    for kind in (
        *(
            "KMS::Key",
            "KMS::Alias",
            "SNS::Topic",
            "SNS::TopicPolicy",
            "S3::Bucket",
            "S3::BucketPolicy",
            "Glue::Database",
            "Athena::WorkGroup",
        ),
        *("SQS::Queue", "SQS::QueuePolicy", "DynamoDB::Table", "IAM::Role", "IAM::ManagedPolicy", "Logs::LogGroup"),
        *("Lambda::Function", "Lambda::EventSourceMapping", "IoT::TopicRule", "IoT::Policy", "IoT::ThingType", "IoT::ThingGroup"),
        *("Cognito::UserPool", "Cognito::UserPoolClient", "Cognito::UserPoolGroup", "Cognito::IdentityPool"),
        *("CloudWatch::Alarm", "CloudWatch::Dashboard", "Scheduler::Schedule"),
    )
)
_NOT_HERE = "not-on-this-machine"


def deploy(synthesis: Synthesis, cloudformation: Any, stacks: tuple[str, ...], variables: Mapping[str, str]) -> dict[str, set[str]]:
    """Create `stacks` in this order; the types of resources that were made, by stack. Functions get `variables` besides their own.

    Raises AssertionError with the stack's events where one does not come up.
    """
    exported: set[str] = set()
    made = {}
    for stack in stacks:
        template = supported(synthesis.templates[stack], exported, variables)
        exported |= set(_exports(template))
        cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_NAMED_IAM"])
        try:
            cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        except WaiterError:
            events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
            said = [
                f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason', '')}"
                for each in events
                if "FAILED" in each["ResourceStatus"]
            ]
            raise AssertionError(f"{stack}: {'; '.join(said)}") from None
        resources = cloudformation.list_stack_resources(StackName=stack)["StackResourceSummaries"]
        made[stack] = {resource["ResourceType"] for resource in resources if resource["ResourceStatus"] == "CREATE_COMPLETE"}
    return made


def supported(template: Mapping[str, Any], exported: set[str], variables: Mapping[str, str]) -> dict[str, Any]:
    """The template without what the emulator has not, and without what refers to that."""
    kept = {
        name: resource for name, resource in template["Resources"].items() if resource["Type"] in SUPPORTED and not _is_of_sums(resource)
    }
    for resource in kept.values():
        if resource["Type"] == "AWS::Lambda::Function":
            resource = resource["Properties"]
            resource.pop("VpcConfig", None)
            resource.setdefault("Environment", {}).setdefault("Variables", {}).update(variables)
    resources = {name: _without(resource, set(kept), exported) for name, resource in kept.items()}
    for resource in resources.values():
        resource["DependsOn"] = [name for name in listed(resource.get("DependsOn", [])) if name in kept]
    outputs = {
        name: output
        for name, output in template.get("Outputs", {}).items()
        if _NOT_HERE not in json.dumps(_without(output, set(kept), exported))
    }
    return {"Resources": resources, "Outputs": outputs}


def _is_of_sums(resource: Mapping[str, Any]) -> bool:
    """An alarm of more than one metric, which the emulator does not reckon with."""
    return resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]


def _without(value: Any, kept: set[str], exported: set[str]) -> Any:
    if isinstance(value, list):
        return [_without(each, kept, exported) for each in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((name, target),) = value.items()
        if name == "Ref" and target not in kept and not str(target).startswith("AWS::"):
            return _NOT_HERE
        if name == "Fn::GetAtt" and target[0] not in kept:
            return _NOT_HERE
        if name == "Fn::ImportValue" and target not in exported:
            return _NOT_HERE
    return {name: _without(each, kept, exported) for name, each in value.items()}


def _exports(template: Mapping[str, Any]) -> Iterator[str]:
    for output in template["Outputs"].values():
        if "Export" in output:
            yield output["Export"]["Name"]
